#!/usr/bin/env bash
# The main job, end to end, on a simulated workspace: sync it, show who has which
# access, change that access, and show the change. `demo.sh explore` opens the
# web explorer on the result. Expects the binaries that `make demo` puts in bin/.
set -euo pipefail
cd "$(dirname "$0")/.."

bin=$PWD/bin
work=$(mktemp -d)
export TMPDIR=$work # the explorer leaves an unpacked copy of the file
simulator=
cleanup() {
	if [ -n "$simulator" ]; then
		kill "$simulator" 2>/dev/null || true
		wait "$simulator" 2>/dev/null || true
	fi
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# say prints a heading.
say() {
	printf '\n== %s\n' "$*"
}

# run shows a command as a user would type it, then runs it.
run() {
	local shown=
	for word in "$@"; do
		case $word in
		*[!A-Za-z0-9_.:/=@-]*) shown+=" '$word'" ;;
		*) shown+=" $word" ;;
		esac
	done
	printf '\n$%s\n' "$shown"
	"$bin/$1" "${@:2}"
}

# holders prints the names of those who hold a role, one a line.
holders() {
	"$bin/baton" grants -e "role:$1:assigned" | awk -F ' *[|] *' 'NR > 1 && NF >= 5 { sub(/ *$/, "", $5); print $5 }'
}

# listed prints lines as "a, b, c".
listed() {
	awk '{ printf "%s%s", (NR > 1 ? ", " : ""), $0 }'
}

editors() {
	printf '\n%s people hold a paid Editor seat: %s.\n' "$(holders editor | wc -l | tr -d ' ')" "$(holders editor | listed)"
}

say "A simulated Whimsical workspace with 12 people"
mkfifo "$work/url"
"$bin/whimsical-sim" -users 12 >"$work/url" &
simulator=$!
read -r url <"$work/url"
echo "It answers at $url"

# A real workspace needs its token alone; the base URL is for the simulated one.
export BATON_WHIMSICAL_TOKEN=whimsical-demo-token
export BATON_BASE_URL=$url
[ -t 2 ] || export BATON_LOG_LEVEL=error # a terminal shows sentences, not the log
export NO_COLOR=1
cd "$work"

say "Sync: everything lands in the file sync.c1z"
run baton-whimsical

say "What the workspace holds, and who has which role"
run baton resources
run baton entitlements
run baton grants
editors

if [ "${1:-}" = explore ]; then
	port=${PORT:-8080}
	say "The web explorer, at http://127.0.0.1:$port (stop it with Ctrl-C; PORT=8081 make explore takes another port)"
	run baton explorer --port "$port"
	exit 0
fi

person="Ada Lovelace"
say "Create an account as Viewer"
run baton-whimsical --create-account-profile \
	'{"email":"ada@example.com","first_name":"Ada","last_name":"Lovelace","role":"viewer"}'
run baton-whimsical
id=$("$bin/baton" resources -t user | awk -F ' *[|] *' -v name="$person" '{ sub(/ *$/, "", $2) } $2 == name { print $1 }')
[ -n "$id" ] || { echo "the new account is not in the sync" >&2; exit 1; }
holders viewer | grep -qx "$person" || { echo "the new account is no Viewer" >&2; exit 1; }
printf '\n%s is a Viewer; the id is %s.\n' "$person" "$id"

say "Grant Editor"
run baton-whimsical --grant-entitlement role:editor:assigned --grant-principal ada@example.com
run baton-whimsical
editors
holders editor | grep -qx "$person" || { echo "the grant did not show" >&2; exit 1; }

say "Revoke Editor: the person falls back to Viewer"
run baton-whimsical --revoke-grant role:editor:assigned:user:ada@example.com
run baton-whimsical
run baton grants -e role:viewer:assigned
holders viewer | grep -qx "$person" || { echo "the fall back to Viewer did not show" >&2; exit 1; }

say "Delete the account"
run baton-whimsical --delete-resource ada@example.com
run baton-whimsical
run baton resources -t user
if "$bin/baton" resources -t user | grep -q "$id"; then
	echo "the account is still there" >&2
	exit 1
fi
printf '\n%s is gone.\n' "$person"

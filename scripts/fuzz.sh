#!/usr/bin/env bash
# Runs every fuzz target of the module for the time given.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:?usage: scripts/fuzz.sh DURATION}

grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u | while read -r dir; do
	grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go | awk '{print $2}' | while read -r target; do
		echo "== $dir $target"
		go test -run '^$' -fuzz "^${target}\$" -fuzztime "$time" "$dir"
	done
done

package connector

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"github.com/conductorone/baton-sdk/pkg/types/sessions"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

// A sync reads each user from the API once: List and Grants share the pages
// through the SDK's session store, which survives a restart in the middle of a
// sync. By the page's number it holds the members of each role, and what was
// seen of each user for the end of the listing.

// readPage makes one request of the listing of all users, stores what the
// roles' Grants and the end of the listing need, and returns the page and the
// token of the next one, "" when the listing is complete.
func readPage(ctx context.Context, users *listing, opts rs.SyncOpAttrs) (*whimsical.UserPage, string, error) {
	page, err := users.page(ctx, opts.SyncID, opts.PageToken.Token)
	if err != nil {
		return nil, "", err
	}
	started := time.Now()
	next, err := keepPage(ctx, users, page, opts)
	if err := users.store.judge(started, err); err != nil {
		return nil, "", err
	}
	// Where the rate limit is used up, the SDK waits before it asks again.
	if next != "" && (page.RateLimit == nil || page.RateLimit.GetRemaining() > 0 || page.RateLimit.GetLimit() == 0) {
		users.readAhead(ctx, opts.SyncID, next)
	}
	return page, next, nil
}

// keepPage stores a page, and returns the token of the next one.
func keepPage(ctx context.Context, users *listing, page *whimsical.UserPage, opts rs.SyncOpAttrs) (next string, err error) {
	next = page.Next
	if page.Ended {
		if err := users.keeper.flush(ctx, opts.Session, opts.SyncID); err != nil {
			return "", err
		}
		seen, lost, err := loadSeen(ctx, opts.Session, page)
		if err != nil {
			return "", err
		}
		evidence := seen.evidence(page.First)
		evidence.Lost = lost
		if next, err = page.Conclude(evidence); err != nil {
			return "", err
		}
		if next == "" {
			if err := seen.finish(ctx, opts.Session); err != nil {
				return "", err
			}
		}
	}
	values := map[string][]byte{seenKey(page.Seq): observe(page).pack()}
	for _, r := range roles {
		values[memberKey(r.id, page.Seq)] = membersOf(page.Users, r.id, opts.PageToken.Token, next).pack()
	}
	if err := users.keeper.keep(ctx, opts.Session, opts.SyncID, page.Seq, values); err != nil || next != "" {
		return next, err
	}
	return "", users.keeper.flush(ctx, opts.Session, opts.SyncID)
}

// maxPagesAtOnce and maxMembersAtOnce bound what one answer to the SDK takes
// from the store: far below its 4 MiB, and enough to make the number of answers
// cheap.
const (
	maxPagesAtOnce   = 20
	maxMembersAtOnce = 2000
	maxBytesAtOnce   = 500 << 10 // of ids, each of which stands in a grant twice
)

// loadMembers returns the members of a role on the page of a token and on those
// that follow it, as far as readPage stored them, and the token that comes after
// them. found is false when the page itself is not stored.
func loadMembers(ctx context.Context, store sessions.SessionStore, role whimsical.Role, token string) (ids []string, next string, found bool, err error) {
	first, err := whimsical.PageNumber(token)
	if err != nil {
		return nil, "", false, err
	}
	keys := make([]string, maxPagesAtOnce)
	for i := range keys {
		keys[i] = memberKey(role, first+i)
	}
	values, _, err := store.GetMany(ctx, slices.Clone(keys))
	if err != nil {
		return nil, "", false, fmt.Errorf("baton-whimsical: pages of users cannot be read from the session store: %w", err)
	}
	next = token
	size := 0
	for _, key := range keys {
		packed, stored := values[key]
		if !stored {
			break
		}
		m, err := unpackMembers(packed)
		if err != nil {
			return nil, "", false, internal("%v", err)
		}
		// A page of this number can be left from another course of the listing.
		if m.page != pageKey(next) {
			break
		}
		ids, next, found = append(ids, m.ids...), m.next, true
		size += len(packed)
		if next == "" || len(ids) >= maxMembersAtOnce || size >= maxBytesAtOnce {
			break
		}
	}
	return ids, next, found, nil
}

// pageKey stands for a page token, which is longer than need be.
func pageKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return string(sum[:16])
}

func memberKey(role whimsical.Role, seq int) string {
	return fmt.Sprintf("members/%s/%08d", role, seq)
}

func seenKey(seq int) string {
	return fmt.Sprintf("seen/%08d", seq)
}

// seenPages is everything that a listing has seen, over all passes.
type seenPages []sighting

// sighting is one user on one page.
type sighting struct {
	user  uint64
	seq   int
	state state
}

// loadSeen returns the sightings of all pages before the last one, and of the
// last one. lost is set when the store has lost a page of the last pass.
func loadSeen(ctx context.Context, store sessions.SessionStore, last *whimsical.UserPage) (seen seenPages, lost bool, err error) {
	seqs := make(map[string]int, last.Seq)
	keys := make([]string, 0, last.Seq)
	for seq := range last.Seq {
		seqs[seenKey(seq)] = seq
		keys = append(keys, seenKey(seq))
	}
	for len(keys) > 0 {
		batch := slices.Clone(keys[:min(len(keys), sessions.MaxKeysPerRequest)])
		keys = keys[len(batch):]
		values, unprocessed, err := store.GetMany(ctx, batch)
		if err != nil {
			return nil, false, fmt.Errorf("baton-whimsical: the pages read so far cannot be read from the session store: %w", err)
		}
		if len(values) == 0 && len(unprocessed) == len(batch) {
			return nil, false, internal("the session store returns none of the pages read so far")
		}
		keys = append(keys, unprocessed...)
		for _, key := range batch {
			if _, stored := values[key]; !stored && !slices.Contains(unprocessed, key) && seqs[key] >= last.First {
				lost = true
			}
		}
		for key, packed := range values {
			observed, err := unpackObservations(packed)
			if err != nil {
				return nil, false, internal("%v", err)
			}
			seen = append(seen, observed.sightings(seqs[key])...)
		}
	}
	seen = append(seen, observe(last).sightings(last.Seq)...)
	slices.SortStableFunc(seen, compareSightings)
	return seen, lost, nil
}

// evidence tells what a listing must know about the pass that began with page
// number first.
func (seen seenPages) evidence(first int) whimsical.Evidence {
	var evidence whimsical.Evidence
	for i, s := range seen {
		if s.seq < first {
			continue
		}
		if i > 0 && seen[i-1].user == s.user && seen[i-1].seq >= first {
			evidence.Repeated = true
			continue
		}
		evidence.Users++
	}
	return evidence
}

// finish makes the newest sighting of each user the one that counts, where a
// role changed while the listing ran, and warns once about what the API did
// not tell.
func (seen seenPages) finish(ctx context.Context, store sessions.SessionStore) error {
	var unknownRoles, unreadableActive int
	for i, s := range seen {
		if i+1 < len(seen) && seen[i+1].user == s.user {
			if newest := seen.newest(i); newest.state.role() != s.state.role() {
				if err := forget(ctx, store, s); err != nil {
					return err
				}
			}
			continue
		}
		if s.state.has(roleUnknown) {
			unknownRoles++
		}
		if s.state.has(activeUnreadable) {
			unreadableActive++
		}
	}
	l := ctxzap.Extract(ctx)
	if unknownRoles > 0 {
		l.Warn("baton-whimsical: the API told no readable role for some active users: they are synced without a role",
			zap.Int("users", unknownRoles))
	}
	if unreadableActive > 0 {
		l.Warn("baton-whimsical: the API told no readable status for some users: they are synced as users with access",
			zap.Int("users", unreadableActive))
	}
	return nil
}

// newest returns the last sighting of the user of sighting i.
func (seen seenPages) newest(i int) sighting {
	for i+1 < len(seen) && seen[i+1].user == seen[i].user {
		i++
	}
	return seen[i]
}

// forget removes a user from the members that an older page stored.
func forget(ctx context.Context, store sessions.SessionStore, s sighting) error {
	role := s.state.role()
	if role == whimsical.RoleUnknown {
		return nil
	}
	key := memberKey(role, s.seq)
	packed, found, err := store.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("baton-whimsical: a page of users cannot be read from the session store: %w", err)
	}
	if !found {
		return nil
	}
	m, err := unpackMembers(packed)
	if err != nil {
		return internal("%v", err)
	}
	m.ids = slices.DeleteFunc(m.ids, func(id string) bool { return whimsical.Fingerprint(id) == s.user })
	if err := store.Set(ctx, key, m.pack()); err != nil {
		return fmt.Errorf("baton-whimsical: a page of users cannot be kept in the session store: %w", err)
	}
	return nil
}

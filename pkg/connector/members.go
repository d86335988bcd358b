package connector

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/session"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

// A sync reads each user from the API once: List stores who holds which role on each page in the SDK's
// session store, which survives a restart in the middle of a sync, and a role's Grants reads that back. A
// record that is missing is read from the API again: an empty store never means an empty role.

const (
	// maxPagesAtOnce and maxBytesAtOnce (bytes of user ids) bound one answer of Grants: a grant holds each id
	// twice, and the SDK's messages take 4 MiB.
	maxPagesAtOnce = 20
	maxBytesAtOnce = 500 << 10
	// pagesAWrite are stored together: the SDK waits for the disk at each write.
	pagesAWrite = 10
	// inactive stands in a record for the role of those who have no access.
	inactive whimsical.Role = "inactive"
)

// pageRecord is what is stored of a page. Its key is the number of the request that read it.
type pageRecord struct {
	// Token is the page token of the request. A record with another token belongs to another listing and is not
	// read.
	Token string `json:"t,omitempty"`
	// Members are the ids of everybody on the page, by role.
	Members map[whimsical.Role][]string `json:"m,omitempty"`
	// NoStatus counts the users without a readable status, Replaced the rows that a later row of the same user
	// replaces. Total is totalResults, or -1.
	NoStatus int `json:"s,omitempty"`
	Replaced int `json:"r,omitempty"`
	Total    int `json:"c"`
	// Next is the token of the page that follows, "" at the end.
	Next string `json:"n,omitempty"`

	bytes int // of the ids that were added
}

// add appends next, the record of the pages that follow, to r.
func (r *pageRecord) add(next pageRecord) {
	for role, ids := range next.Members {
		r.Members[role] = append(r.Members[role], ids...)
		for _, id := range ids {
			r.bytes += len(id)
		}
	}
	r.NoStatus, r.Replaced, r.Total, r.Next = r.NoStatus+next.NoStatus, r.Replaced+next.Replaced, max(r.Total, next.Total), next.Next
}

// newRecord returns the record of a page. Where a user is on it twice, the last row counts, and newRecord
// deletes the earlier rows from page.Users.
func newRecord(token string, page *whimsical.UserPage) pageRecord {
	last := make(map[string]*whimsical.User, len(page.Users))
	for _, user := range page.Users {
		last[user.ID] = user
	}
	record := pageRecord{
		Token: token, Members: map[whimsical.Role][]string{}, Replaced: len(page.Users) - len(last), Total: page.Total, Next: page.Next,
	}
	page.Users = slices.DeleteFunc(page.Users, func(user *whimsical.User) bool { return last[user.ID] != user })
	for _, user := range page.Users {
		role := user.Role
		if !user.IsActive() {
			role = inactive
		}
		record.Members[role] = append(record.Members[role], user.ID)
		if !user.Status.Reported() {
			record.NoStatus++
		}
	}
	return record
}

// members reads pages of users for a sync, and keeps who holds which role.
type members struct {
	client *whimsical.Client
	outage outage
	// pagesAWrite is 1 in AWS Lambda, where another process may read the next page.
	pagesAWrite int

	mu sync.Mutex
	// syncID is the sync that began last; only its records may be pending. An older sync that still runs writes
	// each record at once. The records that it had pending are lost, so it reads another pass.
	syncID  string
	began   time.Time
	pending map[string]pageRecord
}

// read makes one request of the listing of all users and stores the record of
// the page, together with others or at once.
func (m *members) read(ctx context.Context, opts rs.SyncOpAttrs, atOnce bool) (*whimsical.UserPage, pageRecord, error) {
	page, err := m.client.ListUsers(ctx, opts.PageToken.Token)
	if err != nil {
		return nil, pageRecord{}, err
	}
	progress := []zap.Field{zap.Int("users", page.Read)}
	if page.Total >= 0 {
		progress = append(progress, zap.Int("total", page.Total))
	}
	ctxzap.Extract(ctx).Debug(MessageReading, progress...)
	record := newRecord(opts.PageToken.Token, page)
	if !page.Restarted {
		err = m.store(ctx, opts, page.Request, record, atOnce || page.Next == "")
	}
	if err == nil && page.Next == "" {
		err = m.end(ctx, opts, page)
	}
	if err == nil && page.Restarted {
		// Record 0 now leads to the new pass: readers of the records skip the earlier passes.
		record = pageRecord{Total: -1, Next: page.Next}
		err = m.store(ctx, opts, 0, record, true)
	}
	return page, record, err
}

// store writes a record together with those that it kept back. If a crash loses records before they are
// written, another pass begins.
func (m *members) store(ctx context.Context, opts rs.SyncOpAttrs, number int, record pageRecord, atOnce bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	records := map[string]pageRecord{}
	switch {
	case opts.PageToken.Token == "", m.pending == nil:
		m.syncID, m.began, m.pending = opts.SyncID, time.Now(), records
	case m.syncID == opts.SyncID:
		records = m.pending
	default:
		atOnce = true
	}
	records[recordKey(number)] = record
	if !atOnce && len(records) < m.pagesAWrite {
		return nil
	}
	if err := session.SetManyJSON(ctx, opts.Session, records); err != nil {
		return fmt.Errorf(whimsical.Prefix+"pages of users cannot be kept in the session store: %w", err)
	}
	clear(records)
	return nil
}

func recordKey(number int) string {
	return fmt.Sprintf("page/%08d", number)
}

// stored merges the records of a token's page and of the pages that follow, up to the first missing one. It
// returns false when the record of the token's page itself is missing.
func stored(ctx context.Context, opts rs.SyncOpAttrs, token string) (pageRecord, bool, error) {
	first, err := whimsical.PageNumber(token)
	if err != nil {
		return pageRecord{}, false, err
	}
	keys := make([]string, maxPagesAtOnce)
	for i := range keys {
		keys[i] = recordKey(first + i)
	}
	records, err := session.GetManyJSON[pageRecord](ctx, opts.Session, keys)
	if err != nil {
		return pageRecord{}, false, fmt.Errorf(whimsical.Prefix+"pages of users cannot be read from the session store: %w", err)
	}
	together := pageRecord{Members: map[whimsical.Role][]string{}, Next: token}
	for i, key := range keys {
		record, found := records[key]
		if !found || record.Token != together.Next || together.bytes > maxBytesAtOnce {
			return together, i > 0, nil
		}
		together.add(record)
	}
	return together, true, nil
}

// of returns who holds a role on the page of a token and on some that follow it, the
// token that comes next, and the API's rate limit where a page had to be read.
func (m *members) of(ctx context.Context, role whimsical.Role, opts rs.SyncOpAttrs) ([]string, string, *v2.RateLimitDescription, error) {
	record, found, err := stored(ctx, opts, opts.PageToken.Token)
	if found || err != nil {
		return record.Members[role], record.Next, nil, err
	}
	page, record, err := m.read(ctx, opts, true)
	if err != nil {
		return nil, "", nil, err
	}
	return record.Members[role], record.Next, page.RateLimit, nil
}

// end checks a pass by its records, and logs what it read. Where users may be missing, it begins another
// pass, and fails with Aborted after ten. It fails with FailedPrecondition when the API reports the role of
// no active user.
func (m *members) end(ctx context.Context, opts rs.SyncOpAttrs, page *whimsical.UserPage) error {
	pass := pageRecord{Members: map[whimsical.Role][]string{}}
	for more := true; more; more = pass.Next != "" {
		records, found, err := stored(ctx, opts, pass.Next)
		switch {
		case err != nil:
			return err
		case !found:
			return page.Again("the session store has lost pages")
		}
		pass.add(records)
	}
	editors, viewers, noRole := len(pass.Members[whimsical.RoleEditor]), len(pass.Members[whimsical.RoleViewer]), len(pass.Members[whimsical.RoleUnknown])
	users := slices.Concat(slices.Collect(maps.Values(pass.Members))...)
	if reason := whimsical.Incomplete(users, len(users)+pass.Replaced, pass.Total); reason != "" {
		return page.Again(reason)
	}
	if editors+viewers == 0 && noRole > 0 {
		return failedPrecondition("the API does not report the role of any user: it has changed, not the people, so the sync stops here")
	}

	m.mu.Lock()
	defer m.mu.Unlock()
	seconds := zap.Skip()
	if m.syncID == opts.SyncID {
		seconds = zap.Float64("seconds", time.Since(m.began).Truncate(time.Second).Seconds())
	}
	l := ctxzap.Extract(ctx)
	l.Info(MessageRead, zap.Int("users", len(users)), zap.Int("editors", editors), zap.Int("viewers", viewers),
		zap.Int("inactive", len(pass.Members[inactive])), zap.Int("without_role", noRole), zap.Int("passes", page.Passes), zap.Int("requests", page.Request+1), seconds)
	if noRole > 0 || pass.NoStatus > 0 {
		l.Warn(MessageNotReported,
			zap.Int("users_without_role", noRole), zap.Int("users_without_status", pass.NoStatus), zap.Int("users", len(users)))
	}
	if pass.Replaced > 0 {
		l.Warn(whimsical.Prefix+"the API listed some users twice in one answer: the later row counts", zap.Int("rows_replaced", pass.Replaced))
	}
	return nil
}

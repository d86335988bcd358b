package connector

import (
	"context"
	"fmt"
	"os"
	"sync"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/session"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

// A sync reads each user from the API once: List stores who holds which role on
// each page in the SDK's session store, which survives a restart in the middle
// of a sync, and a role's Grants reads that back. A record that is missing is
// read from the API again: an empty store never means an empty role.

const (
	// maxPagesAtOnce and maxBytesAtOnce, of ids, which stand in a grant twice,
	// bound one answer of Grants: the SDK's messages take 4 MiB.
	maxPagesAtOnce = 20
	maxBytesAtOnce = 500 << 10
	// pagesAWrite are stored together: the SDK waits for the disk at each write.
	pagesAWrite = 10
)

// pageRecord is what is stored of a page. Its key is the number of the page.
type pageRecord struct {
	Members map[whimsical.Role][]string `json:"m,omitempty"`
	// Next is the token of the page that follows, "" at the end.
	Next string `json:"n,omitempty"`
}

// listing reads pages of users for a sync, and stores their records.
type listing struct {
	client *whimsical.Client
	outage outage
	// pagesAWrite is 1 in AWS Lambda, which may give the next page to another
	// process.
	pagesAWrite int

	mu sync.Mutex
	// syncID is the sync to which the records that are not written yet belong: the one
	// that began last. One that runs beside it writes each record at once, and reads
	// those again that it had not written.
	syncID  string
	pending map[string]pageRecord
}

func newListing(client *whimsical.Client) *listing {
	l := &listing{client: client, pagesAWrite: pagesAWrite}
	if _, inLambda := os.LookupEnv("AWS_LAMBDA_RUNTIME_API"); inLambda {
		l.pagesAWrite = 1
	}
	return l
}

// read makes one request of the listing of all users and stores the record of
// the page, together with others or at once.
func (l *listing) read(ctx context.Context, opts rs.SyncOpAttrs, atOnce bool) (*whimsical.UserPage, pageRecord, error) {
	page, err := l.client.ListUsers(ctx, opts.PageToken.Token)
	if err != nil {
		return nil, pageRecord{}, err
	}
	record := pageRecord{Members: membersOf(page.Users), Next: page.Next}
	number := page.Request
	if page.Restarted {
		// The walk through the records goes on with the new pass: what an abandoned
		// one stored is not read any more.
		number = 0
	}
	if err := l.store(ctx, opts, number, record, atOnce || page.Restarted || page.Next == ""); err != nil {
		return nil, pageRecord{}, fmt.Errorf("baton-whimsical: pages of users cannot be kept in the session store: %w", err)
	}
	logPage(ctx, page)
	return page, record, nil
}

// membersOf returns who holds which role on a page. Of a user who is on it twice
// the last one counts, as it does of the resource.
func membersOf(users []*whimsical.User) map[whimsical.Role][]string {
	last := make(map[string]*whimsical.User, len(users))
	for _, user := range users {
		last[user.ID] = user
	}
	members := map[whimsical.Role][]string{}
	for _, user := range users {
		if last[user.ID] == user && user.IsActive() && user.Role != whimsical.RoleUnknown {
			members[user.Role] = append(members[user.Role], user.ID)
		}
	}
	return members
}

// store writes a record, with those that were kept back before it. Records that a
// crash loses before they are written are read from the API again.
func (l *listing) store(ctx context.Context, opts rs.SyncOpAttrs, number int, record pageRecord, atOnce bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	records := map[string]pageRecord{}
	switch {
	case number == 0 && opts.PageToken.Token == "":
		l.syncID, l.pending = opts.SyncID, records
	case l.syncID == opts.SyncID && l.pending != nil:
		records = l.pending
	default:
		atOnce = true
	}
	records[recordKey(number)] = record
	if !atOnce && len(records) < l.pagesAWrite {
		return nil
	}
	if err := session.SetManyJSON(ctx, opts.Session, records); err != nil {
		return err
	}
	clear(records)
	return nil
}

func recordKey(number int) string {
	return fmt.Sprintf("page/%08d", number)
}

// members returns who holds a role on the page of a token and on those that
// follow it, the token that comes after them, and the API's rate limit where a
// page had to be read.
func (l *listing) members(ctx context.Context, role whimsical.Role, opts rs.SyncOpAttrs) ([]string, string, *v2.RateLimitDescription, error) {
	first, err := whimsical.PageNumber(opts.PageToken.Token)
	if err != nil {
		return nil, "", nil, err
	}
	keys := make([]string, maxPagesAtOnce)
	for i := range keys {
		keys[i] = recordKey(first + i)
	}
	records, err := session.GetManyJSON[pageRecord](ctx, opts.Session, keys)
	if err != nil {
		return nil, "", nil, fmt.Errorf("baton-whimsical: pages of users cannot be read from the session store: %w", err)
	}
	record, found := records[recordKey(first)]
	if !found {
		page, record, err := l.read(ctx, opts, true)
		if err != nil {
			return nil, "", nil, err
		}
		return record.Members[role], record.Next, page.RateLimit, nil
	}
	var ids []string
	size := 0
	for {
		ids = append(ids, record.Members[role]...)
		for _, id := range record.Members[role] {
			size += len(id)
		}
		next := record.Next
		if next == "" || size > maxBytesAtOnce {
			return ids, next, nil, nil
		}
		number, err := whimsical.PageNumber(next)
		if err != nil {
			return nil, "", nil, err
		}
		if record, found = records[recordKey(number)]; !found {
			return ids, next, nil, nil
		}
	}
}

// logPage reports how far a listing is, and at its end what it read.
func logPage(ctx context.Context, page *whimsical.UserPage) {
	l, tally := ctxzap.Extract(ctx), page.Tally
	progress := []zap.Field{zap.Int("users", page.Read)}
	if page.Total >= 0 {
		progress = append(progress, zap.Int("total", page.Total))
	}
	l.Debug(MessageReading, progress...)
	if page.Next != "" {
		return
	}
	l.Info(MessageRead,
		zap.Int("users", page.Read), zap.Int("editors", tally.Editors), zap.Int("viewers", tally.Viewers),
		zap.Int("inactive", tally.Inactive), zap.Int("without_role", tally.NoRole), zap.Int("passes", page.Passes),
		zap.Int("requests", page.Request+1), zap.Float64("seconds", page.Elapsed.Seconds()))
	if tally.NoRole > 0 || tally.NoStatus > 0 {
		l.Warn(MessageNotReported,
			zap.Int("users_without_role", tally.NoRole), zap.Int("users_without_status", tally.NoStatus), zap.Int("users", page.Read))
	}
}

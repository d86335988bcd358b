package connector

import (
	"context"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

// listing reads the pages of users for a sync, one request at a time. While
// the SDK stores a page, the next one is read ahead: in a large sync that hides
// most of the API's time behind the SDK's.
type listing struct {
	client *whimsical.Client
	api    patience
	// store judges the SDK's session store.
	store  patience
	keeper keeper
	// inLambda forbids reading ahead: AWS Lambda freezes the process after each
	// answer, and another instance may be given the next page.
	inLambda bool

	mu    sync.Mutex
	ahead *pageAhead
}

// pageAhead is a page that is being read, or was, before the SDK asked for it.
type pageAhead struct {
	syncID, token string
	// done is closed when page and err are set.
	done chan struct{}
	page *whimsical.UserPage
	err  error
}

func newListing(client *whimsical.Client) *listing {
	_, inLambda := os.LookupEnv("AWS_LAMBDA_RUNTIME_API")
	return &listing{
		client:   client,
		api:      patience{of: "Whimsical's API"},
		store:    patience{of: "the SDK's session store"},
		keeper:   keeper{atOnce: inLambda},
		inLambda: inLambda,
	}
}

// page returns the page of a token, read ahead or not. A failure to read ahead
// is the page's failure: the request is not made again before the SDK has
// waited.
func (l *listing) page(ctx context.Context, syncID, token string) (*whimsical.UserPage, error) {
	started := time.Now()
	page, err := l.read(ctx, syncID, token)
	return page, l.api.judge(started, err)
}

func (l *listing) read(ctx context.Context, syncID, token string) (*whimsical.UserPage, error) {
	l.mu.Lock()
	ahead := l.ahead
	l.ahead = nil
	l.mu.Unlock()
	if ahead != nil {
		select {
		case <-ahead.done:
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		}
		if ahead.syncID == syncID && ahead.token == token {
			return ahead.page, ahead.err
		}
	}
	return l.client.ListUsers(ctx, token)
}

// readAhead begins to read the page that the sync will ask for next.
func (l *listing) readAhead(ctx context.Context, syncID, token string) {
	if l.inLambda {
		return
	}
	ahead := &pageAhead{syncID: syncID, token: token, done: make(chan struct{})}
	l.mu.Lock()
	l.ahead = ahead
	l.mu.Unlock()
	// The call that this one follows ends long before the request does; the
	// client's own time limit bounds it.
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer close(ahead.done)
		ahead.page, ahead.err = l.client.ListUsers(ctx, token)
	}()
}

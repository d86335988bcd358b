package connector

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/conductorone/baton-sdk/pkg/types/sessions"
)

// keptPages and keptBytes bound what is gathered for one write.
const (
	keptPages = 10
	keptBytes = 256 << 10
)

// keeper writes pages to the session store, several at a time: the SDK waits for
// the disk at each write, and writes nothing else meanwhile. Pages that a crash
// loses cost no truth: the end of the listing misses them, and reads the users
// again.
type keeper struct {
	// atOnce forbids gathering, as listing.inLambda does.
	atOnce bool

	mu     sync.Mutex
	syncID string
	pages  map[int]map[string][]byte // by number, the values of each
	bytes  int
}

// keep takes the values of page number seq, and writes all gathered ones when
// they are many.
func (k *keeper) keep(ctx context.Context, store sessions.SessionStore, syncID string, seq int, values map[string][]byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.begin(syncID)
	if _, again := k.pages[seq]; !again {
		for _, value := range values {
			k.bytes += len(value)
		}
	}
	k.pages[seq] = values
	if len(k.pages) < keptPages && k.bytes < keptBytes && !k.atOnce {
		return nil
	}
	return k.write(ctx, store)
}

// flush writes what is gathered.
func (k *keeper) flush(ctx context.Context, store sessions.SessionStore, syncID string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.begin(syncID)
	return k.write(ctx, store)
}

// begin drops what a sync has left that did not end.
func (k *keeper) begin(syncID string) {
	if k.syncID != syncID || k.pages == nil {
		k.syncID, k.pages, k.bytes = syncID, map[int]map[string][]byte{}, 0
	}
}

// write keeps what cannot be written for the next try.
func (k *keeper) write(ctx context.Context, store sessions.SessionStore) error {
	if len(k.pages) == 0 {
		return nil
	}
	all := map[string][]byte{}
	for _, values := range k.pages {
		maps.Copy(all, values)
	}
	if err := store.SetMany(ctx, all); err != nil {
		return fmt.Errorf("baton-whimsical: pages of users cannot be kept in the session store: %w", err)
	}
	k.pages, k.bytes = nil, 0
	return nil
}

package connector

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/conductorone/baton-sdk/pkg/types/sessions"
)

const (
	// keptPages and keptBytes bound what is gathered for one write.
	keptPages = 10
	keptBytes = 256 << 10
	// keptSyncs bounds the syncs for which pages are gathered at a time. A service
	// carries out several tasks at once; what is left is of syncs that did not end.
	keptSyncs = 8
)

// keeper writes pages to the session store, several at a time: the SDK waits for
// the disk at each write, and writes nothing else meanwhile. Pages that a crash
// loses cost no truth: the end of the listing misses them, and reads the users
// again.
type keeper struct {
	// atOnce forbids gathering, as listing.inLambda does.
	atOnce bool

	mu       sync.Mutex
	gathered []*gathering // the oldest first
}

// gathering is what one sync has yet to write.
type gathering struct {
	syncID string
	pages  map[int]map[string][]byte // by number, the values of each
	bytes  int
}

// keep takes the values of page number seq, and writes all gathered ones when
// they are many.
func (k *keeper) keep(ctx context.Context, store sessions.SessionStore, syncID string, seq int, values map[string][]byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	g := k.of(syncID)
	if _, again := g.pages[seq]; !again {
		for _, value := range values {
			g.bytes += len(value)
		}
	}
	g.pages[seq] = values
	if len(g.pages) < keptPages && g.bytes < keptBytes && !k.atOnce {
		return nil
	}
	return k.write(ctx, store, g)
}

// flush writes what is gathered of a sync.
func (k *keeper) flush(ctx context.Context, store sessions.SessionStore, syncID string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.write(ctx, store, k.of(syncID))
}

// of returns the gathering of a sync.
func (k *keeper) of(syncID string) *gathering {
	for _, g := range k.gathered {
		if g.syncID == syncID {
			return g
		}
	}
	if len(k.gathered) == keptSyncs {
		k.gathered = slices.Delete(k.gathered, 0, 1)
	}
	g := &gathering{syncID: syncID, pages: map[int]map[string][]byte{}}
	k.gathered = append(k.gathered, g)
	return g
}

// write keeps what cannot be written for the next try.
func (k *keeper) write(ctx context.Context, store sessions.SessionStore, g *gathering) error {
	if len(g.pages) > 0 {
		all := map[string][]byte{}
		for _, values := range g.pages {
			maps.Copy(all, values)
		}
		if err := store.SetMany(ctx, all); err != nil {
			return fmt.Errorf("baton-whimsical: pages of users cannot be kept in the session store: %w", err)
		}
	}
	k.gathered = slices.DeleteFunc(k.gathered, func(other *gathering) bool { return other == g })
	return nil
}

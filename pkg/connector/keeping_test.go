package connector

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/types/sessions"
)

// written is a session store that tells how many keys each write had.
type written struct {
	sessions.SessionStore
	keys []int
	err  error
}

func (w *written) SetMany(_ context.Context, values map[string][]byte, _ ...sessions.SessionStoreOption) error {
	if w.err != nil {
		return w.err
	}
	w.keys = append(w.keys, len(values))
	return nil
}

func page(seq, size int) map[string][]byte {
	return map[string][]byte{fmt.Sprint(seq): make([]byte, size)}
}

func TestPagesAreWrittenWhenTheyAreMany(t *testing.T) {
	for name, test := range map[string]struct {
		atOnce      bool
		pages, size int
		want        string
	}{
		"few pages":                 {pages: keptPages - 1, size: 100, want: "[]"},
		"many pages":                {pages: 2*keptPages + 1, size: 100, want: "[10 10]"},
		"large pages":               {pages: 5, size: keptBytes/2 + 1, want: "[2 2]"},
		"where nothing is gathered": {atOnce: true, pages: 3, size: 100, want: "[1 1 1]"},
	} {
		t.Run(name, func(t *testing.T) {
			k, store := &keeper{atOnce: test.atOnce}, &written{}
			for seq := range test.pages {
				if err := k.keep(t.Context(), store, "sync", seq, page(seq, test.size)); err != nil {
					t.Fatal(err)
				}
			}
			if got := fmt.Sprint(store.keys); got != test.want {
				t.Errorf("the writes have %s pages, want %s", got, test.want)
			}
		})
	}
}

func TestSyncsSideBySideKeepTheirPagesApart(t *testing.T) {
	k := &keeper{}
	stores := map[string]*written{"full": {}, "targeted": {}}
	for seq := range keptPages - 1 {
		for id, store := range stores {
			if err := k.keep(t.Context(), store, id, seq, page(seq, 100)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for id, store := range stores {
		if err := k.flush(t.Context(), store, id); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(store.keys); got != fmt.Sprint([]int{keptPages - 1}) {
			t.Errorf("the %s sync has written %s pages", id, got)
		}
	}
	if len(k.gathered) != 0 {
		t.Errorf("%d gatherings are left", len(k.gathered))
	}
}

func TestSyncsThatNeverEndLeaveLittle(t *testing.T) {
	k := &keeper{}
	for id := range 100 {
		if err := k.keep(t.Context(), &written{}, fmt.Sprint(id), 0, page(0, 100)); err != nil {
			t.Fatal(err)
		}
	}
	if len(k.gathered) > keptSyncs {
		t.Errorf("%d gatherings are left", len(k.gathered))
	}
}

func TestPagesThatCannotBeWrittenAreWrittenAtTheNextTry(t *testing.T) {
	k, store := &keeper{}, &written{err: errors.New("busy")}
	for range 2 { // the same page, read again
		if err := k.keep(t.Context(), store, "sync", 0, page(0, keptBytes)); !errors.Is(err, store.err) {
			t.Fatalf("got %v", err)
		}
	}
	store.err = nil
	if err := k.flush(t.Context(), store, "sync"); err != nil || fmt.Sprint(store.keys) != "[1]" {
		t.Errorf("the writes have %v pages, %v", store.keys, err)
	}
}

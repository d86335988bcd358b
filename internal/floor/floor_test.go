package floor_test

import (
	"maps"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"

	"github.com/conductorone/baton-whimsical/internal/floor"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/internal/synctest"
	"github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

func TestTheFloorHoldsWhatTheConnectorHolds(t *testing.T) {
	const users, token = 2345, "test-token"
	workspace, err := sim.New(sim.Config{Users: users, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(workspace.Handler())
	t.Cleanup(server.Close)
	actual, _, err := connector.New(t.Context(), &config.Whimsical{WhimsicalToken: token, BaseUrl: server.URL + sim.BasePath}, nil)
	if err != nil {
		t.Fatal(err)
	}
	bare, _, err := floor.New(t.Context(), &floor.Config{Users: users}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := synced(t, actual)
	for range 2 { // the second sync of a process does not hold the first one's members
		got := synced(t, bare)
		if !slices.Equal(slices.Sorted(maps.Keys(got.Resources)), slices.Sorted(maps.Keys(want.Resources))) {
			t.Errorf("%d resources, want %d", len(got.Resources), len(want.Resources))
		}
		if !slices.Equal(slices.Sorted(maps.Keys(got.Grants)), slices.Sorted(maps.Keys(want.Grants))) {
			t.Errorf("%d grants, want %d", len(got.Grants), len(want.Grants))
		}
	}
}

func synced(t *testing.T, built connectorbuilder.ConnectorBuilderV2) *synctest.Picture {
	t.Helper()
	h, err := synctest.Start(t.Context(), built, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(t.TempDir(), "sync.c1z")
	if err := h.Sync(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	picture, err := synctest.Read(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

package manifesttest

import (
	"maps"
	"reflect"
	"slices"
	"testing"
)

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func only[T any](t *testing.T, what string, list []T) T {
	t.Helper()
	if len(list) != 1 {
		t.Fatalf("%d of %s, want one", len(list), what)
	}
	return list[0]
}

// set checks a field that has to be there: a missing one is not its zero value.
func set[T any](t *testing.T, what string, field *T, want T) {
	t.Helper()
	if field == nil {
		t.Errorf("%s is not set, want %v", what, want)
		return
	}
	equal(t, what, *field, want)
}

func keys(m map[string]string) []string {
	return slices.Collect(maps.Keys(m))
}

func sorted(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return names
}

package whimsical

import (
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestAnErrorKeepsItsCauseBesideItsCode(t *testing.T) {
	cause := errors.New("the cause")
	err := Errorf(codes.Internal, "it failed: %w", cause)
	if !errors.Is(err, cause) || status.Code(err) != codes.Internal || err.Error() != "baton-whimsical: it failed: the cause" {
		t.Errorf("got %v with the code %v", err, status.Code(err))
	}
	if got := status.Convert(err).Message(); got != err.Error() {
		t.Errorf("gRPC carries %q", got)
	}
}

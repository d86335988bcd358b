package connector

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

func failedPrecondition(format string, args ...any) error {
	return whimsical.Errorf(codes.FailedPrecondition, format, args...)
}

func invalidArgument(format string, args ...any) error {
	return whimsical.Errorf(codes.InvalidArgument, format, args...)
}

func notFound(format string, args ...any) error {
	return whimsical.Errorf(codes.NotFound, format, args...)
}

func internal(format string, args ...any) error {
	return whimsical.Errorf(codes.Internal, format, args...)
}

func isNotFound(err error) bool {
	return status.Code(err) == codes.NotFound
}

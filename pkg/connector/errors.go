package connector

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const prefix = "baton-whimsical: "

func failedPrecondition(format string, args ...any) error {
	return status.Errorf(codes.FailedPrecondition, prefix+format, args...)
}

func invalidArgument(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, prefix+format, args...)
}

func notFound(format string, args ...any) error {
	return status.Errorf(codes.NotFound, prefix+format, args...)
}

func internal(format string, args ...any) error {
	return status.Errorf(codes.Internal, prefix+format, args...)
}

func isNotFound(err error) bool {
	return status.Code(err) == codes.NotFound
}

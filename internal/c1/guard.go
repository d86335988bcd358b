package c1

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// guard stands before the gRPC services: it checks the token of every call and the
// rules that the protocol buffers set for every message, and notes the calls that
// end in an error.
type guard struct {
	notes *refusals
	// authenticate checks a call and returns the context for its handler.
	authenticate func(ctx context.Context, method string) (context.Context, error)
}

// server returns a gRPC server whose calls pass the guard.
func (g *guard) server() *grpc.Server {
	return grpc.NewServer(grpc.UnaryInterceptor(g.unary), grpc.StreamInterceptor(g.stream))
}

func (g *guard) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	answer, err := func() (any, error) {
		inner, err := g.authenticate(ctx, info.FullMethod)
		if err != nil {
			return nil, err
		}
		if err := validate(req); err != nil {
			return nil, err
		}
		return handler(inner, req)
	}()
	g.note(ctx, info.FullMethod, err)
	return answer, err
}

func (g *guard) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	_, err := g.authenticate(stream.Context(), info.FullMethod)
	if err == nil {
		err = handler(srv, validatedStream{stream})
	}
	g.note(stream.Context(), info.FullMethod, err)
	return err
}

// note keeps a call that failed, unless it failed because the client or the
// listener was gone.
func (g *guard) note(ctx context.Context, method string, err error) {
	if err != nil && ctx.Err() == nil {
		g.notes.add(method + ": " + err.Error())
	}
}

// validatedStream checks the messages that it receives.
type validatedStream struct {
	grpc.ServerStream
}

// RecvMsg receives a message and fails with InvalidArgument when it breaks its rules.
func (s validatedStream) RecvMsg(message any) error {
	if err := s.ServerStream.RecvMsg(message); err != nil {
		return err
	}
	return validate(message)
}

// validate checks a message against the rules in its protocol buffers.
func validate(message any) error {
	checked, ok := message.(interface{ Validate() error })
	if !ok {
		return nil
	}
	if err := checked.Validate(); err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	return nil
}

// bearer returns an authenticate function for unbound tokens (RFC 6750).
func bearer(issued *tokens) func(context.Context, string) (context.Context, error) {
	return func(ctx context.Context, _ string) (context.Context, error) {
		token, err := authorization(ctx, "Bearer")
		if err != nil {
			return nil, err
		}
		if _, ok := issued.lookup(token, time.Now()); !ok {
			return nil, status.Error(codes.Unauthenticated, "the access token is not valid")
		}
		return ctx, nil
	}
}

// authorization returns the credentials of a call's authorization header, which must
// have the given scheme.
func authorization(ctx context.Context, scheme string) (string, error) {
	value, err := header(ctx, "authorization")
	if err != nil {
		return "", status.Error(codes.Unauthenticated, err.Error())
	}
	got, token, _ := strings.Cut(value, " ")
	if !strings.EqualFold(got, scheme) || token == "" {
		return "", status.Errorf(codes.Unauthenticated, "the authorization scheme is %q, not %s", got, scheme)
	}
	return token, nil
}

// header returns the only value of a header of a call.
func header(ctx context.Context, name string) (string, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	values := md.Get(name)
	if len(values) != 1 {
		return "", errors.New("the call has no single " + name + " header")
	}
	return values[0], nil
}

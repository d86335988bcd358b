package connector

import (
	"context"
	"strings"

	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

// logChange writes the one line that every change leaves in the log. Ids are
// opaque, but on some servers they are e-mail addresses, which stay out. user is
// "" where the server has not told the id of a user it created.
func logChange(ctx context.Context, operation, user string, role whimsical.Role) {
	if user == "" || strings.Contains(user, "@") {
		user = "{id}"
	}
	fields := []zap.Field{zap.String("operation", operation), zap.String("user_id", user)}
	if role != whimsical.RoleUnknown {
		fields = append(fields, zap.String("role", string(role)))
	}
	ctxzap.Extract(ctx).Info("baton-whimsical: workspace changed", fields...)
}

package settings

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/conductorone/baton-sdk/pkg/field"
	"github.com/conductorone/baton-sdk/pkg/logging"
	"github.com/conductorone/baton-sdk/pkg/uhttp"
	"github.com/conductorone/baton-sdk/pkg/uotel"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/conductorone/baton-whimsical/cmd/baton-whimsical/terminal"
	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

// flushTime is how long a collector may take for what a run still has to send.
const flushTime = 5 * time.Second

// Screen returns the terminal to show a one-shot run on, or nil where nobody looks on, or
// the log itself is asked for.
func Screen(flags *pflag.FlagSet) *terminal.Screen {
	if slices.ContainsFunc([]string{"log-path", "log-level", "log-format", "list-action-schemas"}, flags.Changed) {
		return nil
	}
	return terminal.Open(os.Stderr)
}

// Context returns the context of a one-shot run. It holds the log that the settings describe, or the screen's
// where there is one, the time limit of a request, and an OpenTelemetry collector where one is named. The
// function that it returns sends the collector what is left. A warning names the settings that have no effect.
func Context(ctx context.Context, v *viper.Viper, flags *pflag.FlagSet, screen *terminal.Screen) (context.Context, func(), error) {
	ctx, err := logged(ctx, v, screen)
	if err != nil {
		return ctx, nil, err
	}
	ctx, flush, err := observed(ctx, v)
	if names := withoutEffect(flags); len(names) > 0 && err == nil {
		ctxzap.Extract(ctx).Warn(whimsical.Prefix+"only a service, which has a client ID, does something with these settings", zap.Strings("keys", names))
	}
	timeout := time.Duration(v.GetInt(field.HttpTimeoutField.GetName())) * time.Second
	return context.WithValue(ctx, uhttp.ContextHTTPTimeoutKey, timeout), flush, err
}

// observed lets a collector have the traces and the log, where one is named.
func observed(ctx context.Context, v *viper.Viper) (context.Context, func(), error) {
	endpoint := v.GetString(field.OtelCollectorEndpointFieldName)
	if endpoint == "" {
		return ctx, func() {}, nil
	}
	options := []uotel.Option{uotel.WithServiceName("baton-whimsical-server"), uotel.WithOtelEndpoint(endpoint,
		v.GetString(field.OtelCollectorEndpointTLSCertPathFieldName), v.GetString(field.OtelCollectorEndpointTLSCertFieldName))}
	for name, option := range map[string]uotel.Option{
		field.OtelCollectorEndpointTLSInsecureFieldName: uotel.WithInsecureOtelEndpoint(endpoint),
		field.OtelTracingDisabledFieldName:              uotel.WithTracingDisabled(),
		field.OtelLoggingDisabledFieldName:              uotel.WithLoggingDisabled(),
	} {
		if v.GetBool(name) {
			options = append(options, option)
		}
	}
	ctx, shutdown, err := uotel.InitOtel(ctx, options...)
	return ctx, func() {
		limited, cancel := context.WithTimeout(ctx, flushTime)
		defer cancel()
		if err := shutdown(limited); err != nil {
			ctxzap.Extract(ctx).Warn(whimsical.Prefix+"not all telemetry could be sent", zap.Error(err))
		}
	}, err
}

func logged(ctx context.Context, v *viper.Viper, screen *terminal.Screen) (context.Context, error) {
	if screen != nil {
		onScreen := func(zap.Config) zapcore.Core { return screen }
		return logging.InitWithCore(ctx, onScreen, logging.WithOutputPaths(nil), logging.WithLogLevel(zapcore.FatalLevel.String()))
	}
	options := []logging.Option{logging.WithLogFormat(v.GetString("log-format")), logging.WithLogLevel(v.GetString("log-level"))}
	if paths := v.GetStringSlice("log-path"); len(paths) > 0 {
		options = append(options, logging.WithOutputPaths(paths))
	}
	return logging.Init(ctx, options...)
}

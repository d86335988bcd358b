package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/conductorone/baton-sdk/pkg/cli"
	"github.com/conductorone/baton-sdk/pkg/field"
	"github.com/conductorone/baton-sdk/pkg/sync"
	"github.com/conductorone/baton-sdk/pkg/uhttp"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/cmd/baton-whimsical/settings"
	"github.com/conductorone/baton-whimsical/cmd/baton-whimsical/terminal"
	"github.com/conductorone/baton-whimsical/internal/draft"
	"github.com/conductorone/baton-whimsical/internal/inprocess"
	cfg "github.com/conductorone/baton-whimsical/pkg/config"
)

// grace is how long an interrupted run may take to end by itself.
const grace = time.Second

// runOnce makes the sync or the change that the settings ask for.
func runOnce(v *viper.Viper, flags *pflag.FlagSet, screen *terminal.Screen) error {
	ctx, flush, err := settings.WithLog(context.Background(), v, screen)
	if err != nil {
		return err
	}
	defer flush()
	if names := settings.WithoutEffect(flags); len(names) > 0 {
		ctxzap.Extract(ctx).Warn("baton-whimsical: only a service, which has a client ID, does something with these settings", zap.Strings("keys", names))
	}
	timeout := time.Duration(v.GetInt(field.HttpTimeoutField.GetName())) * time.Second
	ctx = context.WithValue(ctx, uhttp.ContextHTTPTimeoutKey, timeout)
	configuration, err := cli.MakeGenericConfiguration[*cfg.Whimsical](v, field.WithAdditionalDecodeHooks(field.FileUploadDecodeHook(true)))
	if err != nil {
		return fmt.Errorf("the settings cannot be read: %w", err)
	}
	method := v.GetString("auth-method")
	if err := field.Validate(cfg.Config, configuration, field.WithAuthMethod(method)); err != nil {
		return err
	}
	sessions := &inprocess.Sessions{}
	server, err := newServer(ctx, configuration, cli.RunTimeOpts{
		SessionStore: sessions, SelectedAuthMethod: method, SyncResourceTypeIDs: v.GetStringSlice("sync-resource-types"),
	})
	if err != nil {
		return err
	}
	host, err := inprocess.Start(ctx, server)
	if err != nil {
		return err
	}
	defer host.Close()
	screen.Show("", "Connecting to Whimsical...")
	if change := changeAsked(v); change != nil {
		return interruptible(ctx, "the change may have been made: sync to see whether it was", func(ctx context.Context) error {
			return change(ctx, v, host)
		})
	}
	return syncFile(ctx, v, host, sessions)
}

// syncFile syncs into the file that the settings name, which stays as it is unless the
// sync succeeds.
func syncFile(ctx context.Context, v *viper.Viper, host *inprocess.Host, sessions *inprocess.Sessions) error {
	started, name := time.Now(), v.GetString("file")
	file, err := draft.Begin(name, v.GetString("c1z-temp-dir"))
	if err != nil {
		return err
	}
	err = interruptible(ctx, file.Fate(), func(ctx context.Context) error { return syncInto(ctx, v, host, sessions, file) })
	if err == nil {
		err = file.Commit()
	} else if _, interrupted := errors.AsType[*interruption](err); !interrupted {
		code := status.Code(err)
		if errors.Is(err, syscall.ENOSPC) {
			code = codes.ResourceExhausted
		}
		err = status.Error(code, "baton-whimsical: "+terminal.Sentence(err)+"; "+file.Fate())
	}
	log := ctxzap.Extract(ctx)
	if left := file.Discard(); left != nil {
		log.Warn("baton-whimsical: working files could not be removed", zap.Error(left))
	}
	if err == nil {
		log.Info(terminal.MessageWritten, zap.String("file", name), zap.Float64("seconds", time.Since(started).Seconds()))
	}
	return err
}

// syncInto writes the draft of the file.
func syncInto(ctx context.Context, v *viper.Viper, host *inprocess.Host, sessions *inprocess.Sessions, file *draft.Draft) error {
	options, err := settings.SyncOptions(v)
	if err != nil {
		return err
	}
	ctx, stop, err := file.Prepare(ctx, settings.Engine(v))
	if err != nil {
		return err
	}
	defer stop()
	syncer, err := sync.NewSyncer(ctx, host, append(options,
		sync.WithC1ZPath(file.Path()), sync.WithTmpDir(file.TempFolder()), sync.WithSessionStore(sessions))...)
	if err != nil {
		return err
	}
	err = errors.Join(syncer.Sync(ctx), syncer.Close(ctx))
	if full := context.Cause(ctx); err != nil && full != nil {
		return full
	}
	return err
}

// interruption is the error of a run that a signal has ended.
type interruption struct {
	signal syscall.Signal
	fate   string
}

func (i *interruption) Error() string { return "interrupted: " + i.fate }

// interruptible makes a run that the first SIGINT or SIGTERM cancels, and the second one
// ends at once. The error of an interrupted run says what becomes of what it was to do.
func interruptible(ctx context.Context, fate string, run func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	var received os.Signal
	select {
	case err := <-ended:
		return err
	case received = <-signals:
	}
	cancel()
	select {
	case err := <-ended:
		if err == nil { // it was done already
			return nil
		}
	case <-signals:
	case <-time.After(grace):
	}
	number, _ := received.(syscall.Signal)
	return &interruption{signal: number, fate: fate}
}

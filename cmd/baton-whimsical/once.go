package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/conductorone/baton-sdk/pkg/cli"
	"github.com/conductorone/baton-sdk/pkg/sync"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
	"go.uber.org/zap"

	"github.com/conductorone/baton-whimsical/cmd/baton-whimsical/draft"
	"github.com/conductorone/baton-whimsical/cmd/baton-whimsical/settings"
	"github.com/conductorone/baton-whimsical/cmd/baton-whimsical/terminal"
	"github.com/conductorone/baton-whimsical/internal/inprocess"
	"github.com/conductorone/baton-whimsical/pkg/connector"
	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

// closing bounds how long a sync that was interrupted may take to close its working files: the SDK saves what came.
const closing = 1500 * time.Millisecond

// oneShot is a run that does one thing.
type oneShot struct {
	v         *viper.Viper
	connector *connector.Connector
	host      *inprocess.Host
	sessions  *inprocess.Sessions
	cancel    context.CancelFunc
}

// runOnce makes the sync or the change that the settings ask for.
func runOnce(v *viper.Viper, flags *pflag.FlagSet, screen *terminal.Screen) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ctx, flush, err := settings.Context(ctx, v, flags, screen)
	if err != nil {
		return err
	}
	defer flush()
	configuration, err := settings.OfConnector(v)
	if err != nil {
		return err
	}
	sessions := &inprocess.Sessions{}
	built, server, err := newConnector(ctx, configuration, cli.RunTimeOpts{
		SessionStore: sessions, SelectedAuthMethod: v.GetString("auth-method"), SyncResourceTypeIDs: v.GetStringSlice("sync-resource-types"),
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
	o := &oneShot{v: v, connector: built, host: host, sessions: sessions, cancel: cancel}
	if change := o.change(); change != nil {
		return o.interruptible(ctx, time.Second, "the change may have been made: sync to see whether it was", change)
	}
	return o.syncFile(ctx)
}

// syncFile syncs into the file that the settings name, which stays as it is unless the sync succeeds.
func (o *oneShot) syncFile(ctx context.Context) error {
	started, name := time.Now(), o.v.GetString("file")
	file, err := draft.Begin(name, o.v.GetString("c1z-temp-dir"))
	if err != nil {
		return err
	}
	err = o.interruptible(ctx, closing, file.Fate(), func(ctx context.Context) error { return o.syncInto(ctx, file) })
	interrupted, _ := errors.AsType[*interruption](err)
	switch {
	case err == nil:
		err = file.Commit()
	case interrupted == nil:
		err = file.Failure(err, terminal.Sentence(err))
	case interrupted.goesOn: // the storage engine ends the process with an error of its own where its files go
		interrupted.fate += "; " + file.Leftover()
		return err
	}
	log := ctxzap.Extract(ctx)
	if left := file.Discard(); left != nil {
		log.Warn(whimsical.Prefix+"working files could not be removed", zap.Error(left))
	}
	if err == nil {
		log.Info(terminal.MessageWritten, zap.String("file", name), zap.Float64("seconds", time.Since(started).Seconds()))
	}
	return err
}

// syncInto writes the draft of the file.
func (o *oneShot) syncInto(ctx context.Context, file *draft.Draft) error {
	options, err := settings.SyncOptions(o.v)
	if err != nil {
		return err
	}
	ctx, stop, err := file.Prepare(ctx, settings.Engine(o.v))
	if err != nil {
		return err
	}
	defer stop()
	syncer, err := sync.NewSyncer(ctx, o.host, append(options,
		sync.WithC1ZPath(file.Path()), sync.WithTmpDir(file.TempFolder()), sync.WithSessionStore(o.sessions))...)
	if err != nil {
		return err
	}
	err = errors.Join(syncer.Sync(ctx), syncer.Close(ctx))
	if full := context.Cause(ctx); err != nil && full != nil {
		return full
	}
	return err
}

// interruption is the error of a run that a signal has ended, or has not yet where it goes on.
type interruption struct {
	signal os.Signal
	fate   string
	goesOn bool
}

func (i *interruption) Error() string { return "interrupted: " + i.fate }

// interruptible calls run. The first SIGINT or SIGTERM cancels it, the second one ends it at once. The error
// of an interrupted run tells its fate. A run that does not end by itself in time goes on until the process
// ends, as an action does.
func (o *oneShot) interruptible(ctx context.Context, limit time.Duration, fate string, run func(context.Context) error) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	var received os.Signal
	select {
	case err := <-ended:
		return err
	case received = <-signals:
	}
	o.cancel() // the collector's context, too
	interrupted := &interruption{signal: received, fate: fate, goesOn: true}
	select {
	case err := <-ended:
		if err == nil { // it was done already
			return nil
		}
		interrupted.goesOn = false
	case <-signals:
	case <-time.After(limit):
	}
	return interrupted
}

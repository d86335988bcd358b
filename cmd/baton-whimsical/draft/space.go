package draft

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

const (
	// minSpace is how many bytes have to be free: below, a store that runs out of space
	// ends the process in a way that nobody can read.
	minSpace = 16 << 20
	// lookAgain is the time between two looks at the free space.
	lookAgain = 200 * time.Millisecond
)

// watchSpace returns a context that ends once less than 16 MiB are free in one of the
// folders, with ResourceExhausted as its cause. The first look is taken before it returns;
// the function that it returns ends the watch.
func watchSpace(ctx context.Context, folders ...string) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	check := func() {
		for _, folder := range folders {
			if free, err := space(folder); err == nil && free < minSpace {
				cancel(whimsical.Errorf(codes.ResourceExhausted, "no space left in %s: at least 16 MiB have to be free", folder))
			}
		}
	}
	check()
	go func() {
		ticker := time.NewTicker(lookAgain)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				check()
			}
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}

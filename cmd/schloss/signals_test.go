package main

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"schloss/cli"
)

func TestObey(t *testing.T) {
	tests := map[string]struct {
		after time.Duration // from the first signal to the second
		code  int           // -1: the process goes on
	}{
		"the same signal twice": {after: 10 * time.Millisecond, code: -1},
		"asked again":           {after: 2 * time.Second, code: 128 + int(syscall.SIGINT)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				signals := make(chan os.Signal, 2)
				code := -1
				go obey(signals, cancel, func(c int) { code = c })
				signals <- syscall.SIGTERM
				synctest.Wait()
				var cause *cli.Signal
				if !errors.As(context.Cause(ctx), &cause) || cause.Number != int(syscall.SIGTERM) {
					t.Fatalf("the context ended by %v", context.Cause(ctx))
				}
				time.Sleep(tt.after)
				signals <- syscall.SIGINT
				synctest.Wait()
				if code != tt.code {
					t.Errorf("exit %d, want %d", code, tt.code)
				}
				if code < 0 { // let the goroutine end
					time.Sleep(patience)
					signals <- syscall.SIGINT
				}
			})
		})
	}
}

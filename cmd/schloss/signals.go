package main

import (
	"context"
	"os"
	"syscall"
	"time"

	"schloss/cli"
)

// patience is how long further signals count as the first one: timeout(1) and
// make send theirs to the process and to its group as well.
const patience = time.Second

// obey ends the context at the first signal, and the process at one that comes
// later: who asks again does not want to wait.
func obey(signals <-chan os.Signal, cancel context.CancelCauseFunc, exit func(code int)) {
	first := (<-signals).(syscall.Signal)
	cancel(&cli.Signal{Name: first.String(), Number: int(first)})
	for began := time.Now(); ; {
		again := (<-signals).(syscall.Signal)
		if time.Since(began) >= patience {
			exit(128 + int(again))
			return
		}
	}
}

package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// slack is by how many nanoseconds timers of a mirror may be late.
const slack = 1_000_000

// relax lets the timers of a mirror be late. Go's scheduler looks after itself
// every 20 microseconds for as long as anything runs; a mirror begins and ends to
// run thousands of times a second, and a tenth of its processor time was that
// look. The thread that does it is there before main is and takes its slack from
// what started the process, so the process starts itself once more. Where that
// cannot be, the mirror only costs more. A broker is not to be relaxed: its
// system calls wait for disks, and others wait for their processors meanwhile.
func relax(args []string) {
	if !mirrors(args) {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if now, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0); err != nil || now >= slack {
		return
	}
	exe, err := os.Executable()
	if err == nil && unix.Prctl(unix.PR_SET_TIMERSLACK, slack, 0, 0, 0) == nil {
		_ = syscall.Exec(exe, args, os.Environ())
	}
}

// mirrors says whether the command is one that mirrors until it is ended.
func mirrors(args []string) bool {
	name := filepath.Base(args[0])
	if !strings.HasPrefix(name, "kafka-") && len(args) > 1 {
		name = args[1]
	}
	return strings.TrimSuffix(name, ".sh") == "kafka-mirror-maker"
}

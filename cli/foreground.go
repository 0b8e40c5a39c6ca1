package cli

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// takeTerminal makes this process alone the one that Ctrl-C reaches, where
// others, such as make, wait for it: they would die of the signal, although the
// command ends well. It changes nothing where the shell started us directly, in
// the background and without a terminal. What it gives back must be called.
func takeTerminal(in any) (giveBack func()) {
	f, ok := in.(*os.File)
	nothing := func() {}
	if !ok || !terminal(f) || unix.Getpgrp() == os.Getpid() {
		return nothing
	}
	fd, others := int(f.Fd()), unix.Getpgrp()
	front, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	if err != nil || front != others {
		return nothing
	}
	// A group in the background may not take the terminal, nor may one be
	// stopped by Ctrl-Z whose starter is not: nobody could wake it.
	signal.Ignore(syscall.SIGTTOU, syscall.SIGTSTP)
	if unix.Setpgid(0, 0) != nil {
		return nothing
	}
	give := func(group int) error { return unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, group) }
	if give(os.Getpid()) != nil {
		_ = unix.Setpgid(0, others) // as it was
		return nothing
	}
	return func() { _ = give(others) } // a terminal that is gone needs nothing
}

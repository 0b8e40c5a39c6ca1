package cli

import "syscall"

// childAttributes keep a terminal's Ctrl-C from the child, which is ended in
// its turn, and end it when we are killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

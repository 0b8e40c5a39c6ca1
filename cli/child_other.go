//go:build !linux

package cli

import "syscall"

// childAttributes keep a terminal's Ctrl-C from the child, which is ended in
// its turn. When we are killed the child stays, and has to be ended by hand.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

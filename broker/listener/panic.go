package listener

import (
	"context"
	"fmt"
	"net"
	"runtime/debug"

	"schloss/security/principal"
)

// PanicError is a defect of ours that bytes of a peer have brought out while
// they were read, before anything was done with them. It costs that peer its
// connection. A panic anywhere else ends the process: what memory holds may be
// half changed then, and what the disk holds is whole.
type PanicError struct {
	Value any
	Stack []byte
}

// NewPanicError is for what recover has returned, where it has.
func NewPanicError(value any) *PanicError { return &PanicError{Value: value, Stack: debug.Stack()} }

func (e *PanicError) Error() string {
	return fmt.Sprintf("reading what the peer has sent ended in a panic: %v", e.Value)
}

// identify settles who the peer is. Nothing is shared with others yet.
func (l *Listener) identify(stream net.Conn) (who principal.Principal, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = NewPanicError(value)
		}
	}()
	ctx, cancel := context.WithTimeout(l.ctx, l.cfg.HandshakeTimeout)
	defer cancel()
	return l.cfg.Identify(ctx, stream)
}

//go:build !linux

package disk

// DropCache can do nothing here.
func (f osFile) DropCache() error { return nil }

package local_test

import (
	"testing"

	"schloss/internal/disk"
	"schloss/store/local"
	"schloss/store/storetest"
)

func TestConformance(t *testing.T) {
	options := []struct {
		name string
		opts local.Options
	}{
		{"flush before ack", local.Options{FlushBeforeAck: true}},
		{"page cache", local.Options{}},
		{"three open files", local.Options{FlushBeforeAck: true, MaxOpenFiles: 3}},
	}
	for _, o := range options {
		t.Run(o.name+" on the disk", func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) func() (storetest.Store, error) {
				dir := t.TempDir()
				return func() (storetest.Store, error) { return local.Open(disk.OS(), []string{dir}, o.opts) }
			})
		})
		t.Run(o.name+" in memory", func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) func() (storetest.Store, error) {
				fs := disk.NewFake(1)
				return func() (storetest.Store, error) { return local.Open(fs, []string{"/one", "/two"}, o.opts) }
			})
		})
	}
}

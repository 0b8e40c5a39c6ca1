//go:build linux || darwin

package disk

import "golang.org/x/sys/unix"

func (osFS) Space(dir string) (total, usable int64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return -1, -1, pathError("statfs", dir, err)
	}
	block := int64(s.Bsize)
	return int64(s.Blocks) * block, int64(s.Bavail) * block, nil
}

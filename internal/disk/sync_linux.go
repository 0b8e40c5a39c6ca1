package disk

import "golang.org/x/sys/unix"

// Sync is fdatasync: the length that a write behind the end gave the file is
// synced with the data, time stamps are not.
func (f osFile) Sync() error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var serr error
	err = conn.Control(func(fd uintptr) {
		for {
			if serr = unix.Fdatasync(int(fd)); serr != unix.EINTR {
				return
			}
		}
	})
	if err == nil && serr != nil {
		err = pathError("fdatasync", f.Name(), serr)
	}
	return err
}

// DropCache matters after a failed sync: the kernel then calls pages clean
// that never reached the disk, and only reading them again tells.
func (f osFile) DropCache() error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var serr error
	err = conn.Control(func(fd uintptr) { serr = unix.Fadvise(int(fd), 0, 0, unix.FADV_DONTNEED) })
	if err == nil && serr != nil {
		err = pathError("fadvise", f.Name(), serr)
	}
	return err
}

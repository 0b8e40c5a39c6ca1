package local

import (
	"encoding/binary"
	"slices"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/batch"
)

// tornTail says whether bytes from at on can be what a power cut left of
// appends that were never synced, or whether they were changed after they had
// been written. All before at is good; next is the offset that belongs there.
//
// Appends reach the disk in sectors and in any order. A sector that did not
// reach it lies behind the file's end or reads as zeros, since a segment file
// is only ever written behind its end. So if a whole batch follows the bad
// bytes, and no sector of the bad ones is empty, nothing is missing there:
// then the bytes were changed, and cutting them off would take good batches,
// perhaps acknowledged ones, with them.
func tornTail(f disk.File, at, end int64, next kafka.Offset) (bool, error) {
	later, found, err := laterBatch(f, at+1, end, next)
	if err != nil || !found {
		return true, err
	}
	return emptySector(f, at, later)
}

// searchWindow is read at once when a tail is searched.
const searchWindow = 1 << 20

// laterBatch finds a whole batch with an offset from next on. What a producer
// wrote may be full of headers that claim much and hold nothing, so the bytes
// it verifies are bounded.
func laterBatch(f disk.File, at, end int64, next kafka.Offset) (int64, bool, error) {
	window, whole := make([]byte, searchWindow), []byte(nil)
	budget := 8*(end-at) + searchWindow
	for end-at >= batch.HeaderSize {
		b := window[:min(int64(len(window)), end-at)]
		if _, err := f.ReadAt(b, at); err != nil {
			return 0, false, unexpectedEnd(err)
		}
		last := len(b) - batch.HeaderSize
		for i := 0; i <= last; i++ {
			head := batch.Batch(b[i:])
			if head.Magic() != 2 || head.BaseOffset() < next || head.BaseOffset() > next+maxSegment {
				continue
			}
			n := int64(sizeOf(head))
			if n < batch.HeaderSize || n > end-at-int64(i) {
				continue
			}
			if budget -= n; budget < 0 {
				return 0, false, nil
			}
			whole = slices.Grow(whole[:0], int(n))[:n]
			if _, err := f.ReadAt(whole, at+int64(i)); err != nil {
				return 0, false, unexpectedEnd(err)
			}
			if batch.Batch(whole).Check() == nil {
				return at + int64(i), true, nil
			}
		}
		at += int64(last) + 1
	}
	return 0, false, nil
}

// emptySector says whether some sector, as far as it lies in [from, to), is all
// zeros. The sector that holds to is not looked at: a whole batch begins there.
func emptySector(f disk.File, from, to int64) (bool, error) {
	b := make([]byte, disk.Sector)
	for at := from; at < to; {
		n := min(disk.Sector-at%disk.Sector, to-at)
		if at+n == to && to%disk.Sector != 0 {
			return false, nil
		}
		if _, err := f.ReadAt(b[:n], at); err != nil {
			return false, unexpectedEnd(err)
		}
		if allZero(b[:n]) {
			return true, nil
		}
		at += n
	}
	return false, nil
}

func allZero(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.NativeEndian.Uint64(b) != 0 {
			return false
		}
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

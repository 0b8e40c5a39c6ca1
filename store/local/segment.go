package local

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync/atomic"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/batch"
)

// Suffixes of a segment's files and of those on their way in or out.
const (
	logSuffix      = ".log"
	indexSuffix    = ".index"
	timesSuffix    = ".timeindex"
	snapshotSuffix = ".snapshot"
	cleanedSuffix  = ".cleaned" // being written by a rewrite: worth nothing
	swapSuffix     = ".swap"    // written: replaces what it covers
	deletedSuffix  = ".deleted" // on its way out
	tmpSuffix      = ".tmp"
)

// maxSegment is what positions of four bytes can address.
const maxSegment = math.MaxInt32

// segment is a run of batches in one file, with its indexes. All segments of a
// log but the last are closed: synced and never written again.
type segment struct {
	base    kafka.Offset
	log     *file
	offsets *index[position]
	times   *index[stamp]
	size    atomic.Int64          // bytes that readers may see: whole batches
	newest  atomic.Pointer[stamp] // largest timestamp so far; nil without one
}

// fileName is the name of a segment's file, as Kafka forms it.
func fileName(base kafka.Offset, suffix string) string {
	return fmt.Sprintf("%020d%s", int64(base), suffix)
}

// parseFileName is its reverse.
func parseFileName(name, suffix string) (kafka.Offset, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return kafka.Offset(n), err == nil && n >= 0
}

// segmentAt is the segment of these names, with nothing read yet. extra is
// put behind their suffixes.
func segmentAt(fs *files, dir string, base kafka.Offset, extra string) *segment {
	name := func(suffix string) string { return dir + "/" + fileName(base, suffix) + extra }
	return &segment{
		base: base, log: fs.at(name(logSuffix)),
		offsets: newIndex[position](fs.at(name(indexSuffix))),
		times:   newIndex[stamp](fs.at(name(timesSuffix))),
	}
}

// newSegment makes the files of an empty segment. Their names are not durable
// yet.
func newSegment(fs *files, dir string, base kafka.Offset, extra string) (*segment, error) {
	s := segmentAt(fs, dir, base, extra)
	if err := s.log.create(); err != nil {
		return nil, err
	}
	return s, s.makeIndexes()
}

func (s *segment) makeIndexes() error {
	return errors.Join(s.offsets.file.create(), s.times.file.create())
}

// rel is the offset relative to the base.
func (s *segment) rel(o kafka.Offset) int32 { return int32(o - s.base) }

// holds says whether an offset can be told relative to the base.
func (s *segment) holds(o kafka.Offset) bool { return o-s.base <= math.MaxInt32 }

// note takes a batch that lies at a position into the indexes. since is how
// many bytes there are behind the last index entry; it returns the new count.
func (s *segment) note(head batch.Batch, at int64, since, interval int) (int, error) {
	last := s.rel(head.LastOffset())
	if ts := head.MaxTimestamp(); head.Count() > 0 && ts >= 0 {
		if n := s.newest.Load(); n == nil || ts > n.timestamp {
			s.newest.Store(&stamp{timestamp: ts, offset: last})
		}
	}
	if since > interval {
		if err := s.offsets.add(position{offset: last, at: int32(at)}); err != nil {
			return 0, err
		}
		if err := s.noteNewest(); err != nil {
			return 0, err
		}
		since = 0
	}
	return since + sizeOf(head), nil
}

// noteNewest adds the largest timestamp to the time index, if it has grown.
func (s *segment) noteNewest() error {
	newest := s.newest.Load()
	if newest == nil {
		return nil
	}
	last, ok, err := s.times.last()
	if err != nil || ok && !newest.follows(last) {
		return err
	}
	return s.times.add(*newest)
}

// seal makes the indexes complete and durable.
func (s *segment) seal() error {
	if err := s.noteNewest(); err != nil {
		return err
	}
	if err := s.offsets.sync(); err != nil {
		return err
	}
	return s.times.sync()
}

// locate finds the first batch whose last offset is from or later. ok is false
// when the segment ends before.
func (s *segment) locate(f disk.File, from kafka.Offset) (at int64, head batch.Batch, ok bool, err error) {
	c, err := s.cursorNear(f, from)
	if err != nil {
		return 0, nil, false, err
	}
	for c.next() {
		if c.head.LastOffset() >= from {
			return c.at, c.head, true, nil
		}
	}
	return 0, nil, false, c.err
}

// cursorNear stands before a batch at or before the one that holds from, at
// most an index interval away.
func (s *segment) cursorNear(f disk.File, from kafka.Offset) (*cursor, error) {
	var at int64
	if s.holds(from) {
		want := s.rel(from)
		p, ok, err := s.offsets.search(func(p position) bool { return p.offset <= want })
		if err != nil {
			return nil, err
		}
		if ok && p.at >= 0 && int64(p.at) <= s.size.Load() {
			at = int64(p.at)
		}
	}
	return newCursor(f, at, s.size.Load(), seekWindow), nil
}

func (s *segment) forget() {
	s.log.forget()
	s.offsets.file.forget()
	s.times.file.forget()
}

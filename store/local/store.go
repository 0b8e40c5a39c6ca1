package local

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"
	"syscall"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/store"
)

// Options are the settings of a store. The zero value works.
type Options struct {
	// FlushBeforeAck makes the high watermark the durable end. Without it an
	// append is visible and acknowledged at once, from the page cache, as
	// Kafka does it. The metadata is always flushed.
	FlushBeforeAck bool
	// NodeID is who leads all partitions.
	NodeID kafka.NodeID
	// MaxOpenFiles bounds the files that are kept open for later; more are
	// open while they hold unsynced data or are being read. 0 means 1024.
	MaxOpenFiles int
	// MaxFiles is when appends no longer wait for the sync loop, but sync at
	// once, because each log with unsynced data holds a file. 0: never.
	MaxFiles int
}

// Store keeps partition logs and metadata in directories, which it holds
// locked. It implements store.Logs and store.Leaders.
type Store struct {
	fs       disk.FS
	opts     Options
	dirs     []*directory
	files    *files
	metadata *metadata

	mu      sync.Mutex // guards all below
	open    map[kafka.TopicPartition]*Log
	where   map[kafka.TopicPartition]*directory // partitions that have a directory
	held    map[*directory]int                  // how many those are, by directory
	offline map[kafka.TopicPartition]bool       // damaged
	closed  bool
}

// Open locks the directories, made when absent, and opens the metadata in the
// first one. A directory that another process holds gives a *disk.LockedError.
func Open(fsys disk.FS, dirs []string, opts Options) (*Store, error) {
	if opts.MaxOpenFiles == 0 {
		opts.MaxOpenFiles = 1024
	}
	s := &Store{
		fs: fsys, opts: opts, files: newFiles(fsys, opts.MaxOpenFiles, opts.MaxFiles),
		open: map[kafka.TopicPartition]*Log{}, where: map[kafka.TopicPartition]*directory{},
		held: map[*directory]int{}, offline: map[kafka.TopicPartition]bool{},
	}
	if err := s.start(dirs); err != nil {
		for _, d := range s.dirs {
			err = errors.Join(err, d.abandon())
		}
		return nil, err
	}
	return s, nil
}

func (s *Store) start(dirs []string) error {
	if len(dirs) == 0 {
		return errors.New("open store: no directory")
	}
	for _, name := range dirs {
		d, err := openDirectory(s.fs, name)
		if err != nil {
			return fmt.Errorf("open data directory %s: %w", name, err)
		}
		s.dirs = append(s.dirs, d)
		found, err := d.partitions()
		if err != nil {
			return fmt.Errorf("list data directory %s: %w", name, err)
		}
		for _, tp := range found {
			if other := s.where[tp]; other != nil {
				return fmt.Errorf("open store: %s is in %s and in %s", tp, other.path, name)
			}
			s.place(tp, d)
			d.settle(tp, d.clean)
		}
	}
	var err error
	s.metadata, err = openMetadata(s)
	return err
}

// Logs are the partition logs.
func (s *Store) Logs() store.Logs { return s }

// Metadata is the description of the cluster.
func (s *Store) Metadata() store.Metadata { return s.metadata }

// Leader implements store.Leaders: this node leads, in the epoch of this start,
// every partition that exists and whose log is not damaged.
func (s *Store) Leader(tp kafka.TopicPartition) (kafka.NodeID, kafka.Epoch, bool) {
	image := s.metadata.Image()
	t := image.Topics[tp.Topic]
	if t == nil || tp.Partition < 0 || tp.Partition >= t.Partitions {
		return 0, kafka.NoEpoch, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.offline[tp] {
		return 0, kafka.NoEpoch, false
	}
	return s.opts.NodeID, image.Boot, true
}

// Partitions are the partitions that have a directory. One that the metadata
// does not know was left by a deletion that a crash cut short, or came from
// elsewhere.
func (s *Store) Partitions() []kafka.TopicPartition {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []kafka.TopicPartition
	for tp := range s.where {
		if tp != metadataPartition {
			out = append(out, tp)
		}
	}
	return out
}

// Open implements store.Logs.
func (s *Store) Open(tp kafka.TopicPartition, id kafka.TopicID, cfg store.LogConfig, replica store.Replica, create bool) (store.PartitionLog, store.Recovery, error) {
	l, found, err := s.openLog(openParams{tp: tp, id: id, config: cfg, replica: replica, create: create, lazy: !s.opts.FlushBeforeAck})
	if err != nil {
		return nil, found, err // a nil *Log would be no nil interface
	}
	return l, found, nil
}

type openParams struct {
	tp      kafka.TopicPartition
	id      kafka.TopicID
	config  store.LogConfig
	replica store.Replica
	create  bool
	lazy    bool
}

func (s *Store) openLog(p openParams) (*Log, store.Recovery, error) {
	d, err := s.reserve(p.tp)
	if err != nil {
		return nil, store.Recovery{}, fmt.Errorf("open log %s: %w", p.tp, err)
	}
	l := &Log{tp: p.tp, id: p.id, path: path.Join(d.path, p.tp.String()), fs: s.fs, files: s.files, syncer: d.syncer,
		starts: d.starts, replica: p.replica, lazy: p.lazy, firstTime: -1}
	l.Configure(p.config)
	l.epochs.Store(&epochs{})
	l.segments.Store(&[]*segment{})
	found, err := d.load(l, p.create)
	if err != nil {
		l.shut()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var damaged *store.DamageError
	switch {
	case err == nil:
		d.settle(p.tp, true)
		s.open[p.tp] = l
		delete(s.offline, p.tp)
		return l, found, nil
	case errors.As(err, &damaged):
		s.offline[p.tp] = true
		d.settle(p.tp, false)
		err = damaged // says itself what it is about
	default:
		err = fmt.Errorf("open log %s: %w", p.tp, err)
	}
	delete(s.open, p.tp)
	return nil, found, err
}

// reserve takes the partition for the one who opens it and says which
// directory it is or will be in: a new one goes where there are fewest.
func (s *Store) reserve(tp kafka.TopicPartition) (*directory, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, store.ErrClosed
	}
	if _, taken := s.open[tp]; taken {
		return nil, errors.New("it is open already")
	}
	s.open[tp] = nil
	if d := s.where[tp]; d != nil {
		return d, nil
	}
	best := s.dirs[0]
	for _, d := range s.dirs[1:] {
		if s.held[d] < s.held[best] {
			best = d
		}
	}
	s.place(tp, best)
	return best, nil
}

// place notes in which directory a partition is; nil is none. The caller holds
// mu, or is alone.
func (s *Store) place(tp kafka.TopicPartition, d *directory) {
	if old := s.where[tp]; old != nil {
		s.held[old]--
		delete(s.where, tp)
	}
	if d != nil {
		s.held[d]++
		s.where[tp] = d
	}
}

// Delete implements store.Logs.
func (s *Store) Delete(tps ...kafka.TopicPartition) error {
	in := map[*directory][]kafka.TopicPartition{}
	for _, tp := range tps {
		s.mu.Lock()
		l, d := s.open[tp], s.where[tp]
		s.mu.Unlock()
		if d == nil {
			continue
		}
		if l != nil {
			l.abort()
		}
		in[d] = append(in[d], tp)
	}
	var errs []error
	for d, tps := range in {
		gone, err := d.delete(tps)
		if err != nil {
			errs = append(errs, fmt.Errorf("delete logs in %s: %w", d.path, err))
		}
		s.forget(d, gone)
	}
	return errors.Join(errs...)
}

// forget drops what is known of partitions that are gone from their directory.
func (s *Store) forget(d *directory, tps []kafka.TopicPartition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, tp := range tps {
		d.settle(tp, true)
		delete(s.open, tp)
		delete(s.offline, tp)
		s.place(tp, nil)
	}
}

// SetAside renames the directory of a partition that no topic owns, in Kafka's
// form for strays, and returns the new name. Its log must not be open.
func (s *Store) SetAside(tp kafka.TopicPartition) (string, error) {
	s.mu.Lock()
	l, d := s.open[tp], s.where[tp]
	s.mu.Unlock()
	if d == nil || l != nil {
		return "", fmt.Errorf("set %s aside: its log is absent or open", tp)
	}
	id, err := readID(d.fs, path.Join(d.path, tp.String()))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("set %s aside: %w", tp, err)
	}
	name, err := d.setAside(tp, id)
	if err != nil {
		return "", fmt.Errorf("set %s aside: %w", tp, err)
	}
	s.forget(d, []kafka.TopicPartition{tp})
	return name, nil
}

// abort closes the log without keeping anything of it.
func (l *Log) abort() {
	l.deleted.Store(true)
	l.closing.Store(true)
	l.tidy.Lock()
	defer l.tidy.Unlock()
	defer l.notify()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut()
}

// recoveryPoint is how far the log is known to be durable, with the epochs
// that a recovery from there would not see.
func (l *Log) recoveryPoint() (kafka.Offset, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := kafka.Offset(l.synced.Load())
	if l.refused() != nil {
		return o, nil
	}
	switch err := l.writeEpochs(); {
	case err == nil:
		return o, nil
	case scarcity(err):
		return 0, fmt.Errorf("checkpoint %s: %w", l.tp, err)
	default:
		return 0, l.fail("checkpoint", err)
	}
}

// scarcity is a lack of space or descriptors while a file was written beside the
// one that it is to replace: that one is as it was, and so is the log.
func scarcity(err error) bool {
	for _, lack := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOSPC, syscall.EDQUOT} {
		if errors.Is(err, lack) {
			return true
		}
	}
	return false
}

// Checkpoint writes down how far each log is durable, so that recovery after a
// crash need not verify older bytes. It is to be called every few seconds.
func (s *Store) Checkpoint() error {
	var errs []error
	for d, logs := range s.byDirectory() {
		if err := d.checkpoint(logs); err != nil {
			errs = append(errs, fmt.Errorf("checkpoint %s: %w", d.path, err))
		}
	}
	return errors.Join(errs...)
}

func (s *Store) byDirectory() map[*directory][]*Log {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[*directory][]*Log{}
	for _, d := range s.dirs {
		out[d] = nil
	}
	for tp, l := range s.open {
		if l != nil {
			out[s.where[tp]] = append(out[s.where[tp]], l)
		}
	}
	return out
}

// Directories implements store.Logs. The metadata is not among the logs.
func (s *Store) Directories() []store.Directory {
	logs := s.byDirectory()
	out := make([]store.Directory, len(s.dirs))
	for i, d := range s.dirs {
		out[i] = store.Directory{Path: d.path, Sizes: make(map[kafka.TopicPartition]int64, len(logs[d]))}
		out[i].Total, out[i].Usable, out[i].Err = d.fs.Space(d.path)
		for _, l := range logs[d] {
			if l.tp != metadataPartition && l.refused() == nil {
				out[i].Sizes[l.tp] = l.Size()
			}
		}
	}
	return out
}

// Close closes every log cleanly, marks the directories clean and releases
// them. Idempotent.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	var errs []error
	for d, logs := range s.byDirectory() {
		if err := d.close(logs); err != nil {
			errs = append(errs, fmt.Errorf("close %s: %w", d.path, err))
		}
	}
	return errors.Join(errs...)
}

// parseTopicID reads what kafka.TopicID.String writes.
func parseTopicID(text string) (id kafka.TopicID, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	return kafka.TopicID(append(b, id[:]...)[:len(id)]), err == nil && len(b) == len(id)
}

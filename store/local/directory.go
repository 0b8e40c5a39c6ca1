package local

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"

	"schloss/internal/disk"
	"schloss/kafka"
)

// Kafka's names of what lies in a log directory beside the partitions.
const (
	lockFile   = ".lock"
	markerFile = ".kafka_cleanshutdown"
	idFile     = "partition.metadata"
)

// Endings of the directories that are set aside.
const (
	deleteEnding = "-delete" // on its way out
	strayEnding  = "-stray"  // of a topic that is no more; its name was needed
)

// directory is one log directory. It is held locked.
type directory struct {
	fs     disk.FS
	path   string
	lock   io.Closer
	clean  bool // the last shutdown was
	syncer *syncer

	points *checkpoint // recovery points
	starts *checkpoint // log starts that lie behind the base of the first segment

	mu        sync.Mutex                    // guards unsettled
	unsettled map[kafka.TopicPartition]bool // not recovered, or damaged: not closed cleanly by our closing
}

// openDirectory locks a log directory, made when it is absent. From here on it
// counts as not closed cleanly.
func openDirectory(fsys disk.FS, name string) (*directory, error) {
	if err := makeDirectory(fsys, name); err != nil {
		return nil, err
	}
	lock, err := fsys.Lock(path.Join(name, lockFile))
	if err != nil {
		return nil, err
	}
	d := &directory{fs: fsys, path: name, lock: lock, unsettled: map[kafka.TopicPartition]bool{}}
	if err := d.prepare(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	d.syncer = newSyncer()
	return d, nil
}

// makeDirectory makes a directory durably. Its name may be there without being
// durable, so it is synced in any case.
func makeDirectory(fsys disk.FS, name string) error {
	if err := fsys.Mkdir(name); err != nil {
		return err
	}
	return fsys.SyncDir(path.Dir(path.Clean(name)))
}

func (d *directory) prepare() error {
	entries, err := d.fs.ReadDir(d.path)
	if err != nil {
		return err
	}
	if d.points, err = openCheckpoint(d.fs, path.Join(d.path, recoveryFile)); err != nil {
		return err
	}
	if d.starts, err = openCheckpoint(d.fs, path.Join(d.path, startFile)); err != nil {
		return err
	}
	for _, e := range entries {
		switch {
		case e.Name == markerFile:
			d.clean = true
			err = d.fs.Remove(path.Join(d.path, e.Name))
		case e.Dir && strings.HasSuffix(e.Name, deleteEnding):
			err = d.removeAll(e.Name)
		}
		if err != nil {
			return err
		}
	}
	return d.fs.SyncDir(d.path)
}

// partitions are the partitions that have a directory here.
func (d *directory) partitions() ([]kafka.TopicPartition, error) {
	entries, err := d.fs.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	var out []kafka.TopicPartition
	for _, e := range entries {
		if tp, ok := parsePartition(e.Name); ok && e.Dir {
			out = append(out, tp)
		}
	}
	return out, nil
}

func parsePartition(name string) (kafka.TopicPartition, bool) {
	i := strings.LastIndexByte(name, '-')
	if i <= 0 {
		return kafka.TopicPartition{}, false
	}
	n, err := strconv.ParseInt(name[i+1:], 10, 32)
	tp := kafka.TopicPartition{Topic: name[:i], Partition: int32(n)}
	return tp, err == nil && n >= 0 && tp.String() == name && kafka.CheckTopicName(tp.Topic) == nil
}

// forget drops the recovery points and starts of logs, before anything else can
// take their names.
func (d *directory) forget(tps []kafka.TopicPartition) error {
	drop := func(p points) {
		for _, tp := range tps {
			p[tp] = 0
		}
	}
	return errors.Join(d.points.change(drop), d.starts.change(drop))
}

// setAside renames the directory of a partition that its topic does not own.
func (d *directory) setAside(tp kafka.TopicPartition, id kafka.TopicID) (string, error) {
	if err := d.forget([]kafka.TopicPartition{tp}); err != nil {
		return "", err
	}
	name, err := d.rename(tp, id, strayEnding)
	if err != nil {
		return "", err
	}
	return name, d.fs.SyncDir(d.path)
}

// delete removes the directories of partitions, and says which ones are gone:
// their new names are durable, and a start removes what is left of them.
func (d *directory) delete(tps []kafka.TopicPartition) (gone []kafka.TopicPartition, err error) {
	if err := d.forget(tps); err != nil {
		return nil, err
	}
	var errs []error
	var names []string
	for _, tp := range tps {
		id, err := readID(d.fs, path.Join(d.path, tp.String()))
		var name string
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			name, err = d.rename(tp, id, deleteEnding)
		}
		switch {
		case err == nil:
			names, gone = append(names, name), append(gone, tp)
		case errors.Is(err, fs.ErrNotExist):
			gone = append(gone, tp)
		default:
			errs = append(errs, err)
		}
	}
	if err := d.fs.SyncDir(d.path); err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	for _, name := range names {
		errs = append(errs, d.removeAll(name))
	}
	return gone, errors.Join(errs...)
}

// rename gives a partition's directory the form that Kafka has for those it does
// not load: topic-partition.32 hexadecimal digits and an ending.
func (d *directory) rename(tp kafka.TopicPartition, id kafka.TopicID, ending string) (string, error) {
	tail := "-" + strconv.Itoa(int(tp.Partition)) + "." + hex.EncodeToString(id[:]) + ending
	topic := tp.Topic[:min(len(tp.Topic), 255-len(tail))]
	name := topic + tail
	if err := d.removeAll(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return name, d.fs.Rename(path.Join(d.path, tp.String()), path.Join(d.path, name))
}

// removeAll removes a directory and its files.
func (d *directory) removeAll(name string) error {
	full := path.Join(d.path, name)
	entries, err := d.fs.ReadDir(full)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := d.fs.Remove(path.Join(full, e.Name)); err != nil {
			return err
		}
	}
	return d.fs.Remove(full)
}

// point is the recovery point of a log. What lies before its start was durable
// when it was deleted.
func (d *directory) point(tp kafka.TopicPartition) kafka.Offset {
	return max(d.points.at(tp), d.starts.at(tp))
}

// checkpoint writes the recovery points of the open logs; those of logs that
// are not open stay. A log start that the first segment has reached is
// forgotten, unless another one is on its way to the disk. Logs that were
// deleted meanwhile are left out: what was forgotten of them must not come back.
func (d *directory) checkpoint(logs []*Log) error {
	fresh, errs := make([]kafka.Offset, len(logs)), make([]error, len(logs))
	sideBySide(logs, func(i int, l *Log) { fresh[i], errs[i] = l.recoveryPoint() })
	if err := errors.Join(errs...); err != nil {
		return err
	}
	err := d.points.change(func(p points) {
		for i, l := range logs {
			if fresh[i] > 0 && !l.deleted.Load() {
				p[l.tp] = fresh[i]
			}
		}
	})
	return errors.Join(err, d.starts.change(func(p points) {
		for _, l := range logs {
			if !l.deleted.Load() && max(l.start.Load(), l.raised.Load()) <= int64((*l.segments.Load())[0].base) {
				p[l.tp] = 0
			}
		}
	}))
}

// settle notes whether a log is known to be sound.
func (d *directory) settle(tp kafka.TopicPartition, sound bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if sound {
		delete(d.unsettled, tp)
	} else {
		d.unsettled[tp] = true
	}
}

// close writes the recovery points and, if all logs are closed cleanly, the
// marker that says so; then it releases the lock.
func (d *directory) close(logs []*Log) error {
	errs := make([]error, len(logs))
	sideBySide(logs, func(i int, l *Log) { errs[i] = l.Close() })
	d.syncer.stop()
	err := errors.Join(errs...)
	if err == nil {
		err = d.checkpoint(logs)
	}
	if err == nil && len(d.unsettled) == 0 {
		err = disk.WriteFile(d.fs, path.Join(d.path, markerFile), []byte("{\"version\":0,\"brokerEpoch\":-1}\n"))
	}
	return errors.Join(err, d.lock.Close())
}

// abandon releases a directory that was never served from.
func (d *directory) abandon() error {
	d.syncer.stop()
	return d.lock.Close()
}

// formatID gives Kafka's partition.metadata.
func formatID(id kafka.TopicID) []byte {
	return fmt.Appendf(nil, "version: 0\ntopic_id: %s", id)
}

// readID reads the topic id of a partition's directory.
func readID(fsys disk.FS, dir string) (kafka.TopicID, error) {
	name := path.Join(dir, idFile)
	content, err := disk.ReadFile(fsys, name)
	if err != nil {
		return kafka.TopicID{}, err
	}
	_, text, ok := strings.Cut(string(content), "topic_id: ")
	id, valid := parseTopicID(strings.TrimSpace(text))
	if !ok || !valid {
		return kafka.TopicID{}, fmt.Errorf("read %s: %q names no topic id", name, content)
	}
	return id, nil
}

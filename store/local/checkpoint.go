package local

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"schloss/internal/disk"
	"schloss/kafka"
)

// Kafka's names of the files that hold an offset for each log of a directory.
const (
	recoveryFile = "recovery-point-offset-checkpoint" // its bytes are known to be durable up to there
	startFile    = "log-start-offset-checkpoint"      // its records were deleted up to there
)

// formatCheckpoint gives Kafka's checkpoint format: version, count, lines.
func formatCheckpoint(lines []string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "0\n%d\n", len(lines))
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	return []byte(b.String())
}

func parseCheckpoint(content []byte) ([]string, error) {
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	if len(lines) < 2 || lines[0] != "0" {
		return nil, fmt.Errorf("version %q is not 0", lines[0])
	}
	n, err := strconv.Atoi(lines[1])
	if lines = lines[2:]; err != nil || n != len(lines) {
		return nil, fmt.Errorf("%d entries instead of %q", len(lines), lines)
	}
	return lines, nil
}

// points are offsets of the logs of one directory.
type points map[kafka.TopicPartition]kafka.Offset

func (p points) format() []byte {
	lines := make([]string, 0, len(p))
	for tp, o := range p {
		lines = append(lines, fmt.Sprintf("%s %d %d", tp.Topic, tp.Partition, o))
	}
	slices.Sort(lines)
	return formatCheckpoint(lines)
}

func parsePoints(content []byte) (points, error) {
	lines, err := parseCheckpoint(content)
	if err != nil {
		return nil, err
	}
	p := points{}
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			return nil, fmt.Errorf("%q is not a topic, a partition and an offset", line)
		}
		partition, perr := strconv.ParseInt(fields[1], 10, 32)
		offset, oerr := strconv.ParseInt(fields[2], 10, 64)
		if err := errors.Join(perr, oerr); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		p[kafka.TopicPartition{Topic: fields[0], Partition: int32(partition)}] = kafka.Offset(offset)
	}
	return p, nil
}

// checkpoint is one such file. Changes that come while it is written are
// gathered for the next time, so that a thousand of them cost a few writes.
type checkpoint struct {
	fs   disk.FS
	path string

	writing sync.Mutex // one write at a time; taken before mu

	mu        sync.Mutex // guards what follows
	stored    points     // as the file says
	gathering *changes   // for the next write; nil when there are none
}

// changes are what one write of the file makes durable. 0 forgets a log.
type changes struct {
	points points
	done   bool // guarded by writing, and err too
	err    error
}

// openCheckpoint reads the file, which is absent at first.
func openCheckpoint(fsys disk.FS, name string) (*checkpoint, error) {
	c := &checkpoint{fs: fsys, path: name, stored: points{}}
	content, err := disk.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	if c.stored, err = parsePoints(content); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return c, nil
}

// at is the durable offset of a log, 0 when there is none.
func (c *checkpoint) at(tp kafka.TopicPartition) kafka.Offset {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stored[tp]
}

// put makes one offset durable.
func (c *checkpoint) put(tp kafka.TopicPartition, o kafka.Offset) error {
	return c.change(func(p points) { p[tp] = o })
}

// change adds to the changes of the next write and waits until that is durable.
// Of two changes of one log the later call of add counts.
func (c *checkpoint) change(add func(points)) error {
	c.mu.Lock()
	if c.gathering == nil {
		c.gathering = &changes{points: points{}}
	}
	mine := c.gathering
	add(mine.points)
	c.mu.Unlock()
	c.writing.Lock()
	defer c.writing.Unlock()
	if !mine.done { // else the one who was first has written for all
		mine.done, mine.err = true, c.write(mine)
	}
	return mine.err
}

func (c *checkpoint) write(with *changes) error {
	c.mu.Lock()
	c.gathering = nil
	next := maps.Clone(c.stored)
	c.mu.Unlock()
	for tp, o := range with.points {
		if next[tp] = o; o == 0 {
			delete(next, tp)
		}
	}
	if maps.Equal(next, c.stored) {
		return nil
	}
	if err := disk.WriteFile(c.fs, c.path, next.format()); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stored = next
	return nil
}

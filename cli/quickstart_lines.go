package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
)

// A record of the quickstart carries in its headers which line of which file
// it is. What the primary's topic holds is therefore all that has to be known
// to go on: no file says how far a run came, so none can be wrong.
const (
	sourceHeader = "source" // the file's absolute path
	lineHeader   = "line"   // from 1
)

// How long the backup may be without a new record before we give up.
const backupPatience = 60 * time.Second

// lineSource reads the lines of the input.
type lineSource struct {
	*os.File
	name string // absolute
	in   *bufio.Reader
	line int64 // the one read last
}

func openLines(path string) (*lineSource, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// What is no regular file has no lines that a second run would find again,
	// and the opening of a pipe may wait forever.
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the input: %w", err)
	case info.IsDir():
		return nil, &usageError{problem: fmt.Sprintf("the input %s is a folder", path), advice: "name a file: --input README.md"}
	case !info.Mode().IsRegular() && path != os.DevNull:
		return nil, &usageError{problem: fmt.Sprintf("the input %s is no regular file, so no second run could go on in it", path),
			advice: fmt.Sprintf("copy it first: cat %s >lines.txt, then --input lines.txt", quotedPath(path))}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the input: %w", err)
	}
	return &lineSource{File: f, name: abs, in: bufio.NewReaderSize(f, 256<<10)}, nil
}

// lineTooLongError is a line that the brokers would not take.
type lineTooLongError struct {
	file string
	line int64
}

func (e *lineTooLongError) Error() string {
	return fmt.Sprintf("line %d of %s is longer than the quickstart's brokers take (%d MB)", e.line, relative(e.file), quickstartMaxBytes>>20)
}

func (e *lineTooLongError) Hint() string {
	return fmt.Sprintf("break its lines: fold -b -w 1000000 %s >lines.txt, then --input lines.txt", quotedPath(e.file))
}

// next is the next line without its line feed; io.EOF after the last.
func (s *lineSource) next() ([]byte, error) {
	var line []byte
	for {
		part, err := s.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > quickstartMaxBytes-recordOverhead:
			return nil, &lineTooLongError{file: s.name, line: s.line + 1}
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF && len(line) == 0:
			return nil, io.EOF
		case err != nil && err != io.EOF:
			return nil, fmt.Errorf("read the input: %w", err)
		}
		s.line++
		if line = bytes.TrimSuffix(line, []byte("\n")); line == nil {
			line = []byte{}
		}
		return line, nil
	}
}

// What a batch and a record need beside the line and its headers.
const recordOverhead = 8 << 10

// record is a line as it is sent.
func (s *lineSource) record(line []byte) *kgo.Record {
	return &kgo.Record{Topic: quickstartTopic, Value: line, Headers: []kgo.RecordHeader{
		{Key: sourceHeader, Value: []byte(s.name)}, {Key: lineHeader, Value: []byte(strconv.FormatInt(s.line, 10))}}}
}

// digest stands for a record's content: key, value and headers.
type digest [16]byte

func digestOf(r *kgo.Record) digest {
	h := sha256.New()
	field := func(b []byte) {
		length := int64(len(b))
		if b == nil {
			length = -1
		}
		_ = binary.Write(h, binary.BigEndian, length) // a hash takes everything
		h.Write(b)
	}
	field(r.Key)
	field(r.Value)
	for _, header := range r.Headers {
		field([]byte(header.Key))
		field(header.Value)
	}
	return digest(h.Sum(nil)[:16])
}

// held is what a topic holds.
type held struct {
	records map[digest]int // how often
	total   int64
	lines   map[string]int64 // the last line of each source
	next    int64            // offset to go on from
}

func newHeld() *held { return &held{records: map[digest]int{}, lines: map[string]int64{}} }

func (h *held) add(r *kgo.Record) {
	h.records[digestOf(r)]++
	h.total++
	h.next = r.Offset + 1
	source, line := "", int64(0)
	for _, header := range r.Headers {
		switch header.Key {
		case sourceHeader:
			source = string(header.Value)
		case lineHeader:
			line, _ = strconv.ParseInt(string(header.Value), 10, 64) // 0: somebody else's record
		}
	}
	h.lines[source] = max(h.lines[source], line)
}

// readUntil adds the records up to the offset. Those past a gap count as well.
func (h *held) readUntil(ctx context.Context, c *client.Client, values *config.Values, end int64) error {
	if h.next >= end {
		return nil
	}
	opts, err := client.ConsumerOptions(values)
	if err != nil {
		return err
	}
	at := map[string]map[int32]kgo.Offset{quickstartTopic: {0: kgo.NewOffset().At(h.next)}}
	consumer, err := c.Kgo(append(opts, kgo.ConsumePartitions(at))...)
	if err != nil {
		return err
	}
	defer consumer.Close()
	for h.next < end {
		fetches := consumer.PollFetches(ctx)
		for _, f := range fetches.Errors() {
			return client.Denied(fmt.Errorf("read topic %s: %w", quickstartTopic, f.Err), kafka.Read, kafka.Topic, quickstartTopic)
		}
		fetches.EachRecord(h.add)
	}
	return nil
}

// missing counts the records of the other that h does not hold.
func (h *held) missing(other *held) (n int64) {
	for d, times := range other.records {
		n += int64(max(0, times-h.records[d]))
	}
	return n
}

// foreign counts the records that the other does not hold at all. (More often
// than the other does is no fault: a mirror that was killed copies at least once.)
func (h *held) foreign(other *held) (n int64) {
	for d := range h.records {
		if other.records[d] == 0 {
			n++
		}
	}
	return n
}

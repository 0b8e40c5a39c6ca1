package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"schloss/kafka"
	"schloss/mirror"
)

// quarantineIndex names the file that has a line of JSON for each other one.
const quarantineIndex = "index.ndjson"

// quarantine keeps what a mirror leaves out: DIR/TOPIC-PARTITION/OFFSET.log, a
// record batch each, which kafka-dump-log reads.
type quarantine struct {
	dir string

	mu   sync.Mutex // guards what follows
	left int64      // bytes that may still be written
}

// quarantineLine is a line of the index.
type quarantineLine struct {
	Time      time.Time `json:"time"`
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Records   int64     `json:"records"`
	File      string    `json:"file"`
	Reason    string    `json:"reason"`
}

// openQuarantine makes the folder, and counts what is in it.
func openQuarantine(dir string, limit int64) (*quarantine, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the quarantine: %w", err)
	}
	q := &quarantine{dir: dir, left: limit}
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			q.left -= info.Size()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look through the quarantine: %w", err)
	}
	return q, nil
}

// keep writes a batch down. What is there already is not written again.
func (q *quarantine) keep(k mirror.Quarantined) error {
	if err := kafka.CheckTopicName(k.Topic); err != nil { // it becomes a path
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	file := filepath.Join(k.TopicPartition.String(), fmt.Sprintf("%020d.log", k.Offset))
	path := filepath.Join(q.dir, file)
	if there, err := os.ReadFile(path); err == nil && bytes.Equal(there, k.Batch) {
		return nil
	}
	line, err := json.Marshal(quarantineLine{time.Now().UTC().Truncate(time.Millisecond), k.Topic, k.Partition, int64(k.Offset), k.Records, file, k.Reason})
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if size := int64(len(k.Batch) + len(line)); size > q.left {
		return fmt.Errorf("the quarantine %s is full (--quarantine.max.bytes)", q.dir)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	// The line first: a batch that is there is in the index too.
	if err := appendSynced(filepath.Join(q.dir, quarantineIndex), os.O_APPEND, line); err != nil {
		return err
	}
	if err := appendSynced(path, os.O_TRUNC, k.Batch); err != nil {
		return err
	}
	q.left -= int64(len(k.Batch) + len(line))
	return nil
}

func appendSynced(path string, mode int, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|mode, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

package mirror

import (
	"context"
	"fmt"
	"time"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
)

// Config says what to mirror, from where, to where.
type Config struct {
	Source   *client.Client
	Consumer *config.Values // the source's consumer.properties
	Target   *client.Client
	Producer *config.Values // the target's producer.properties

	Streams int    // num.streams; 0: 1
	Include string // Java regular expression of topics, as --include takes it

	CommitInterval     time.Duration // offset.commit.interval.ms; 0: one minute
	AbortOnSendFailure bool          // end on the first batch that the target refuses

	// Progress, where set, is called every ProgressInterval (0: one second)
	// and once at the end, from one goroutine.
	Progress         func(Progress)
	ProgressInterval time.Duration
	// Notice, where set, is told what an operator should know.
	Notice func(string)
}

// Mirror copies topics until it is told to stop.
type Mirror struct{ config Config }

// New checks the config. Its error is a *PatternError or a *SettingError.
func New(c Config) (*Mirror, error) { return &Mirror{config: c}, nil }

// Notices are the settings of both files that have no effect here.
func (m *Mirror) Notices() []string { return nil }

// Run mirrors until the context ends; then it waits for what is under way,
// commits, leaves the group and returns nil. It returns a *SendError when the
// target refused a batch and AbortOnSendFailure is set.
func (m *Mirror) Run(ctx context.Context) error { return nil }

// Snapshot is the state right now.
func (m *Mirror) Snapshot() Progress { return Progress{} }

// SendError is a batch that the target refused (exit code 255 in MirrorMaker 1).
type SendError struct {
	kafka.TopicPartition
	Offset kafka.Offset // of the source
	Err    error
}

func (e *SendError) Error() string {
	return fmt.Sprintf("send %s at offset %d to the target: %v", e.TopicPartition, e.Offset, e.Err)
}

func (e *SendError) Unwrap() error { return e.Err }

// PatternError is a topic pattern that is not understood.
type PatternError struct {
	Pattern, Problem string
}

func (e *PatternError) Error() string {
	return fmt.Sprintf("topic pattern %q: %s", e.Pattern, e.Problem)
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/kafka"
)

// How many messages are asked for at once: enough to be fast, few enough that
// little is printed after an interruption.
const pollRecords = 500

// How long a group may take to let us go.
const leaveTimeout = 5 * time.Second

// recordPrinter prints a message, or nothing of it and a *decodeError.
type recordPrinter interface {
	write(*kgo.Record) error
	flush() error
}

// consumeRun prints messages until there is a reason to end.
type consumeRun struct {
	*session
	consumer  *kgo.Client
	print     recordPrinter
	until     *endings // ends when these are reached; nil: they do not count
	topic     string   // "" with a pattern
	group     string
	partition bool
	skip      bool
	most      int64         // messages to print; -1: no limit
	timeout   time.Duration // without a message; 0: no limit

	printed int64
	absent  bool // the user has been told that the topic is not there
}

func (r *consumeRun) all(ctx context.Context) error {
	err := r.poll(ctx)
	r.leave(context.WithoutCancel(ctx))
	if flush := r.print.flush(); err == nil {
		err = flush
	}
	return err
}

// leave commits what has been printed and tells the group, so that the next
// member need not wait for our session to end.
func (r *consumeRun) leave(ctx context.Context) {
	if r.group == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	if err := r.consumer.LeaveGroupContext(ctx); err != nil && !errors.Is(err, kerr.UnknownMemberID) {
		r.warn("leave group %s: %v", r.group, err)
	}
}

func (r *consumeRun) poll(ctx context.Context) error {
	for (r.most < 0 || r.printed < r.most) && !r.until.reached() {
		fetches, err := r.next(ctx)
		if err != nil || fetches == nil {
			return err
		}
		if err := r.problem(fetches); err != nil {
			return err
		}
		for records := fetches.RecordIter(); !records.Done(); {
			record := records.Next()
			if !r.until.wants(record) {
				continue
			}
			if err := r.show(record); err != nil {
				return err
			}
			r.consumer.MarkCommitRecords(record)
		}
		if err := r.print.flush(); err != nil {
			return err
		}
	}
	return nil
}

// next waits for messages; nil when none came in time.
func (r *consumeRun) next(ctx context.Context) (kgo.Fetches, error) {
	waiting := ctx
	if r.timeout > 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, r.timeout)
		defer cancel()
	}
	count := int64(pollRecords)
	if r.most >= 0 {
		count = min(count, r.most-r.printed)
	}
	for {
		fetches := r.consumer.PollRecords(waiting, int(count))
		switch {
		case ctx.Err() != nil:
			return nil, interruption(ctx)
		case !fetches.Empty() || waiting.Err() == nil:
			return fetches, nil
		default:
			return nil, nil
		}
	}
}

// problem is an error among the fetches that waiting does not mend.
func (r *consumeRun) problem(fetches kgo.Fetches) error {
	for _, f := range fetches.Errors() {
		var session *kgo.ErrGroupSession
		switch {
		case errors.Is(f.Err, context.Canceled), errors.Is(f.Err, context.DeadlineExceeded):
		case errors.As(f.Err, &session):
			if err := client.Denied(f.Err, kafka.Read, kafka.Group, r.group); err != f.Err || !client.Passing(f.Err) {
				return err
			}
		case errors.Is(f.Err, kerr.UnknownTopicOrPartition):
			if !r.absent {
				r.absent = true
				r.warn("topic %s is not there (yet)", f.Topic)
			}
		case kerr.IsRetriable(f.Err):
		default:
			return client.Denied(fmt.Errorf("read topic %s: %w", f.Topic, f.Err), kafka.Read, kafka.Topic, f.Topic)
		}
	}
	return nil
}

func (r *consumeRun) show(record *kgo.Record) error {
	err := r.print.write(record)
	var decode *decodeError
	if errors.As(err, &decode) {
		r.printed++
		if r.skip {
			r.warn("left out %s-%d offset %d: %v", record.Topic, record.Partition, record.Offset, err)
			return nil
		}
		return fmt.Errorf("print %s-%d offset %d: %w", record.Topic, record.Partition, record.Offset, err)
	}
	if err == nil {
		r.printed++
	}
	return err
}

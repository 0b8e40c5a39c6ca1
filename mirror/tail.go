package mirror

import (
	"context"
	"fmt"
	"time"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/wire"
)

// tailReader reads a partition batch by batch, as a consumer would, but with the
// batches whole.
type tailReader struct {
	cluster *client.Client
	admin   *client.Admin
	tp      kafka.TopicPartition

	committed bool // leave out what is of open or aborted transactions
}

// tailBytes is what one response brings.
const tailBytes = 1 << 20

// each calls take with every batch of records from one offset to another, in
// order; the bytes are the caller's until take returns. Markers are left out.
func (r *tailReader) each(ctx context.Context, from, to kafka.Offset, take func(batch.Batch) error) error {
	if from >= to {
		return nil
	}
	conn, err := r.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var buf []byte
	isolation := int8(0)
	if r.committed {
		isolation = 1
	}
	for next := from; next < to; {
		req := &wire.FetchRequest{ReplicaID: -1, MaxWaitMillis: 100, MinBytes: 1, MaxBytes: tailBytes, Isolation: isolation, SessionEpoch: -1,
			Topics: []wire.FetchTopic{{Name: r.tp.Topic, Partitions: []wire.FetchPartition{{Index: r.tp.Partition, LeaderEpoch: kafka.NoEpoch,
				Offset: next, LastFetchedEpoch: kafka.NoEpoch, LogStart: -1, MaxBytes: tailBytes}}}}}
		var resp wire.FetchResponse
		keepSilent(ctx, conn, func(time.Duration) {})
		if buf, err = conn.Fetch(ctx, req, &resp, buf); err != nil {
			return err
		}
		if resp.Error != kafka.NoError || len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
			return fmt.Errorf("read %s: the answer does not fit the request (%w)", r.tp, resp.Error)
		}
		p := &resp.Topics[0].Partitions[0]
		if p.Error == kafka.ErrOffsetOutOfRange && p.LogStart > next {
			next = p.LogStart // what was there is gone
			continue
		}
		if p.Error != kafka.NoError {
			err := &client.AnswerError{Doing: "read partition", Name: r.tp.String(), Code: p.Error}
			return client.Denied(err, kafka.Read, kafka.Topic, r.tp.Topic)
		}
		before := next
		if next, err = r.take(p, next, to, take); err != nil {
			return err
		}
		if next == before && len(p.Records) == 0 && (p.LastStable >= to || !r.committed) { // nothing is left, as after a retention
			return nil
		}
	}
	return nil
}

// take goes through one response and returns the offset behind it.
func (r *tailReader) take(p *wire.FetchedPartition, next, to kafka.Offset, take func(batch.Batch) error) (kafka.Offset, error) {
	drop := newAborted(p.Aborted)
	for rest := p.Records; len(rest) > 0 && next < to; {
		var b batch.Batch
		var err error
		if b, rest, err = batch.Split(rest); err == batch.ErrShort {
			break
		} else if err != nil {
			return next, fmt.Errorf("read %s at offset %d: %w", r.tp, next, err)
		}
		if dropped := drop.drops(b); !dropped && b.Count() > 0 && b.NextOffset() > next {
			if err := take(b); err != nil {
				return next, err
			}
		}
		next = max(next, b.NextOffset())
	}
	return next, nil
}

func (r *tailReader) dial(ctx context.Context) (*client.Conn, error) {
	topics, err := r.admin.Topics(ctx, r.tp.Topic)
	if err != nil {
		return nil, err
	}
	for _, t := range topics {
		if t.Err != nil {
			return nil, t.Err
		}
		for _, p := range t.Partitions {
			if p.Index == r.tp.Partition && p.Leader >= 0 {
				return r.cluster.Dial(ctx, p.Leader)
			}
		}
	}
	return nil, fmt.Errorf("read %s: %w", r.tp, kafka.ErrLeaderNotAvailable)
}

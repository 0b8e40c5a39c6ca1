package mirror

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/kafka"
)

// checkpointsSuffix ends the names of topics of checkpoints.
const checkpointsSuffix = ".checkpoints.internal"

// CheckpointsTopic is where those who know the source cluster by an alias look
// for checkpoints on the target (Kafka: ReplicationPolicy.checkpointsTopic).
func CheckpointsTopic(alias string) string { return alias + checkpointsSuffix }

// checkpoint is where a group stands on both clusters, as MirrorMaker 2 writes
// it: docs/format/mirror.md.
type checkpoint struct {
	group string
	kafka.TopicPartition
	upstream, offset kafka.Offset // of the source and of the target
	metadata         string       // of the group's commit
}

func (c *checkpoint) key() []byte {
	b := appendString(nil, c.group)
	b = appendString(b, c.Topic)
	return binary.BigEndian.AppendUint32(b, uint32(c.Partition))
}

func (c *checkpoint) value() []byte {
	const version = 0
	b := binary.BigEndian.AppendUint16(nil, version)
	b = binary.BigEndian.AppendUint64(b, uint64(c.upstream))
	b = binary.BigEndian.AppendUint64(b, uint64(c.offset))
	return appendString(b, c.metadata)
}

// appendString appends a STRING of Kafka's protocol. Names of groups and topics
// fit one. Metadata that does not is of a broker that is told to take more than
// its default of 4 KiB; it is left out, for none of it would be of use.
func appendString(b []byte, s string) []byte {
	if len(s) > math.MaxInt16 {
		s = ""
	}
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// checkpoints writes where groups stand, for consumers that ask MirrorMaker 2's
// MirrorClient or RemoteClusterUtils where to go on. Nothing is ever deleted:
// those end at a record without a value. A nil one writes nothing.
type checkpoints struct {
	mirror *Mirror
	topic  string
	writer *kgo.Client

	round   int
	there   bool               // the topic, as far as is known
	down    bool               // for the rest of the round
	told    bool               // that it is
	written map[string]written // by key
}

// written is a checkpoint as it was last written. Another mirror may have
// written since, if the partition was away: it was another assignment's then.
type written struct {
	value string
	by    *partition
	round int // that saw it last
}

func newCheckpoints(m *Mirror, alias string) *checkpoints {
	if alias == "" {
		return nil
	}
	return &checkpoints{mirror: m, topic: CheckpointsTopic(alias), written: make(map[string]written)}
}

// begin prepares for a round.
func (c *checkpoints) begin(ctx context.Context, admin *client.Admin) {
	if c == nil {
		return
	}
	c.round++
	c.down = false
	if c.there {
		return
	}
	err := ensureCompacted(ctx, admin, c.topic)
	if err == nil && c.writer == nil {
		c.writer, err = openWriter(c.mirror.config.Target, c.topic)
	}
	if c.there = err == nil; err != nil {
		c.fail(ctx, err)
	}
}

// end forgets what the round has not seen.
func (c *checkpoints) end() {
	if c == nil {
		return
	}
	for key, w := range c.written {
		if w.round != c.round {
			delete(c.written, key)
		}
	}
}

// write writes what is new of a group, and returns of which partitions. Only
// what no consumer loses a record by is a checkpoint.
func (c *checkpoints) write(ctx context.Context, group string, all []SyncedOffset) (fresh []kafka.TopicPartition) {
	if c == nil || c.down {
		return nil
	}
	var records []*kgo.Record
	noted := make(map[string]written)
	for i := range all {
		o := &all[i]
		switch o.Standing {
		case StandsExactly, StandsEarly, StandsAhead:
		default:
			continue
		}
		one := checkpoint{group, o.TopicPartition, o.From, o.To, o.metadata}
		key, value := one.key(), one.value()
		now := written{string(value), o.of, c.round}
		noted[string(key)] = now
		if old := c.written[string(key)]; old.value != now.value || old.by != now.by {
			records = append(records, &kgo.Record{Key: key, Value: value})
			fresh = append(fresh, o.TopicPartition)
		}
	}
	if len(records) > 0 {
		if err := c.writer.ProduceSync(ctx, records...).FirstErr(); err != nil {
			c.fail(ctx, client.Denied(err, kafka.Write, kafka.Topic, c.topic))
			return nil
		}
		if c.told {
			c.told = false
			c.mirror.notice("checkpoints are written to " + c.topic + " again")
		}
	}
	for key, w := range noted {
		c.written[key] = w
	}
	return fresh
}

// fail gives up until the next round. The topic may be gone, so it is looked for
// then and all is written anew.
func (c *checkpoints) fail(ctx context.Context, err error) {
	c.down, c.there = true, false
	clear(c.written)
	if c.told || errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	c.told = true
	c.mirror.trouble(fmt.Sprintf("write checkpoints to %s: %v; trying again", c.topic, err), err)
}

func (c *checkpoints) close() {
	if c != nil && c.writer != nil {
		c.writer.Close()
	}
}

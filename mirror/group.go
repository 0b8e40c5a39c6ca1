package mirror

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
)

// group is the membership in the source's consumer group, in which the
// positions live. A kgo client keeps it; every partition it is given is paused
// at once, so it never fetches.
type group struct {
	id     string
	member *kgo.Client
	cancel context.CancelFunc // of all that member does
	assign func([]kafka.TopicPartition)
	// release must leave nothing under way; with commit, positions may still
	// be committed within it.
	release func(ctx context.Context, tps []kafka.TopicPartition, commit bool)
	fail    func(error)
}

// joinGroup makes a member that has no topics yet.
func joinGroup(cluster *client.Client, v *config.Values, g *group) error {
	opts, err := client.GroupOptions(v)
	if err != nil {
		return err
	}
	opts = append(opts,
		kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()), // of no consequence: all is paused
		kgo.OnPartitionsAssigned(func(_ context.Context, cl *kgo.Client, given map[string][]int32) {
			cl.PauseFetchPartitions(given)
			g.assign(flatten(given))
		}),
		kgo.OnPartitionsRevoked(func(ctx context.Context, cl *kgo.Client, taken map[string][]int32) {
			g.release(ctx, flatten(taken), true)
			cl.ResumeFetchPartitions(taken)
		}),
		kgo.OnPartitionsLost(func(ctx context.Context, cl *kgo.Client, taken map[string][]int32) {
			g.release(ctx, flatten(taken), false)
			cl.ResumeFetchPartitions(taken)
		}),
		kgo.WithHooks(groupErrors{g}),
	)
	g.id = v.String("group.id")
	ctx, cancel := context.WithCancel(context.Background())
	g.cancel = cancel
	g.member, err = cluster.Kgo(append(opts, kgo.WithContext(ctx))...)
	return err
}

// groupErrors hears why a membership ended.
type groupErrors struct{ g *group }

// OnGroupManageError is kgo's hook. kgo itself tries again after a pause, so
// only what no pause will mend is passed on.
func (h groupErrors) OnGroupManageError(err error) {
	err = client.Denied(err, kafka.Read, kafka.Group, h.g.id)
	var denied *client.DeniedError
	if errors.As(err, &denied) {
		h.g.fail(fmt.Errorf("join group %q: %w", h.g.id, err))
	}
}

func flatten(m map[string][]int32) []kafka.TopicPartition {
	var out []kafka.TopicPartition
	for topic, partitions := range m {
		for _, p := range partitions {
			out = append(out, kafka.TopicPartition{Topic: topic, Partition: p})
		}
	}
	return out
}

// commit writes positions as the current member and generation.
func (g *group) commit(ctx context.Context, positions map[kafka.TopicPartition]kafka.Offset) error {
	offsets := make(map[string]map[int32]kgo.EpochOffset)
	for tp, offset := range positions {
		if offsets[tp.Topic] == nil {
			offsets[tp.Topic] = make(map[int32]kgo.EpochOffset)
		}
		offsets[tp.Topic][tp.Partition] = kgo.EpochOffset{Epoch: -1, Offset: int64(offset)}
	}
	var failure error
	var once sync.Once
	g.member.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		once.Do(func() { failure = commitError(resp, err) })
	})
	return failure
}

func commitError(resp *kmsg.OffsetCommitResponse, err error) error {
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				return &client.AnswerError{Doing: "commit the position of", Name: t.Topic, Code: kafka.ErrorCode(p.ErrorCode)}
			}
		}
	}
	return nil
}

// leave gives everything back, which releases it, leaves the group and ends
// the member. A member that is still joining would wait for the group's answer
// first, and that may take the session timeout of another one that died: where
// nothing is held, the group is told without it.
func (g *group) leave(within time.Duration, holding bool) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	// Where leaving fails the broker will notice by the session's timeout.
	if holding {
		_ = g.member.LeaveGroupContext(ctx)
	} else if id, _ := g.member.GroupMetadata(); id != "" {
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Group = g.id
		req.MemberID = id
		req.Members = []kmsg.LeaveGroupRequestMember{{MemberID: id}}
		_, _ = req.RequestWith(ctx, g.member)
	}
	g.cancel()
	g.member.Close()
}

package client

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

func TestGroupOffsetsAreSetAndDeleted(t *testing.T) {
	c := cluster(t, kfake.SeedTopics(2, "t"))
	for name, to := range requestors(t, c) {
		t.Run(name, func(t *testing.T) {
			ctx, a, group := t.Context(), NewAdmin(to), "g-"+name
			first, second := kafka.TopicPartition{Topic: "t", Partition: 0}, kafka.TopicPartition{Topic: "t", Partition: 1}
			results, err := a.CommitGroupOffsets(ctx, group, []Committed{
				{TopicPartition: second, Offset: 7, Epoch: kafka.NoEpoch, Metadata: "m"}, {TopicPartition: first, Offset: 3, Epoch: kafka.NoEpoch}})
			if err != nil || len(results) != 2 || results[0] != (PartitionResult{TopicPartition: first}) || results[1] != (PartitionResult{TopicPartition: second}) {
				t.Fatalf("commit: got %+v, %v", results, err)
			}
			if got, err := a.CommittedOffsets(ctx, group); err != nil || len(got) != 2 || got[1].Offset != 7 || got[1].Metadata != "m" {
				t.Errorf("committed: got %+v, %v", got, err)
			}
			if results, err = a.DeleteGroupOffsets(ctx, group, []kafka.TopicPartition{second}); err != nil || len(results) != 1 || results[0].Err != nil {
				t.Errorf("delete offsets: got %+v, %v", results, err)
			}
			if got, err := a.CommittedOffsets(ctx, group); err != nil || len(got) != 1 || got[0].TopicPartition != first {
				t.Errorf("committed after that: got %+v, %v", got, err)
			}
			if node, err := a.GroupCoordinator(ctx, group); err != nil || node.Port == 0 {
				t.Errorf("coordinator: got %+v, %v", node, err)
			}
			deleted, err := a.DeleteGroups(ctx, group, "nobody")
			if err != nil || len(deleted) != 2 || deleted[0].Err != nil || !errors.Is(deleted[1].Err, kafka.ErrGroupIDNotFound) {
				t.Errorf("delete groups: got %+v, %v", deleted, err)
			}
		})
	}
}

func TestConsumerGroupIsDescribedAsSuch(t *testing.T) {
	c := cluster(t, kfake.SeedTopics(2, "t"))
	member, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"), kgo.ClientID("me"), kgo.ServerSideBalancer())
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	if _, err := c.WaitGroupStable(t.Context(), "g", 1); err != nil {
		t.Fatal(err)
	}
	for name, to := range requestors(t, c) {
		t.Run(name, func(t *testing.T) {
			groups, err := NewAdmin(to).DescribeGroups(t.Context(), "g", "nobody")
			if err != nil || len(groups) != 2 || len(groups[0].Members) != 1 {
				t.Fatalf("describe: got %+v, %v", groups, err)
			}
			g, m := groups[0], groups[0].Members[0]
			if g.Type != ConsumerGroup || g.Epoch < 1 || g.TargetEpoch < 1 || m.Epoch < 1 || m.ClientID != "me" || m.Upgraded != ConsumerMember {
				t.Errorf("describe: got %+v", g)
			}
			if len(m.Assigned) != 2 || m.Assigned[1].Partition != 1 || !slices.Equal(m.Assigned, m.Target) { // without names: the fake broker tells ids alone
				t.Errorf("describe: assigned %v, target %v", m.Assigned, m.Target)
			}
			if groups[1].Type != ClassicGroup {
				t.Errorf("describe who is not there: got %+v", groups[1])
			}
		})
	}
}

func TestGroupDeedsSayWhatIsDenied(t *testing.T) {
	one := []kafka.TopicPartition{{Topic: "t"}}
	for _, test := range []struct {
		name string
		key  kmsg.Key
		err  *kerr.Error
		do   func(ctx context.Context, a *Admin) error
		want DeniedError
	}{
		{"describe group", kmsg.DescribeGroups, kerr.GroupAuthorizationFailed, func(ctx context.Context, a *Admin) error {
			groups, err := a.DescribeGroups(ctx, "g")
			if err != nil || len(groups) != 1 {
				return err
			}
			return groups[0].Err
		}, DeniedError{kafka.Describe, kafka.Group, "g", kafka.ErrGroupAuthorizationFailed}},
		{"delete group", kmsg.DeleteGroups, kerr.GroupAuthorizationFailed, func(ctx context.Context, a *Admin) error {
			results, err := a.DeleteGroups(ctx, "g")
			if err != nil || len(results) != 1 {
				return err
			}
			return results[0].Err
		}, DeniedError{kafka.Delete, kafka.Group, "g", kafka.ErrGroupAuthorizationFailed}},
		{"commit for a group", kmsg.OffsetCommit, kerr.GroupAuthorizationFailed, func(ctx context.Context, a *Admin) error {
			results, err := a.CommitGroupOffsets(ctx, "g", []Committed{{TopicPartition: one[0]}})
			if err != nil || len(results) != 1 {
				return err
			}
			return results[0].Err
		}, DeniedError{kafka.Read, kafka.Group, "g", kafka.ErrGroupAuthorizationFailed}},
		{"commit for a topic", kmsg.OffsetCommit, kerr.TopicAuthorizationFailed, func(ctx context.Context, a *Admin) error {
			results, err := a.CommitGroupOffsets(ctx, "g", []Committed{{TopicPartition: one[0]}})
			if err != nil || len(results) != 1 {
				return err
			}
			return results[0].Err
		}, DeniedError{kafka.Read, kafka.Topic, "t", kafka.ErrTopicAuthorizationFailed}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := cluster(t, kfake.SeedTopics(1, "t"))
			c.Fault(kfake.Fault{Keys: []kmsg.Key{test.key}, Err: test.err, Count: -1})
			for name, to := range requestors(t, c) {
				err := test.do(t.Context(), NewAdmin(to))
				var denied *DeniedError
				if !errors.As(err, &denied) || *denied != test.want {
					t.Errorf("%s: got %v, want %v", name, err, &test.want)
				}
			}
		})
	}
}

// A cluster that has just begun makes the topic of the groups' offsets when it
// is first asked for a coordinator, and says meanwhile that there is none.
func TestGroupsAwaitTheirCoordinator(t *testing.T) {
	tests := map[string]func(ctx context.Context, a *Admin) error{
		"describe": func(ctx context.Context, a *Admin) error {
			_, err := a.DescribeGroups(ctx, "g")
			return err
		},
		"coordinator": func(ctx context.Context, a *Admin) error {
			_, err := a.GroupCoordinator(ctx, "g")
			return err
		},
		"commit": func(ctx context.Context, a *Admin) error {
			_, err := a.CommitGroupOffsets(ctx, "g", []Committed{{TopicPartition: kafka.TopicPartition{Topic: "t"}, Offset: 1, Epoch: kafka.NoEpoch}})
			return err
		},
		"delete": func(ctx context.Context, a *Admin) error {
			_, err := a.DeleteGroups(ctx, "g")
			return err
		},
	}
	for name, deed := range tests {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, kfake.SeedTopics(1, "t"))
			var asked atomic.Int32
			c.ControlKey(int16(kmsg.FindCoordinator), func(req kmsg.Request) (kmsg.Response, error, bool) {
				c.KeepControl()
				if asked.Add(1) > 4 {
					return nil, nil, false
				}
				in := req.(*kmsg.FindCoordinatorRequest)
				out := in.ResponseKind().(*kmsg.FindCoordinatorResponse)
				out.ErrorCode = kerr.CoordinatorNotAvailable.Code
				for _, key := range in.CoordinatorKeys {
					one := kmsg.NewFindCoordinatorResponseCoordinator()
					one.Key, one.ErrorCode = key, kerr.CoordinatorNotAvailable.Code
					out.Coordinators = append(out.Coordinators, one)
				}
				return out, nil, true
			})
			if err := deed(t.Context(), NewAdmin(requestors(t, c)["client"])); err != nil {
				t.Errorf("got %v after %d questions", err, asked.Load())
			}
		})
	}
}

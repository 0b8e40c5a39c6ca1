package client

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/security/acl"
)

func cluster(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// requestors are both ways to a broker: through kgo, and over one connection.
func requestors(t *testing.T, c *kfake.Cluster) map[string]kmsg.Requestor {
	t.Helper()
	cl, err := Open(t.Context(), Config{Values: read(t, config.Admin, ""), Bootstrap: c.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	nc, err := net.Dial("tcp", c.ListenAddrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	conn := NewConn(nc)
	t.Cleanup(func() { conn.Close() })
	return map[string]kmsg.Requestor{"client": cl, "conn": conn}
}

func TestAdminTopics(t *testing.T) {
	c := cluster(t)
	for name, to := range requestors(t, c) {
		t.Run(name, func(t *testing.T) {
			ctx, a := t.Context(), NewAdmin(to)
			topic := NewTopic{Name: "t-" + name, Partitions: 3, ReplicationFactor: 1, Configs: map[string]string{"retention.ms": "1000"}}
			if err := a.CreateTopic(ctx, topic); err != nil {
				t.Fatal(err)
			}
			if err := a.CreateTopic(ctx, topic); !errors.Is(err, kafka.ErrTopicAlreadyExists) {
				t.Errorf("create again: got %v", err)
			}
			topics, err := a.Topics(ctx, topic.Name)
			if err != nil || len(topics) != 1 || len(topics[0].Partitions) != 3 || topics[0].Partitions[2].Index != 2 || topics[0].ID.IsZero() {
				t.Errorf("describe: got %+v, %v", topics, err)
			}
			configs, err := a.TopicConfigs(ctx, topic.Name)
			i := slices.IndexFunc(configs, func(d config.Described) bool { return d.Name == "retention.ms" })
			if err != nil || i < 0 || configs[i].Value == nil || *configs[i].Value != "1000" {
				t.Errorf("configs: got %+v, %v", configs, err)
			}
			tp := kafka.TopicPartition{Topic: topic.Name, Partition: 1}
			offsets, err := a.ListOffsets(ctx, int64(kafka.LatestOffset), []kafka.TopicPartition{tp})
			if err != nil || len(offsets) != 1 || offsets[0].Offset != 0 || offsets[0].TopicPartition != tp || offsets[0].Err != nil {
				t.Errorf("offsets: got %+v, %v", offsets, err)
			}
			if err := a.DeleteTopic(ctx, topic.Name); err != nil {
				t.Fatal(err)
			}
			if topics, err = a.Topics(ctx, topic.Name); err != nil || len(topics) != 1 || !errors.Is(topics[0].Err, kafka.ErrUnknownTopicOrPartition) {
				t.Errorf("describe what is gone: got %+v, %v", topics, err)
			}
			if info, err := a.Cluster(ctx); err != nil || len(info.Nodes) != 1 || info.ID == "" {
				t.Errorf("cluster: got %+v, %v", info, err)
			}
		})
	}
}

func TestAdminACLs(t *testing.T) {
	c := cluster(t)
	for name, to := range requestors(t, c) {
		t.Run(name, func(t *testing.T) {
			ctx, a := t.Context(), NewAdmin(to)
			b := acl.Binding{ResourceType: kafka.Topic, Name: "t-" + name, Pattern: kafka.Prefixed, Principal: "User:CN=Xi Hu,C=CN", Host: "*", Operation: kafka.Write, Permission: kafka.Allow}
			if errs, err := a.CreateACLs(ctx, []acl.Binding{b}); err != nil || len(errs) != 1 || errs[0] != nil {
				t.Fatalf("create: got %v, %v", errs, err)
			}
			f := acl.Filter{ResourceType: kafka.Topic, Name: &b.Name, Pattern: kafka.PatternAny, Operation: kafka.OperationAny, Permission: kafka.PermissionAny}
			if got, err := a.ACLs(ctx, f); err != nil || !slices.Equal(got, []acl.Binding{b}) {
				t.Errorf("list: got %+v, %v", got, err)
			}
			if got, err := a.DeleteACLs(ctx, []acl.Filter{f}); err != nil || len(got) != 1 || !slices.Equal(got[0].Bindings, []acl.Binding{b}) {
				t.Errorf("delete: got %+v, %v", got, err)
			}
			if got, err := a.ACLs(ctx, f); err != nil || len(got) != 0 {
				t.Errorf("list what is gone: got %+v, %v", got, err)
			}
		})
	}
}

func TestAdminGroups(t *testing.T) {
	c := cluster(t, kfake.SeedTopics(2, "t"))
	member, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"), kgo.ClientID("me"))
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	if _, err := c.WaitGroupStable(t.Context(), "g", 1); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	member.CommitOffsetsSync(t.Context(), map[string]map[int32]kgo.EpochOffset{"t": {1: {Epoch: -1, Offset: 0}}},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, _ *kmsg.OffsetCommitResponse, err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for name, to := range requestors(t, c) {
		t.Run(name, func(t *testing.T) {
			ctx, a := t.Context(), NewAdmin(to)
			if groups, err := a.Groups(ctx); err != nil || len(groups) != 1 || groups[0].ID != "g" || groups[0].State != "Stable" {
				t.Errorf("list: got %+v, %v", groups, err)
			}
			groups, err := a.DescribeGroups(ctx, "g")
			want := []kafka.TopicPartition{{Topic: "t", Partition: 0}, {Topic: "t", Partition: 1}}
			if err != nil || len(groups) != 1 || len(groups[0].Members) != 1 || groups[0].Members[0].ClientID != "me" || !slices.Equal(groups[0].Members[0].Assigned, want) {
				t.Errorf("describe: got %+v, %v", groups, err)
			}
			committed, err := a.CommittedOffsets(ctx, "g")
			if err != nil || len(committed) != 1 || committed[0].TopicPartition != want[1] || committed[0].Offset != 0 {
				t.Errorf("committed: got %+v, %v", committed, err)
			}
			if committed, err = a.CommittedOffsets(ctx, "nobody"); err != nil || len(committed) != 0 {
				t.Errorf("committed by nobody: got %+v, %v", committed, err)
			}
		})
	}
}

func TestAdminSaysWhatIsDenied(t *testing.T) {
	for _, test := range []struct {
		name string
		key  kmsg.Key
		err  *kerr.Error
		do   func(ctx context.Context, a *Admin) error
		want DeniedError
	}{
		{"create topic", kmsg.CreateTopics, kerr.TopicAuthorizationFailed,
			func(ctx context.Context, a *Admin) error {
				return a.CreateTopic(ctx, NewTopic{Name: "t", Partitions: 1, ReplicationFactor: 1})
			}, DeniedError{kafka.Create, kafka.Topic, "t", kafka.ErrTopicAuthorizationFailed}},
		{"delete topic", kmsg.DeleteTopics, kerr.TopicAuthorizationFailed,
			func(ctx context.Context, a *Admin) error { return a.DeleteTopic(ctx, "t") },
			DeniedError{kafka.Delete, kafka.Topic, "t", kafka.ErrTopicAuthorizationFailed}},
		{"list ACLs", kmsg.DescribeACLs, kerr.ClusterAuthorizationFailed,
			func(ctx context.Context, a *Admin) error { _, err := a.ACLs(ctx, acl.Filter{}); return err },
			DeniedError{kafka.Describe, kafka.Cluster, kafka.ClusterName, kafka.ErrClusterAuthorizationFailed}},
		{"a group's offsets", kmsg.OffsetFetch, kerr.GroupAuthorizationFailed,
			func(ctx context.Context, a *Admin) error { _, err := a.CommittedOffsets(ctx, "g"); return err },
			DeniedError{kafka.Describe, kafka.Group, "g", kafka.ErrGroupAuthorizationFailed}},
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

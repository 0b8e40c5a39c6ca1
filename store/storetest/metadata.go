package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"schloss/kafka"
	"schloss/security/acl"
	"schloss/store"
)

func binding(name string) acl.Binding {
	return acl.Binding{ResourceType: kafka.Topic, Name: name, Pattern: kafka.Literal, Principal: "User:CN=a, OU=b",
		Host: "*", Operation: kafka.DescribeConfigs, Permission: kafka.Allow}
}

func (b *bench) commit(changes ...store.Change) {
	b.t.Helper()
	if err := b.store.Metadata().Commit(changes...); err != nil {
		b.t.Fatalf("commit: %v", err)
	}
}

func testMetadata(t *testing.T, b *bench) {
	first := b.store.Metadata().Image()
	if len(first.ClusterID) != 22 || len(first.Topics) != 0 || first.ACLs.Len() != 0 {
		t.Fatalf("first image: got %+v, want a cluster id alone", first)
	}
	a := store.Topic{Name: "a", ID: kafka.TopicID{1}, Partitions: 3, Configs: map[string]string{"retention.ms": "5"}}
	a4, c := a, store.Topic{Name: "c", ID: kafka.TopicID{3}, Partitions: 1}
	a4.Partitions = 4
	b.commit(store.Booted{Boot: 4}, store.PutTopic{Topic: a}, store.PutTopic{Topic: store.Topic{Name: "b", ID: kafka.TopicID{2}, Partitions: 1}})
	b.commit(store.AddBindings{Bindings: []acl.Binding{binding("x"), binding("y"), binding("x")}}, store.ReserveProducerIDs{Next: 1000})
	b.commit(store.PutTopic{Topic: a4}, store.RemoveTopic{Name: "b"}, store.PutTopic{Topic: c}, store.RemoveTopic{Name: "none"},
		store.RemoveBindings{Bindings: []acl.Binding{binding("y"), binding("z")}})
	b.commit(store.PutBrokerConfigs{Broker: "", Configs: map[string]string{"k": "all"}}, store.PutBrokerConfigs{Broker: "1", Configs: map[string]string{"k": "one"}},
		store.PutBrokerConfigs{Broker: "2", Configs: map[string]string{"k": "gone"}})
	b.commit(store.PutBrokerConfigs{Broker: "2"}, store.PutBrokerConfigs{Broker: "3"})
	b.commit(store.AddBindings{Bindings: []acl.Binding{binding("w")}}, store.RemoveBindings{Bindings: []acl.Binding{binding("w")}})
	want := &store.Image{
		ClusterID: first.ClusterID, Boot: 4, NextProducerID: 1000,
		Topics:        map[string]*store.Topic{"a": &a4, "c": &c},
		TopicIDs:      map[kafka.TopicID]*store.Topic{{1}: &a4, {3}: &c},
		BrokerConfigs: map[string]map[string]string{"": {"k": "all"}, "1": {"k": "one"}},
	}
	for range 2 {
		got := *b.store.Metadata().Image()
		if all := slices.Collect(got.ACLs.All()); !slices.Equal(all, []acl.Binding{binding("x")}) {
			t.Errorf("bindings: got %v, want x alone", all)
		}
		got.ACLs = nil
		if !reflect.DeepEqual(&got, want) {
			t.Errorf("image: got %+v, want %+v", got, want)
		}
		b.stop()
		if err := b.store.Metadata().Commit(store.Booted{Boot: 5}); !errors.Is(err, store.ErrClosed) {
			t.Errorf("commit to a closed store: got %v, want %v", err, store.ErrClosed)
		}
		b.start()
	}
}

func testImage(t *testing.T, b *bench) {
	configs := map[string]string{"k": "v"}
	b.commit(store.PutTopic{Topic: store.Topic{Name: "a", ID: kafka.TopicID{1}, Partitions: 1, Configs: configs}})
	image := b.store.Metadata().Image()
	configs["k"] = "changed by the caller"
	b.commit(store.PutTopic{Topic: store.Topic{Name: "a", ID: kafka.TopicID{1}, Partitions: 2}}, store.RemoveTopic{Name: "a"},
		store.AddBindings{Bindings: []acl.Binding{binding("x")}}, store.PutBrokerConfigs{Broker: "1", Configs: configs})
	if a := image.Topics["a"]; a == nil || a.Partitions != 1 || a.Configs["k"] != "v" || image.TopicIDs[kafka.TopicID{1}] != a || image.ACLs.Len() != 0 || len(image.BrokerConfigs) != 0 {
		t.Errorf("old image has changed: %+v", image)
	}
	if now := b.store.Metadata().Image(); len(now.Topics) != 0 || len(now.TopicIDs) != 0 || now.ACLs.Len() != 1 {
		t.Errorf("new image: got %+v, want one binding alone", now)
	}
	if err := b.store.Metadata().Commit(); err != nil {
		t.Errorf("commit of nothing: %v", err)
	}
}

// testMetadataShort makes many more changes than there are things, so that the
// log must be shortened on the way.
func testMetadataShort(t *testing.T, b *bench) {
	for i := range 30 {
		var changes []store.Change
		for j := range 100 {
			changes = append(changes, store.PutTopic{Topic: store.Topic{Name: fmt.Sprint("t", j), ID: kafka.TopicID{byte(j), 1}, Partitions: int32(i + 1)}})
		}
		b.commit(append(changes, store.RemoveTopic{Name: "t7"}, store.ReserveProducerIDs{Next: kafka.ProducerID(i)})...)
	}
	for range 2 {
		image := b.store.Metadata().Image()
		if len(image.Topics) != 99 || image.Topics["t7"] != nil || image.NextProducerID != 29 || len(image.ClusterID) != 22 {
			t.Fatalf("got %d topics, next producer id %d, cluster id %q", len(image.Topics), image.NextProducerID, image.ClusterID)
		}
		for name, topic := range image.Topics {
			if topic.Partitions != 30 {
				t.Errorf("topic %s: got %d partitions, want 30", name, topic.Partitions)
			}
		}
		b.stop()
		b.start()
	}
}

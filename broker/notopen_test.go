package broker

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker/listener"
	"schloss/kafka"
	"schloss/store"
)

// TestATopicThatIsNotOpenCanBeChanged changes settings, and asks for more
// partitions, while there is a topic that only the metadata knows. Its logs
// could not be made for want of space, nor could it be taken back.
func TestATopicThatIsNotOpenCanBeChanged(t *testing.T) {
	b := onDisk(t, newDisk(t))
	if err := b.meta.Commit(store.PutTopic{Topic: store.Topic{Name: "t", ID: b.newID(), Partitions: 1}}); err != nil {
		t.Fatal(err)
	}
	c := &call{b: b, peer: &listener.Peer{}, image: b.meta.Image()}
	change := func(name, value string) configEdit {
		return b.changeConfigs([]kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: name, Value: &value}})
	}
	if err := b.alter(c, kmsg.ConfigResourceTypeBroker, "", change("message.max.bytes", "5"), false); err != nil {
		t.Errorf("change a setting of the broker: %v", err)
	}
	if err := b.alter(c, kmsg.ConfigResourceTypeTopic, "t", change("retention.ms", "5"), false); err != nil {
		t.Errorf("change a setting of the topic: %v", err)
	}
	if err := b.createPartitionsOf(c, &kmsg.CreatePartitionsRequestTopic{Topic: "t", Count: 3}, false); codeOf(err) != kafka.ErrKafkaStorageError {
		t.Errorf("add partitions: %v, want KAFKA_STORAGE_ERROR", err)
	}
	if out := b.metadataOf(c, &kmsg.MetadataRequest{}, b.meta.Image().Topics["t"]); kafka.ErrorCode(out.Partitions[0].ErrorCode) != kafka.ErrLeaderNotAvailable {
		t.Errorf("the metadata of it has %+v", out.Partitions[0])
	}
	if err := b.deleteTopic(b.meta.Image().Topics["t"]); err != nil {
		t.Fatal(err)
	}
	makeTopic(t, b, "t")
}

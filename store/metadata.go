package store

import (
	"schloss/kafka"
	"schloss/security/acl"
)

// Metadata is the durable description of the cluster. It is a log of changes,
// folded into an Image.
type Metadata interface {
	// Image is the newest durable state. It never changes: a commit makes a
	// new one.
	Image() *Image
	// Commit makes the changes durable, all or none of them, and then visible.
	// It returns after the image has been replaced.
	Commit(changes ...Change) error
	// Close releases the log. Idempotent.
	Close() error
}

// Image is one immutable state of the metadata. Its maps are never written
// after it has been published.
type Image struct {
	ClusterID      string            // 22 characters of base64, made at the first start
	Boot           kafka.Epoch       // how often the data directory was started: the leader epoch
	Topics         map[string]*Topic // by name
	TopicIDs       map[kafka.TopicID]*Topic
	ACLs           *acl.Rules
	NextProducerID kafka.ProducerID // the first id that was never reserved
	// BrokerConfigs are the settings that were changed at run time, by the id
	// of the broker they are for; "" stands for every broker's defaults.
	BrokerConfigs map[string]map[string]string
}

// Topic is one topic. It is immutable: a change makes a new one.
type Topic struct {
	Name       string
	ID         kafka.TopicID
	Partitions int32
	Configs    map[string]string // only what was set on the topic itself
}

// Change is one change of the metadata.
type Change interface{ change() }

// PutTopic creates a topic or replaces its partition count and configs.
type PutTopic struct{ Topic Topic }

// RemoveTopic forgets a topic.
type RemoveTopic struct{ Name string }

// AddBindings adds ACL bindings; those already there stay once.
type AddBindings struct{ Bindings []acl.Binding }

// RemoveBindings removes exactly these bindings; absent ones are no error.
type RemoveBindings struct{ Bindings []acl.Binding }

// ReserveProducerIDs moves NextProducerID up to Next.
type ReserveProducerIDs struct{ Next kafka.ProducerID }

// PutBrokerConfigs replaces the settings of one broker, or of all for "";
// none are left of it when there are no configs.
type PutBrokerConfigs struct {
	Broker  string
	Configs map[string]string
}

// Booted counts a start of the broker; Boot is the new epoch.
type Booted struct{ Boot kafka.Epoch }

func (PutTopic) change()           {}
func (RemoveTopic) change()        {}
func (AddBindings) change()        {}
func (RemoveBindings) change()     {}
func (ReserveProducerIDs) change() {}
func (PutBrokerConfigs) change()   {}
func (Booted) change()             {}

// Leaders says who leads a partition. On a single node the answer is always
// that node, and still every handler asks.
type Leaders interface {
	Leader(tp kafka.TopicPartition) (node kafka.NodeID, epoch kafka.Epoch, ok bool)
}

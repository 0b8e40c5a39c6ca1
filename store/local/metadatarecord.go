package local

import (
	"encoding/json"
	"fmt"
	"maps"

	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/security/acl"
	"schloss/store"
)

// Types of metadata records: docs/format/metadata.md.
const (
	clusterType       = "cluster"
	bootType          = "boot"
	topicType         = "topic"
	aclType           = "acl"
	producerIDsType   = "producer-ids"
	brokerConfigsType = "broker-configs"
)

// recordKey is the key of a metadata record. Equal keys have equal bytes.
type recordKey struct {
	Type    string       `json:"type"`
	Topic   string       `json:"topic,omitempty"`
	Broker  string       `json:"broker,omitempty"`
	Binding *bindingText `json:"binding,omitempty"`
}

// bindingText is an ACL with Kafka's names.
type bindingText struct {
	ResourceType string `json:"resourceType"`
	Name         string `json:"name"`
	Pattern      string `json:"patternType"`
	Principal    string `json:"principal"`
	Host         string `json:"host"`
	Operation    string `json:"operation"`
	Permission   string `json:"permission"`
}

// recordValue is the value of a metadata record; its type says which fields
// it has. A null value removes the key.
type recordValue struct {
	ID         string            `json:"id,omitempty"`
	Epoch      kafka.Epoch       `json:"epoch,omitempty"`
	Partitions int32             `json:"partitions,omitempty"`
	Next       kafka.ProducerID  `json:"next,omitempty"`
	Configs    map[string]string `json:"configs,omitempty"`
}

// script gathers the records of one commit.
type script struct{ records []batch.Record }

// put adds a record; nil removes the key.
func (s *script) put(key recordKey, value *recordValue) error {
	k, err := json.Marshal(key)
	if err != nil {
		return err
	}
	r := batch.Record{Key: k}
	if value != nil {
		if r.Value, err = json.Marshal(value); err != nil {
			return err
		}
	}
	s.records = append(s.records, r)
	return nil
}

// add turns a change into records.
func (s *script) add(c store.Change) error {
	put := s.put
	switch c := c.(type) {
	case store.Booted:
		return put(recordKey{Type: bootType}, &recordValue{Epoch: c.Boot})
	case store.PutTopic:
		t := c.Topic
		return put(recordKey{Type: topicType, Topic: t.Name}, &recordValue{ID: t.ID.String(), Partitions: t.Partitions, Configs: t.Configs})
	case store.RemoveTopic:
		return put(recordKey{Type: topicType, Topic: c.Name}, nil)
	case store.AddBindings:
		for _, b := range c.Bindings {
			if err := put(recordKey{Type: aclType, Binding: textOf(b)}, &recordValue{}); err != nil {
				return err
			}
		}
		return nil
	case store.RemoveBindings:
		for _, b := range c.Bindings {
			if err := put(recordKey{Type: aclType, Binding: textOf(b)}, nil); err != nil {
				return err
			}
		}
		return nil
	case store.ReserveProducerIDs:
		return put(recordKey{Type: producerIDsType}, &recordValue{Next: c.Next})
	case store.PutBrokerConfigs:
		if len(c.Configs) == 0 {
			return put(recordKey{Type: brokerConfigsType, Broker: c.Broker}, nil)
		}
		return put(recordKey{Type: brokerConfigsType, Broker: c.Broker}, &recordValue{Configs: c.Configs})
	}
	return fmt.Errorf("change %T is unknown", c)
}

func textOf(b acl.Binding) *bindingText {
	return &bindingText{
		ResourceType: b.ResourceType.Enum(), Name: b.Name, Pattern: b.Pattern.Enum(), Principal: b.Principal,
		Host: b.Host, Operation: b.Operation.Enum(), Permission: b.Permission.Enum(),
	}
}

func (t *bindingText) binding() (acl.Binding, error) {
	resource, ok1 := kafka.ParseResourceType(t.ResourceType)
	pattern, ok2 := kafka.ParsePatternType(t.Pattern)
	operation, ok3 := kafka.ParseOperation(t.Operation)
	permission, ok4 := kafka.ParsePermission(t.Permission)
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return acl.Binding{}, fmt.Errorf("acl %+v holds an unknown word", *t)
	}
	return acl.Binding{ResourceType: resource, Name: t.Name, Pattern: pattern, Principal: t.Principal,
		Host: t.Host, Operation: operation, Permission: permission}, nil
}

func newImage() *store.Image {
	return &store.Image{
		Topics: map[string]*store.Topic{}, TopicIDs: map[kafka.TopicID]*store.Topic{},
		ACLs: acl.New(nil), BrokerConfigs: map[string]map[string]string{},
	}
}

// draft is an image in the making. It copies of the old one what it changes.
type draft struct {
	next     store.Image
	copied   bool                 // the topics are
	bindings map[acl.Binding]bool // added, or else removed
}

func draftOf(old *store.Image) *draft {
	return &draft{next: *old, bindings: map[acl.Binding]bool{}}
}

// apply folds one record in. An unknown type was written by a later version:
// what it means for the rest cannot be known, so it is refused.
func (d *draft) apply(r batch.Record) error {
	var key recordKey
	if err := json.Unmarshal(r.Key, &key); err != nil {
		return fmt.Errorf("record %d is no metadata of ours: %w", r.Offset, err)
	}
	var value *recordValue
	if r.Value != nil {
		if err := json.Unmarshal(r.Value, &value); err != nil {
			return fmt.Errorf("record %d, %s: %w", r.Offset, r.Key, err)
		}
	}
	switch {
	case key.Type == topicType:
		return d.applyTopic(key.Topic, value)
	case key.Type == aclType && key.Binding != nil:
		b, err := key.Binding.binding()
		d.bindings[b] = value != nil
		return err
	case key.Type == brokerConfigsType:
		d.next.BrokerConfigs = maps.Clone(d.next.BrokerConfigs)
		if value == nil {
			delete(d.next.BrokerConfigs, key.Broker)
		} else {
			d.next.BrokerConfigs[key.Broker] = value.Configs
		}
	case value == nil:
		return fmt.Errorf("record %d removes %s", r.Offset, r.Key)
	case key.Type == clusterType:
		d.next.ClusterID = value.ID
	case key.Type == bootType:
		d.next.Boot = value.Epoch
	case key.Type == producerIDsType:
		d.next.NextProducerID = value.Next
	default:
		return fmt.Errorf("record %d has the unknown key %s", r.Offset, r.Key)
	}
	return nil
}

func (d *draft) applyTopic(name string, value *recordValue) error {
	if !d.copied {
		d.next.Topics, d.next.TopicIDs, d.copied = maps.Clone(d.next.Topics), maps.Clone(d.next.TopicIDs), true
	}
	if old := d.next.Topics[name]; old != nil {
		delete(d.next.TopicIDs, old.ID)
		delete(d.next.Topics, name)
	}
	if value == nil {
		return nil
	}
	id, ok := parseTopicID(value.ID)
	if !ok {
		return fmt.Errorf("topic %q has the id %q, which is none", name, value.ID)
	}
	t := &store.Topic{Name: name, ID: id, Partitions: value.Partitions, Configs: value.Configs}
	d.next.Topics[name], d.next.TopicIDs[id] = t, t
	return nil
}

// image ends the draft.
func (d *draft) image() *store.Image {
	var add, remove []acl.Binding
	for b, added := range d.bindings {
		if added {
			add = append(add, b)
		} else {
			remove = append(remove, b)
		}
	}
	if len(d.bindings) > 0 {
		d.next.ACLs = d.next.ACLs.With(add, remove)
	}
	return &d.next
}

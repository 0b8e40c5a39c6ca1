package broker

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/store"
)

// DynamicOf are the settings of a broker that the metadata holds.
func DynamicOf(image *store.Image, node kafka.NodeID) config.Dynamic {
	return config.Dynamic{Own: image.BrokerConfigs[strconv.Itoa(int(node))], All: image.BrokerConfigs[""]}
}

// errNoLoggers answers for the levels of Kafka's loggers: they name Java classes.
var errNoLoggers = &faultError{kafka.ErrInvalidRequest, "this broker writes one log of one level; there are no loggers to describe or change"}

// configEdit makes new settings of those that a resource has. lookup finds a
// setting by name.
type configEdit func(old map[string]string, lookup func(string) (config.Setting, bool)) (map[string]string, error)

// authorizeAlter says whether the caller may change the settings of a resource.
func (c *call) authorizeAlter(kind kmsg.ConfigResourceType, name string) error {
	if kind == kmsg.ConfigResourceTypeTopic {
		if !c.allowed(kafka.AlterConfigs, kafka.Topic, name) {
			return kafka.ErrTopicAuthorizationFailed
		}
		return nil
	}
	if !c.allowedCluster(kafka.AlterConfigs) {
		return kafka.ErrClusterAuthorizationFailed
	}
	return nil
}

// alter changes the settings of one resource, in one commit. dry does
// everything but the deed.
func (b *Broker) alter(c *call, kind kmsg.ConfigResourceType, name string, edit configEdit, dry bool) error {
	b.changing.Lock()
	defer b.changing.Unlock()
	switch kind {
	case kmsg.ConfigResourceTypeTopic:
		return b.alterTopic(c, name, edit, dry)
	case kmsg.ConfigResourceTypeBroker:
		return b.alterBroker(c, name, edit, dry)
	case kmsg.ConfigResourceTypeBrokerLogger:
		return errNoLoggers
	}
	return &faultError{kafka.ErrInvalidRequest, fmt.Sprintf("there are no settings of resource type %d", kind)}
}

func (b *Broker) alterTopic(c *call, name string, edit configEdit, dry bool) error {
	if name == "" {
		return &faultError{kafka.ErrInvalidRequest, "topics have no common settings; set them on brokers"}
	}
	if err := kafka.CheckTopicName(name); err != nil {
		return &faultError{kafka.ErrInvalidTopicException, err.Error()}
	}
	old, ok := b.meta.Image().Topics[name]
	if !ok {
		return kafka.ErrUnknownTopicOrPartition
	}
	next := *old
	var err error
	if next.Configs, err = edit(old.Configs, config.Topic.Lookup); err != nil {
		return err
	}
	if err := checkLengths(next.Configs); err != nil {
		return err
	}
	if err := config.CheckTopic(next.Configs); err != nil {
		return err
	}
	if kafka.Internal(name) && next.Configs["cleanup.policy"] != "compact" {
		return &faultError{kafka.ErrInvalidConfig, "the broker's own state must stay: cleanup.policy of this topic is compact"}
	}
	if dry || maps.Equal(next.Configs, old.Configs) {
		return nil
	}
	if err := b.meta.Commit(store.PutTopic{Topic: next}); err != nil {
		b.log.Error("change settings of topic", "topic", name, "error", err)
		return err
	}
	b.reconfigure(&next)
	b.log.Info("settings of topic changed", "topic", name, "changed", changed(old.Configs, next.Configs), "by", c.peer.Name)
	return nil
}

// alterBroker changes the settings of this broker, or of all for "".
func (b *Broker) alterBroker(c *call, name string, edit configEdit, dry bool) error {
	own := name != ""
	if id, err := strconv.ParseInt(name, 10, 32); own && (err != nil || kafka.NodeID(id) != b.node || strconv.FormatInt(id, 10) != name) {
		return &faultError{kafka.ErrInvalidRequest, fmt.Sprintf("broker %q is not the one asked, %d", name, b.node)}
	}
	image := b.meta.Image()
	old := image.BrokerConfigs[name]
	next, err := edit(old, b.values.Load().LookupDynamic)
	if err != nil {
		return err
	}
	if err := checkLengths(next); err != nil {
		return err
	}
	if err := b.values.Load().CheckDynamic(next, own); err != nil {
		return &faultError{kafka.ErrInvalidRequest, err.Error()}
	}
	dynamic := DynamicOf(image, b.node)
	if own {
		dynamic.Own = next
	} else {
		dynamic.All = next
	}
	values := b.values.Load().With(dynamic)
	apply := func() {}
	if b.outside != nil {
		if apply, err = b.outside(values); err != nil {
			return &faultError{kafka.ErrInvalidRequest, err.Error()}
		}
	}
	if dry || maps.Equal(next, old) {
		return nil
	}
	if err := b.meta.Commit(store.PutBrokerConfigs{Broker: name, Configs: next}); err != nil {
		b.log.Error("change settings of broker", "broker", name, "error", err)
		return err
	}
	b.values.Store(values)
	apply()
	b.reconfigureAll()
	b.log.Info("settings of broker changed", "broker", name, "changed", changed(old, next), "by", c.peer.Name)
	return nil
}

// longestValue bounds a setting's value in bytes (Kafka: Short.MAX_VALUE in
// ConfigurationControlManager).
const longestValue = 32767

func checkLengths(configs map[string]string) error {
	for name, text := range configs {
		if len(text) > longestValue {
			return &faultError{kafka.ErrInvalidConfig, fmt.Sprintf("the value of setting %s is %d bytes long, %d are allowed", name, len(text), longestValue)}
		}
	}
	return nil
}

// changed are the names of settings that differ. Their values may be secret.
func changed(old, next map[string]string) []string {
	var names []string
	for name, text := range next {
		if before, ok := old[name]; !ok || before != text {
			names = append(names, name)
		}
	}
	for name := range old {
		if _, ok := next[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// reconfigure makes the settings of a topic take effect, if it is open.
func (b *Broker) reconfigure(meta *store.Topic) {
	t := b.topics.named(meta.Name)
	if t == nil {
		return
	}
	set, logConfig := b.topicConfig(meta)
	t.settings.Store(&set)
	for _, r := range t.replicas() {
		if r.log != nil {
			r.log.Configure(logConfig)
		}
	}
}

// reconfigureAll does so for all that takes a setting from the broker.
func (b *Broker) reconfigureAll() {
	expiration := b.values.Load().Duration("producer.id.expiration.ms")
	for _, meta := range b.meta.Image().Topics {
		b.reconfigure(meta)
		for _, r := range b.topics.named(meta.Name).replicas() {
			r.mu.Lock()
			r.producers.SetExpiration(expiration)
			r.mu.Unlock()
		}
	}
}

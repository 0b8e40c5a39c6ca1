package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/kafka/config"
)

// ConfigType is the kind of a resource that has settings, with its code on the
// wire (Kafka: ConfigResource.Type).
type ConfigType int8

// The kinds of resources.
const (
	TopicConfigs         ConfigType = 2
	BrokerConfigs        ConfigType = 4
	BrokerLoggers        ConfigType = 8
	ClientMetricsConfigs ConfigType = 16
	GroupConfigs         ConfigType = 32
)

// ConfigResource is one thing with settings. A broker is named by its id; ""
// stands for what is common to all brokers.
type ConfigResource struct {
	Type ConfigType
	Name string
}

// String names the resource as errors do.
func (r ConfigResource) String() string {
	kind := map[ConfigType]string{TopicConfigs: "topic", BrokerConfigs: "broker", BrokerLoggers: "the loggers of broker",
		ClientMetricsConfigs: "client metrics", GroupConfigs: "group"}[r.Type]
	if r.Type == BrokerConfigs && r.Name == "" {
		return "all brokers"
	}
	return kind
}

// Source is where the resource's own settings say that they come from.
func (r ConfigResource) Source() config.Source {
	switch {
	case r.Type == BrokerConfigs && r.Name == "":
		return config.DynamicDefaultBrokerConfig
	case r.Type == BrokerConfigs:
		return config.DynamicBrokerConfig
	case r.Type == BrokerLoggers:
		return config.DynamicBrokerLoggerConfig
	case r.Type == ClientMetricsConfigs:
		return config.DynamicClientMetricsConfig
	case r.Type == GroupConfigs:
		return config.DynamicGroupConfig
	}
	return config.DynamicTopicConfig
}

// guard is what Kafka's access rules call the resource.
func (r ConfigResource) guard() (kafka.ResourceType, string) {
	switch r.Type {
	case TopicConfigs:
		return kafka.Topic, r.Name
	case GroupConfigs:
		return kafka.Group, r.Name
	}
	return kafka.Cluster, kafka.ClusterName
}

// err is the error for a code that the broker answered about the resource.
func (r ConfigResource) err(doing string, op kafka.Operation, code int16, message *string) error {
	t, name := r.guard()
	err := deed{doing + " " + r.String(), op, t}.err(code, message, r.Name)
	if denied := (*DeniedError)(nil); errors.As(err, &denied) && t == kafka.Cluster {
		denied.Name = name
	}
	return err
}

// ConfigAnswer are the settings of one resource, ordered by name. Err is what
// the broker said instead.
type ConfigAnswer struct {
	ConfigResource
	Configs []config.Described
	Err     error
}

// DescribeConfigs describes all settings of the resources, with where they
// come from; the answers are in the order asked.
func (a *Admin) DescribeConfigs(ctx context.Context, resources ...ConfigResource) ([]ConfigAnswer, error) {
	if len(resources) == 0 {
		return nil, nil
	}
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.IncludeSynonyms = true
	for _, r := range resources {
		one := kmsg.NewDescribeConfigsRequestResource()
		one.ResourceType, one.ResourceName = kmsg.ConfigResourceType(r.Type), r.Name
		req.Resources = append(req.Resources, one)
	}
	resp, err := ask[*kmsg.DescribeConfigsResponse](ctx, a.to, req)
	if err != nil {
		return nil, err
	}
	answered := make(map[ConfigResource]ConfigAnswer, len(resources))
	for i := range resp.Resources {
		answer := configAnswer(&resp.Resources[i])
		answered[answer.ConfigResource] = answer
	}
	answers := make([]ConfigAnswer, 0, len(resources))
	for _, r := range resources {
		answer, ok := answered[r]
		if !ok {
			return nil, errAnswers("DescribeConfigs", len(resp.Resources), len(resources))
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

func configAnswer(r *kmsg.DescribeConfigsResponseResource) ConfigAnswer {
	answer := ConfigAnswer{ConfigResource: ConfigResource{ConfigType(r.ResourceType), r.ResourceName}}
	answer.Err = answer.err("describe the configs of", kafka.DescribeConfigs, r.ErrorCode, r.ErrorMessage)
	for _, c := range r.Configs {
		e := config.Described{Name: c.Name, Value: c.Value, Source: config.Source(c.Source), Sensitive: c.IsSensitive, ReadOnly: c.ReadOnly}
		for _, s := range c.ConfigSynonyms {
			e.Synonyms = append(e.Synonyms, config.Synonym{Name: s.Name, Value: s.Value, Source: config.Source(s.Source)})
		}
		answer.Configs = append(answer.Configs, e)
	}
	sortBy(answer.Configs, func(e config.Described) string { return e.Name })
	return answer
}

// ConfigNames lists the resources of a type that have settings of their own,
// ordered by name (KIP-1142). Before Kafka 4.1 it can be asked for client
// metrics alone.
func (a *Admin) ConfigNames(ctx context.Context, t ConfigType) ([]string, error) {
	req := kmsg.NewPtrListConfigResourcesRequest()
	req.ResourceTypes = []int8{int8(t)}
	resp, err := ask[*kmsg.ListConfigResourcesResponse](ctx, a.to, req)
	if err != nil {
		return nil, err
	}
	if resp.Version < 1 && t != ClientMetricsConfigs {
		return nil, &VersionError{API: kafka.APIName(req.Key()), Max: resp.Version, OurMin: 1, OurMax: req.MaxVersion()}
	}
	if err := (deed{"list what has configs", kafka.DescribeConfigs, kafka.Cluster}).err(resp.ErrorCode, nil, ""); err != nil {
		return nil, err
	}
	var names []string
	for _, r := range resp.ConfigResources {
		names = append(names, r.Name)
	}
	slices.Sort(names)
	return names, nil
}

// TopicConfigs describes all settings of one topic, ordered by name. Kind and
// Doc stay empty.
func (a *Admin) TopicConfigs(ctx context.Context, topic string) ([]config.Described, error) {
	answers, err := a.DescribeConfigs(ctx, ConfigResource{TopicConfigs, topic})
	if err != nil {
		return nil, err
	}
	return answers[0].Configs, answers[0].Err
}

// ConfigOp is what is done to a setting (Kafka: AlterConfigOp.OpType).
type ConfigOp int8

// The operations. Append and Subtract are for settings that are lists.
const (
	SetConfig ConfigOp = iota
	DeleteConfig
	AppendConfig
	SubtractConfig
)

// ConfigChange is one change of one setting; DeleteConfig needs no value.
type ConfigChange struct {
	Name, Value string
	Op          ConfigOp
}

// AlterConfigs changes some settings of one resource and leaves the others.
func (a *Admin) AlterConfigs(ctx context.Context, r ConfigResource, changes []ConfigChange, validateOnly bool) error {
	one := kmsg.NewIncrementalAlterConfigsRequestResource()
	one.ResourceType, one.ResourceName = kmsg.ConfigResourceType(r.Type), r.Name
	for _, change := range changes {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Op = change.Name, kmsg.IncrementalAlterConfigOp(change.Op)
		if change.Op != DeleteConfig {
			c.Value = kmsg.StringPtr(change.Value)
		}
		one.Configs = append(one.Configs, c)
	}
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.Resources = append(req.Resources, one)
	req.ValidateOnly = validateOnly
	resp, err := ask[*kmsg.IncrementalAlterConfigsResponse](ctx, a.to, req)
	if err != nil {
		if old := (*VersionError)(nil); errors.As(err, &old) && r.Type != BrokerLoggers {
			return a.replaceConfigs(ctx, r, changes, validateOnly)
		}
		return fmt.Errorf("alter the configs of %s %q: %w", r, r.Name, err) // kgo's "unknown broker" names none
	}
	if len(resp.Resources) != 1 {
		return errAnswers("IncrementalAlterConfigs", len(resp.Resources), 1)
	}
	return r.err("alter the configs of", kafka.AlterConfigs, resp.Resources[0].ErrorCode, resp.Resources[0].ErrorMessage)
}

// replaceConfigs changes settings at a broker before Kafka 2.3, which only
// takes all of them at once.
func (a *Admin) replaceConfigs(ctx context.Context, r ConfigResource, changes []ConfigChange, validateOnly bool) error {
	answers, err := a.DescribeConfigs(ctx, r)
	if err != nil {
		return err
	}
	if answers[0].Err != nil {
		return answers[0].Err
	}
	values, err := changed(r, answers[0].Configs, changes)
	if err != nil {
		return err
	}
	one := kmsg.NewAlterConfigsRequestResource()
	one.ResourceType, one.ResourceName = kmsg.ConfigResourceType(r.Type), r.Name
	for _, name := range sortedKeys(values) {
		c := kmsg.NewAlterConfigsRequestResourceConfig()
		c.Name, c.Value = name, kmsg.StringPtr(values[name])
		one.Configs = append(one.Configs, c)
	}
	req := kmsg.NewPtrAlterConfigsRequest()
	req.Resources = append(req.Resources, one)
	req.ValidateOnly = validateOnly
	resp, err := ask[*kmsg.AlterConfigsResponse](ctx, a.to, req)
	if err != nil {
		return err
	}
	if len(resp.Resources) != 1 {
		return errAnswers("AlterConfigs", len(resp.Resources), 1)
	}
	return r.err("alter the configs of", kafka.AlterConfigs, resp.Resources[0].ErrorCode, resp.Resources[0].ErrorMessage)
}

// changed are the settings of the resource itself after the changes. What is
// sensitive is told to nobody, so it cannot be sent again.
func changed(r ConfigResource, now []config.Described, changes []ConfigChange) (map[string]string, error) {
	values := map[string]string{}
	touched := map[string]bool{}
	for _, change := range changes {
		touched[change.Name] = true
	}
	for _, c := range now {
		if c.Source != r.Source() {
			continue
		}
		if c.Value == nil && !touched[c.Name] {
			return nil, fmt.Errorf("alter the configs of %s %q: this broker takes all settings at once and does not tell the value of %s: give it too", r, r.Name, c.Name)
		}
		if c.Value != nil {
			values[c.Name] = *c.Value
		}
	}
	for _, change := range changes {
		switch change.Op {
		case SetConfig:
			values[change.Name] = change.Value
		case DeleteConfig:
			delete(values, change.Name)
		default:
			return nil, fmt.Errorf("alter the configs of %s %q: this broker cannot append to or subtract from %s: set it whole", r, r.Name, change.Name)
		}
	}
	return values, nil
}

func sortBy[T any, K cmp.Ordered](s []T, key func(T) K) {
	slices.SortStableFunc(s, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

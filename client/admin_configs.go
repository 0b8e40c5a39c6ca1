package client

import (
	"cmp"
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/kafka/config"
)

// TopicConfigs describes all settings of one topic, ordered by name. Kind and
// Doc stay empty.
func (a *Admin) TopicConfigs(ctx context.Context, topic string) ([]config.Described, error) {
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType = kmsg.ConfigResourceTypeTopic
	resource.ResourceName = topic
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.Resources = append(req.Resources, resource)
	req.IncludeSynonyms = true
	resp, err := ask[*kmsg.DescribeConfigsResponse](ctx, a.to, req)
	if err != nil {
		return nil, err
	}
	if len(resp.Resources) != 1 {
		return nil, errAnswers("DescribeConfigs", len(resp.Resources), 1)
	}
	r := resp.Resources[0]
	if err := (deed{"describe the configs of topic", kafka.DescribeConfigs, kafka.Topic}).err(r.ErrorCode, r.ErrorMessage, topic); err != nil {
		return nil, err
	}
	entries := make([]config.Described, 0, len(r.Configs))
	for _, c := range r.Configs {
		e := config.Described{Name: c.Name, Value: c.Value, Source: config.Source(c.Source), Sensitive: c.IsSensitive, ReadOnly: c.ReadOnly}
		for _, s := range c.ConfigSynonyms {
			e.Synonyms = append(e.Synonyms, config.Synonym{Name: s.Name, Value: s.Value, Source: config.Source(s.Source)})
		}
		entries = append(entries, e)
	}
	sortBy(entries, func(e config.Described) string { return e.Name })
	return entries, nil
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

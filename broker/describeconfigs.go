package broker

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/kafka/config"
)

// DescribeConfigs shows the settings of topics and of this broker.
//
// Behavior: DESCRIBE_CONFIGS on the topic, or on the cluster for a broker,
// before anything is looked up. Every setting is shown with its source;
// passwords never.
//
// Versions: 1 brought synonyms, 3 types and documentation.
func describeConfigs(b *Broker, c *call, req *kmsg.DescribeConfigsRequest) kmsg.Response {
	resp := kmsg.NewPtrDescribeConfigsResponse()
	key := func(r *kmsg.DescribeConfigsRequestResource) configResource {
		return configResource{r.ResourceType, r.ResourceName}
	}
	for _, in := range distinct(req.Resources, key) {
		out := kmsg.NewDescribeConfigsResponseResource()
		out.ResourceType, out.ResourceName = in.ResourceType, in.ResourceName
		described, err := b.describe(c, in)
		if err != nil {
			out.ErrorCode, out.ErrorMessage = int16(codeOf(err)), messageOf(err)
		}
		for _, d := range described {
			if len(in.ConfigNames) == 0 || slices.Contains(in.ConfigNames, d.Name) {
				out.Configs = append(out.Configs, configOf(d, req))
			}
		}
		resp.Resources = append(resp.Resources, out)
	}
	return resp
}

func (b *Broker) describe(c *call, in kmsg.DescribeConfigsRequestResource) ([]config.Described, error) {
	switch in.ResourceType {
	case kmsg.ConfigResourceTypeTopic:
		if !c.allowed(kafka.DescribeConfigs, kafka.Topic, in.ResourceName) {
			return nil, kafka.ErrTopicAuthorizationFailed
		}
		if err := kafka.CheckTopicName(in.ResourceName); err != nil {
			return nil, &faultError{kafka.ErrInvalidTopicException, err.Error()}
		}
		t, ok := c.image.Topics[in.ResourceName]
		if !ok {
			return nil, kafka.ErrUnknownTopicOrPartition
		}
		return config.DescribeTopic(b.values.Load(), t.Configs), nil
	case kmsg.ConfigResourceTypeBroker:
		if !c.allowedCluster(kafka.DescribeConfigs) {
			return nil, kafka.ErrClusterAuthorizationFailed
		}
		switch in.ResourceName {
		case "":
			return config.DescribeDefaults(b.values.Load()), nil
		case strconv.Itoa(int(b.node)):
			return config.DescribeServer(b.values.Load()), nil
		}
		return nil, &faultError{kafka.ErrInvalidRequest, fmt.Sprintf("broker %q is not the one asked, %d", in.ResourceName, b.node)}
	case kmsg.ConfigResourceTypeBrokerLogger:
		if !c.allowedCluster(kafka.DescribeConfigs) {
			return nil, kafka.ErrClusterAuthorizationFailed
		}
		return nil, errNoLoggers
	default:
		// Who may see no settings of the cluster does not learn what there is.
		if !c.allowedCluster(kafka.DescribeConfigs) {
			return nil, kafka.ErrClusterAuthorizationFailed
		}
		return nil, &faultError{kafka.ErrInvalidRequest, fmt.Sprintf("there are no settings of resource type %d", in.ResourceType)}
	}
}

func configOf(d config.Described, req *kmsg.DescribeConfigsRequest) kmsg.DescribeConfigsResponseResourceConfig {
	out := kmsg.NewDescribeConfigsResponseResourceConfig()
	out.Name, out.Value, out.ReadOnly, out.IsSensitive = d.Name, d.Value, d.ReadOnly, d.Sensitive
	out.Source, out.ConfigType = kmsg.ConfigSource(d.Source), kmsg.ConfigType(d.Kind)
	if req.IncludeSynonyms {
		for _, s := range d.Synonyms {
			synonym := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
			synonym.Name, synonym.Value, synonym.Source = s.Name, s.Value, kmsg.ConfigSource(s.Source)
			out.ConfigSynonyms = append(out.ConfigSynonyms, synonym)
		}
	}
	if req.IncludeDocumentation {
		out.Documentation = &d.Doc
	}
	return out
}

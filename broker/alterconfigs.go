package broker

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/kafka/config"
)

// AlterConfigs replaces all settings of topics and of brokers. Newer clients
// ask for IncrementalAlterConfigs.
//
// Behavior: ALTER_CONFIGS on the topic, or on the cluster for a broker, before
// anything is looked up. A resource or a setting that is named twice is refused.
// Each resource is judged alone, and changes whole or not at all.
func alterConfigs(b *Broker, c *call, req *kmsg.AlterConfigsRequest) kmsg.Response {
	resp := kmsg.NewPtrAlterConfigsResponse()
	key := func(r *kmsg.AlterConfigsRequestResource) configResource {
		return configResource{r.ResourceType, r.ResourceName}
	}
	twice := repeated(req.Resources, key)
	for _, in := range distinct(req.Resources, key) {
		out := kmsg.NewAlterConfigsResponseResource()
		out.ResourceType, out.ResourceName = in.ResourceType, in.ResourceName
		err := c.authorizeAlter(in.ResourceType, in.ResourceName)
		switch {
		case err != nil:
		case twice[key(&in)]:
			err = errResourceTwice
		case in.ResourceType == kmsg.ConfigResourceTypeBrokerLogger:
			err = &faultError{kafka.ErrInvalidRequest, "levels of loggers cannot be replaced"}
		default:
			err = b.alter(c, in.ResourceType, in.ResourceName, replaceConfigs(in.Configs), req.ValidateOnly)
		}
		out.ErrorCode, out.ErrorMessage = int16(codeOf(err)), messageOf(err)
		resp.Resources = append(resp.Resources, out)
	}
	return resp
}

// configResource names what has settings.
type configResource struct {
	kind kmsg.ConfigResourceType
	name string
}

var errResourceTwice = &faultError{kafka.ErrInvalidRequest, "the request names this resource more than once"}

// repeated are the keys that a list has more than once.
func repeated[E any, K comparable](list []E, key func(*E) K) map[K]bool {
	seen := make(map[K]bool, len(list))
	for i := range list {
		k := key(&list[i])
		_, again := seen[k]
		seen[k] = again
	}
	return seen
}

// replaceConfigs makes settings of what a request names, whatever was there.
func replaceConfigs(in []kmsg.AlterConfigsRequestResourceConfig) configEdit {
	return func(map[string]string, func(string) (config.Setting, bool)) (map[string]string, error) {
		next := make(map[string]string, len(in))
		for _, cfg := range in {
			if _, again := next[cfg.Name]; again {
				return nil, settingTwice(cfg.Name)
			}
			if cfg.Value == nil {
				return nil, noValue(cfg.Name)
			}
			next[cfg.Name] = *cfg.Value
		}
		return next, nil
	}
}

func settingTwice(name string) error {
	return &faultError{kafka.ErrInvalidRequest, fmt.Sprintf("the request names setting %s more than once", name)}
}

func noValue(name string) error {
	return &faultError{kafka.ErrInvalidRequest, fmt.Sprintf("setting %s has no value", name)}
}

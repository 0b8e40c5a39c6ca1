package broker

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/kafka/config"
)

// IncrementalAlterConfigs changes single settings of topics and of brokers
// (KIP-339).
//
// Behavior: as AlterConfigs, but what is not named stays. Items are appended to
// lists and taken out of them; a setting that is not there yet begins with what
// is in force by default.
func incrementalAlterConfigs(b *Broker, c *call, req *kmsg.IncrementalAlterConfigsRequest) kmsg.Response {
	resp := kmsg.NewPtrIncrementalAlterConfigsResponse()
	key := func(r *kmsg.IncrementalAlterConfigsRequestResource) configResource {
		return configResource{r.ResourceType, r.ResourceName}
	}
	twice := repeated(req.Resources, key)
	for _, in := range distinct(req.Resources, key) {
		out := kmsg.NewIncrementalAlterConfigsResponseResource()
		out.ResourceType, out.ResourceName = in.ResourceType, in.ResourceName
		err := c.authorizeAlter(in.ResourceType, in.ResourceName)
		switch {
		case err != nil:
		case twice[key(&in)]:
			err = errResourceTwice
		default:
			err = b.alter(c, in.ResourceType, in.ResourceName, b.changeConfigs(in.Configs), req.ValidateOnly)
		}
		out.ErrorCode, out.ErrorMessage = int16(codeOf(err)), messageOf(err)
		resp.Resources = append(resp.Resources, out)
	}
	return resp
}

// changeConfigs changes the settings that a request names.
func (b *Broker) changeConfigs(in []kmsg.IncrementalAlterConfigsRequestResourceConfig) configEdit {
	return func(old map[string]string, lookup func(string) (config.Setting, bool)) (map[string]string, error) {
		next, named := maps.Clone(old), make(map[string]bool, len(in))
		if next == nil {
			next = make(map[string]string, len(in))
		}
		for _, cfg := range in {
			if named[cfg.Name] {
				return nil, settingTwice(cfg.Name)
			}
			named[cfg.Name] = true
			if cfg.Op == kmsg.IncrementalAlterConfigOpDelete {
				delete(next, cfg.Name)
				continue
			}
			if cfg.Value == nil {
				return nil, noValue(cfg.Name)
			}
			text, err := changeConfig(cfg, next, lookup)
			if err != nil {
				return nil, err
			}
			next[cfg.Name] = text
		}
		return next, nil
	}
}

func changeConfig(cfg kmsg.IncrementalAlterConfigsRequestResourceConfig, old map[string]string, lookup func(string) (config.Setting, bool)) (string, error) {
	if cfg.Op == kmsg.IncrementalAlterConfigOpSet {
		return *cfg.Value, nil
	}
	if cfg.Op != kmsg.IncrementalAlterConfigOpAppend && cfg.Op != kmsg.IncrementalAlterConfigOpSubtract {
		return "", &faultError{kafka.ErrInvalidRequest, fmt.Sprintf("setting %s cannot be changed in the way %d", cfg.Name, cfg.Op)}
	}
	s, ok := lookup(cfg.Name)
	if !ok || s.Kind != config.List {
		return "", &faultError{kafka.ErrInvalidConfig, fmt.Sprintf("setting %s is no list", cfg.Name)}
	}
	text, ok := old[cfg.Name]
	if !ok {
		text = s.Default
	}
	items := config.SplitList(text)
	for _, item := range config.SplitList(*cfg.Value) {
		if at := slices.Index(items, item); cfg.Op == kmsg.IncrementalAlterConfigOpAppend && at < 0 {
			items = append(items, item)
		} else if cfg.Op == kmsg.IncrementalAlterConfigOpSubtract && at >= 0 {
			items = slices.Delete(items, at, at+1)
		}
	}
	return strings.Join(items, ","), nil
}

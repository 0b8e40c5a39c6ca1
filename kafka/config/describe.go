package config

import (
	"slices"
	"strings"
)

// Source says where a described value comes from, with its code on the wire
// (Kafka: DescribeConfigsResponse.ConfigSource).
type Source int8

// The sources. The first five are in the order in which they win.
const (
	DynamicTopicConfig         Source = 1
	DynamicBrokerConfig        Source = 2
	DynamicDefaultBrokerConfig Source = 3
	StaticBrokerConfig         Source = 4
	DefaultConfig              Source = 5
	DynamicBrokerLoggerConfig  Source = 6
	DynamicClientMetricsConfig Source = 7
	DynamicGroupConfig         Source = 8
)

var sourceNames = []string{"UNKNOWN", "DYNAMIC_TOPIC_CONFIG", "DYNAMIC_BROKER_CONFIG", "DYNAMIC_DEFAULT_BROKER_CONFIG", "STATIC_BROKER_CONFIG",
	"DEFAULT_CONFIG", "DYNAMIC_BROKER_LOGGER_CONFIG", "DYNAMIC_CLIENT_METRICS_CONFIG", "DYNAMIC_GROUP_CONFIG"}

// String is the name that Kafka's tools print.
func (s Source) String() string {
	if s < 0 || int(s) >= len(sourceNames) {
		return sourceNames[0]
	}
	return sourceNames[s]
}

// Synonym is one place a value can come from.
type Synonym struct {
	Name   string
	Value  *string
	Source Source
}

// Described is one setting as DescribeConfigs answers it. Value is nil for
// null and for everything sensitive.
type Described struct {
	Name      string
	Value     *string
	Source    Source
	Kind      Kind
	Doc       string
	Sensitive bool
	ReadOnly  bool
	Synonyms  []Synonym // the one in force first, the default last
}

// DescribeTopic describes the settings of a topic, ordered by name. A value that
// the broker has in hours is told in the topic's milliseconds; its synonyms tell
// it as it was given.
func DescribeTopic(server *Values, own map[string]string) []Described {
	from := make(map[string][]string, len(topicTable))
	for _, s := range topicTable {
		from[s.Name] = s.from
	}
	effective := TopicValues(server, own)
	described := make([]Described, 0, len(topicTable))
	for _, s := range Topic.settings {
		d := describe(s, server.synonyms(from[s.Name], s.Default))
		if len(from[s.Name]) > 0 {
			d.Synonyms = since(d.Synonyms, from[s.Name][0])
		}
		text := effective.text(s.Name, s.Kind)
		d.Value = &text
		if _, ok := own[s.Name]; ok {
			d.Source = DynamicTopicConfig
			d.Synonyms = append([]Synonym{{s.Name, &text, DynamicTopicConfig}}, d.Synonyms...)
		}
		described = append(described, d)
	}
	return described
}

// since drops what stands before the first synonym of a name, as Kafka does:
// log.retention.hours is told behind log.retention.ms only.
func since(all []Synonym, name string) []Synonym {
	i := slices.IndexFunc(all, func(s Synonym) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return all[i:]
}

// DescribeServer describes the settings of a broker, ordered by name: those
// honoured, and those without effect that the file gives all the same.
func DescribeServer(server *Values) []Described {
	var described []Described
	for _, s := range Server.settings {
		if _, _, ok := server.find(s.Name); !ok && s.NoEffect != "" {
			continue
		}
		d := describe(s, since(server.synonyms(serverSynonyms(s.Name), ""), s.Name))
		d.ReadOnly = !isDynamic(s.Name)
		described = append(described, d)
	}
	for key := range server.set {
		if !isListenerKey(key) {
			continue
		}
		bare, _, _ := server.splitListenerKey(key)
		s, ok := Server.Lookup(bare)
		if !ok {
			continue
		}
		own := server.synonyms([]string{key}, "")
		s.Name, s.NoDefault = key, true
		d := describe(s, append(own, server.synonyms([]string{bare}, "")...))
		d.ReadOnly = !slices.Contains(dynamicOfListeners, bare)
		described = append(described, d)
	}
	slices.SortFunc(described, func(a, b Described) int { return strings.Compare(a.Name, b.Name) })
	return described
}

// DescribeDefaults describes what was set for every broker, ordered by name.
func DescribeDefaults(server *Values) []Described {
	var described []Described
	for name, text := range server.dynamic.All {
		bare, _, _ := server.splitListenerKey(name)
		s, _ := Server.Lookup(bare)
		s.Name = name
		described = append(described, describe(s, []Synonym{{name, &text, DynamicDefaultBrokerConfig}}))
	}
	slices.SortFunc(described, func(a, b Described) int { return strings.Compare(a.Name, b.Name) })
	return described
}

// serverSynonyms are the names under which a broker has one and the same
// setting, the one that wins first.
func serverSynonyms(name string) []string {
	for _, s := range topicTable {
		if len(s.from) > 1 && slices.Contains(s.from, name) {
			return s.from
		}
	}
	return []string{name}
}

// synonyms are all places that give a value to one of the names, the one in
// force first. fallback is the default where the broker's table has none.
func (v *Values) synonyms(names []string, fallback string) []Synonym {
	var all []Synonym
	for _, layer := range []struct {
		source Source
		get    func(name string) (string, bool)
	}{
		{DynamicBrokerConfig, func(name string) (string, bool) { text, ok := v.dynamic.Own[name]; return text, ok }},
		{DynamicDefaultBrokerConfig, func(name string) (string, bool) { text, ok := v.dynamic.All[name]; return text, ok }},
		{StaticBrokerConfig, func(name string) (string, bool) { g, ok := v.file()[name]; return g.text, ok }},
		{DefaultConfig, func(name string) (string, bool) { s, ok := Server.Lookup(name); return s.Default, ok && !s.NoDefault }},
	} {
		for _, name := range names {
			if text, ok := layer.get(name); ok {
				all = append(all, Synonym{name, &text, layer.source})
				if layer.source == DefaultConfig {
					break // of several names that all have one, as Kafka tells them
				}
			}
		}
	}
	if n := len(names); n > 0 && fallback != "" && (len(all) == 0 || all[len(all)-1].Source != DefaultConfig) {
		all = append(all, Synonym{names[n-1], &fallback, DefaultConfig})
	}
	return all
}

// describe describes a setting by all that gives it a value.
func describe(s Setting, all []Synonym) Described {
	d := Described{Name: s.Name, Source: DefaultConfig, Kind: s.Kind, Doc: s.Doc, Sensitive: s.Kind == Password, Synonyms: all}
	if s.NoEffect != "" {
		d.Doc = strings.TrimSpace(s.Doc + " Has no effect: " + s.NoEffect + ".")
	}
	if d.Sensitive {
		for i := range all {
			all[i].Value = nil
		}
	}
	if len(all) > 0 {
		d.Value, d.Source = all[0].Value, all[0].Source
	}
	return d
}

package config

import "strings"

// Source says where a described value comes from, with its code on the wire
// (Kafka: DescribeConfigsResponse.ConfigSource).
type Source int8

// The sources.
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

// DescribeTopic describes the settings of a topic, ordered by name.
func DescribeTopic(server *Values, own map[string]string) []Described {
	from := make(map[string][]string, len(topicTable))
	for _, s := range topicTable {
		from[s.Name] = s.from
	}
	described := make([]Described, 0, len(topicTable))
	for _, s := range Topic.settings {
		var synonyms []Synonym
		if text, ok := own[s.Name]; ok {
			text = trimJava(text)
			synonyms = append(synonyms, Synonym{s.Name, &text, DynamicTopicConfig})
		}
		defaultName := s.Name
		for _, name := range from[s.Name] {
			if _, g, ok := server.find(name); ok {
				text := inUnit(s.Name, name, g.text)
				synonyms = append(synonyms, Synonym{name, &text, StaticBrokerConfig})
			}
			defaultName = name
		}
		if !s.NoDefault {
			synonyms = append(synonyms, Synonym{defaultName, &s.Default, DefaultConfig})
		}
		described = append(described, describe(s, synonyms))
	}
	return described
}

// DescribeServer describes the settings of a broker, ordered by name: those
// honoured, and those without effect that the file gives all the same. None
// can be changed at run time.
func DescribeServer(server *Values) []Described {
	var described []Described
	for _, s := range Server.settings {
		var synonyms []Synonym
		if _, g, ok := server.find(s.Name); ok {
			synonyms = append(synonyms, Synonym{s.Name, &g.text, StaticBrokerConfig})
		} else if s.NoEffect != "" {
			continue
		}
		if !s.NoDefault {
			synonyms = append(synonyms, Synonym{s.Name, &s.Default, DefaultConfig})
		}
		d := describe(s, synonyms)
		d.ReadOnly = true
		described = append(described, d)
	}
	return described
}

func describe(s Setting, synonyms []Synonym) Described {
	d := Described{Name: s.Name, Source: DefaultConfig, Kind: s.Kind, Doc: s.Doc, Sensitive: s.Kind == Password, Synonyms: synonyms}
	if s.NoEffect != "" {
		d.Doc = strings.TrimSpace(s.Doc + " Has no effect: " + s.NoEffect + ".")
	}
	if d.Sensitive {
		for i := range synonyms {
			synonyms[i].Value = nil
		}
	}
	if len(synonyms) > 0 {
		d.Value, d.Source = synonyms[0].Value, synonyms[0].Source
	}
	return d
}

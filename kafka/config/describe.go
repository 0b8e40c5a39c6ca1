package config

// Source says where a described value comes from, with its code on the wire
// (Kafka: DescribeConfigsResponse.ConfigSource).
type Source int8

// The sources.
const (
	DynamicTopicConfig  Source = 1
	DynamicBrokerConfig Source = 2
	StaticBrokerConfig  Source = 4
	DefaultConfig       Source = 5
)

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
	Synonyms  []Synonym // the first is the one in force
}

// DescribeTopic describes the settings of a topic, ordered by name.
func DescribeTopic(server *Values, own map[string]string) []Described { return nil }

// DescribeServer describes the settings of a broker, ordered by name.
func DescribeServer(server *Values) []Described { return nil }

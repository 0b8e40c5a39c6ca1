package config

import (
	"slices"
	"strings"
)

// Kind is the type of a setting's value, with the code that DescribeConfigs
// uses for it (Kafka: DescribeConfigsResponse.ConfigType).
type Kind int8

// The kinds.
const (
	Boolean  Kind = 1
	String   Kind = 2
	Int      Kind = 3
	Short    Kind = 4
	Long     Kind = 5
	Double   Kind = 6
	List     Kind = 7
	Class    Kind = 8
	Password Kind = 9
)

// Setting is one configuration key.
type Setting struct {
	Name      string
	Kind      Kind
	Default   string
	NoDefault bool               // null until it is set
	Check     func(string) error // of the trimmed value, after its kind; its error completes "want ..."
	Doc       string
	NoEffect  string // why it changes nothing here; empty when it is honoured
}

// check is nil when the trimmed text is a value the setting can have.
func (s Setting) check(text string) error {
	if err := checkKind(s.Kind, text); err != nil {
		return err
	}
	if s.Check == nil {
		return nil
	}
	return s.Check(text)
}

// Table is a set of settings that belong together.
type Table struct {
	title    string    // whose settings, as a plural or with its article
	settings []Setting // by name
	index    map[string]int
}

// The tables. Server is server.properties. Consumer, Producer and Admin share
// the settings of every client. Topic holds the settings of a topic.
var (
	Server   = newTable("the broker", serverSettings, sslSettings, serverSSLSettings, unused(sslUnused), unused(saslUnused), unused(serverUnused))
	Consumer = newTable("consumers", clientSettings, sslSettings, clientSSLSettings, consumerSettings, unused(sslUnused), unused(saslUnused), unused(clientUnused), unused(consumerUnused))
	Producer = newTable("producers", clientSettings, sslSettings, clientSSLSettings, producerSettings, unused(sslUnused), unused(saslUnused), unused(clientUnused), unused(producerUnused))
	Admin    = newTable("admin clients", clientSettings, sslSettings, clientSSLSettings, adminSettings, unused(sslUnused), unused(saslUnused), unused(clientUnused), unused(adminUnused))
	Topic    = newTable("topics", topicSettings())
)

func newTable(title string, groups ...[]Setting) *Table {
	t := &Table{title: title, settings: slices.Concat(groups...)}
	slices.SortFunc(t.settings, func(a, b Setting) int { return strings.Compare(a.Name, b.Name) })
	t.index = make(map[string]int, len(t.settings))
	for i, s := range t.settings {
		t.index[s.Name] = i
	}
	return t
}

// unusedGroup are settings of Kafka's that change nothing here for one
// reason. Their values are checked as far as their kind goes.
type unusedGroup struct {
	reason string
	kind   Kind
	names  string // separated by white space
}

func unused(groups []unusedGroup) []Setting {
	var settings []Setting
	for _, g := range groups {
		for name := range strings.FieldsSeq(g.names) {
			settings = append(settings, Setting{Name: name, Kind: g.kind, NoDefault: true, NoEffect: g.reason})
		}
	}
	return settings
}

// Lookup finds a setting by name.
func (t *Table) Lookup(name string) (Setting, bool) {
	i, ok := t.index[name]
	if !ok {
		return Setting{}, false
	}
	return t.settings[i], true
}

// Settings are all settings, ordered by name. The slice is the caller's.
func (t *Table) Settings() []Setting { return slices.Clone(t.settings) }

func (t *Table) names() []string {
	names := make([]string, len(t.settings))
	for i, s := range t.settings {
		names[i] = s.Name
	}
	return names
}

// tables is a function, not a variable, because the checks that the tables
// hold must not depend on the tables' own initialisation.
func tables() []*Table { return []*Table{Server, Consumer, Producer, Admin, Topic} }

func knownAnywhere(name string) bool { return otherTable(nil, name) != "" }

// otherTable is the title of a table, other than t, that knows the name.
func otherTable(t *Table, name string) string {
	for _, other := range tables() {
		if _, ok := other.index[name]; ok && other != t {
			return other.title
		}
	}
	return ""
}

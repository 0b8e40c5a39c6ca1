package config

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
	Check     func(string) error // of the trimmed value; nil: the kind is all there is to check
	Doc       string
	NoEffect  string // why it changes nothing here; empty when it is honoured
}

// Table is a set of settings that belong together.
type Table struct {
	title    string
	settings []Setting
	index    map[string]int
}

// The tables. Server is server.properties. Consumer, Producer and Admin share
// the settings of every client. Topic holds the settings of a topic.
var (
	Server   = newTable("broker", nil)
	Consumer = newTable("consumer", nil)
	Producer = newTable("producer", nil)
	Admin    = newTable("admin client", nil)
	Topic    = newTable("topic", nil)
)

func newTable(title string, settings []Setting) *Table { return &Table{title: title} }

// Read checks the entries against the table and fills in the defaults.
func (t *Table) Read(p *Properties) (*Values, []Notice, error) { return nil, nil, nil }

// Lookup finds a setting by name.
func (t *Table) Lookup(name string) (Setting, bool) { return Setting{}, false }

// Settings are all settings, ordered by name. The slice is the caller's.
func (t *Table) Settings() []Setting { return nil }

// Nearest is the word among those given that a slip would most likely have
// meant, if one is near enough.
func Nearest(word string, among []string) (string, bool) { return "", false }

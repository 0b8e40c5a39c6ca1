package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Values are the checked settings of one file. Asking for a name that the
// table does not have, or for a kind that it is not, is a mistake in the
// program and panics.
type Values struct {
	table    *Table
	source   string
	set      map[string]given // trimmed texts by name; keys of listeners with their prefix
	prefixes []string         // looked at before the bare name, last first

	static  map[string]given // what the file gave; nil: set is all from there
	dynamic Dynamic          // of a broker
}

type given struct {
	text string
	line int
}

// String is the value of a String, Class or List setting; "" when null.
func (v *Values) String(name string) string { return v.text(name, String, Class, List) }

// Int is the value of an Int or Short setting; 0 when null.
func (v *Values) Int(name string) int { return int(v.number(name, Int, Short)) }

// Int64 is the value of a Long, Int or Short setting; 0 when null.
func (v *Values) Int64(name string) int64 { return v.number(name, Long, Int, Short) }

// Float is the value of a Double setting; 0 when null.
func (v *Values) Float(name string) float64 {
	f, _ := strconv.ParseFloat(v.text(name, Double), 64) // checked by Read; null is 0
	return f
}

// Bool is the value of a Boolean setting.
func (v *Values) Bool(name string) bool { return strings.EqualFold(v.text(name, Boolean), "true") }

// List are the comma-separated items of a List setting, trimmed.
func (v *Values) List(name string) []string { return SplitList(v.text(name, List)) }

// Duration is the value of an Int or Long setting in milliseconds, its unit
// where the name says no other (.seconds, .minutes, .hours). A negative value
// (no limit) stays negative; what time.Duration cannot hold becomes its
// longest.
func (v *Values) Duration(name string) time.Duration {
	n, unit := v.number(name, Long, Int, Short), unitOf(name)
	longest := time.Duration(1<<63 - 1)
	switch {
	case n > int64(longest/unit):
		return longest
	case n < 0:
		return -unit
	}
	return time.Duration(n) * unit
}

func unitOf(name string) time.Duration {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "hours":
		return time.Hour
	case "minutes":
		return time.Minute
	case "seconds":
		return time.Second
	}
	return time.Millisecond
}

// Secret is the value of a Password setting; "" when null.
func (v *Values) Secret(name string) Secret { return Secret(v.text(name, Password)) }

// IsSet says whether the file gave the setting.
func (v *Values) IsSet(name string) bool {
	v.setting(name)
	_, _, ok := v.find(name)
	return ok
}

// Source is the name of the file.
func (v *Values) Source() string { return v.source }

// Origin says where a setting was given, as "server.properties:12", or
// "default".
func (v *Values) Origin(name string) string {
	v.setting(name)
	_, g, ok := v.find(name)
	if !ok {
		return "default"
	}
	return place(v.source, g.line)
}

// Prefixed is the view of one listener: the settings given as prefix+name,
// such as listener.name.internal.ssl.keystore.location, lie over the others.
func (v *Values) Prefixed(prefix string) *Values {
	view := *v
	view.prefixes = append([]string{prefix}, v.prefixes...)
	return &view
}

// Invalid is the error for a value that is wrong in a way its table could not
// see, such as a file that is not there.
func (v *Values) Invalid(name, want string) *ValueError {
	s := v.setting(name)
	key, g, ok := v.find(name)
	if !ok {
		key = name
	}
	e := &ValueError{Source: v.source, Line: g.line, Key: key, Want: want}
	if s.Kind != Password {
		e.Value = g.text
	}
	return e
}

func (v *Values) setting(name string) Setting {
	s, ok := v.table.Lookup(name)
	if !ok {
		panic(fmt.Sprintf("config: %s have no setting %q", v.table.title, name))
	}
	return s
}

// find is the value given for a name and the key that gave it.
func (v *Values) find(name string) (key string, g given, ok bool) {
	for _, prefix := range v.prefixes {
		if g, ok := v.set[prefix+name]; ok {
			return prefix + name, g, true
		}
	}
	g, ok = v.set[name]
	return name, g, ok
}

// text is the value as given or by default; "" when null.
func (v *Values) text(name string, kinds ...Kind) string {
	s := v.setting(name)
	fits := false
	for _, k := range kinds {
		fits = fits || k == s.Kind
	}
	if !fits {
		panic(fmt.Sprintf("config: setting %q is not of the kind asked for", name))
	}
	if _, g, ok := v.find(name); ok {
		return g.text
	}
	return s.Default
}

func (v *Values) number(name string, kinds ...Kind) int64 {
	n, _ := strconv.ParseInt(v.text(name, kinds...), 10, 64) // checked by Read; null is 0
	return n
}

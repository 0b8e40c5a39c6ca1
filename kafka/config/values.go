package config

import "time"

// Values are the checked settings of one file. Asking for a name that the
// table does not have, or for a kind that it is not, is a mistake in the
// program and panics.
type Values struct {
	table *Table
}

// String is the value of a String, Class or List setting; "" when null.
func (v *Values) String(name string) string { return "" }

// Int is the value of an Int or Short setting; 0 when null.
func (v *Values) Int(name string) int { return 0 }

// Int64 is the value of a Long, Int or Short setting; 0 when null.
func (v *Values) Int64(name string) int64 { return 0 }

// Float is the value of a Double setting; 0 when null.
func (v *Values) Float(name string) float64 { return 0 }

// Bool is the value of a Boolean setting.
func (v *Values) Bool(name string) bool { return false }

// List are the comma-separated items of a List setting, trimmed.
func (v *Values) List(name string) []string { return nil }

// Duration is the value of an Int or Long setting whose name ends in .ms,
// .seconds, .minutes or .hours. A negative value (no limit) stays negative.
func (v *Values) Duration(name string) time.Duration { return 0 }

// Secret is the value of a Password setting; "" when null.
func (v *Values) Secret(name string) Secret { return "" }

// IsSet says whether the file gave the setting.
func (v *Values) IsSet(name string) bool { return false }

// Source is the name of the file.
func (v *Values) Source() string { return "" }

// Origin says where a setting was given, as "server.properties:12", or
// "default".
func (v *Values) Origin(name string) string { return "" }

// Prefixed is the view of one listener: the settings given as prefix+name,
// such as listener.name.internal.ssl.keystore.location, lie over the others.
func (v *Values) Prefixed(prefix string) *Values { return nil }

// LogRetention is how long the records of a topic stay by default; negative:
// for ever. Of log.retention.ms, .minutes and .hours the finest that is set
// counts.
func (v *Values) LogRetention() time.Duration { return 0 }

// LogRoll is the age at which a segment is closed by default.
func (v *Values) LogRoll() time.Duration { return 0 }

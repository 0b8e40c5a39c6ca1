package cli

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"schloss/kafka/config"
)

// valueRule says whether an option takes a value.
type valueRule int8

const (
	noValue       valueRule = iota
	needsValue              // takes the next word whatever it looks like, as Kafka's parser does
	optionalValue           // takes the next word unless that looks like an option
	someValues              // takes all words up to the next option, one at least, as argparse does
)

// flag is one option of a tool that goes by a Kafka name. All spellings that
// any release from 0.8 to 4.x knew stand in one table, each as its own flag.
type flag struct {
	name  string // without dashes
	short string // one letter behind one dash, where the tool has such
	value valueRule
	arg   string // the value's name in the help
	doc   string // one or two sentences; the help wraps them
	def   string
	// many allows the flag more than once; Kafka refuses a second one otherwise.
	many  bool
	check func(value string) error
	// insteadUse names the flag that replaced this one: it works, and warns.
	insteadUse string
	// idle is the reason why the flag has nothing left to do: it is taken and warned of.
	idle string
	// refused is the reason why the flag is known but not served.
	refused string
}

// options is what a command line said.
type options struct {
	flags []flag
	given map[string][]string // a flag without a value holds ""
	order []string            // the names as they came, repeated where given again
	words []string            // what was no option
	stray string              // advice for the first of them
}

func (o *options) has(name string) bool { return len(o.given[name]) > 0 }

// all returns every value of the flag in the order given.
func (o *options) all(name string) []string { return o.given[name] }

// get returns the flag's value, or its default.
func (o *options) get(name string) string {
	if v := o.given[name]; len(v) > 0 {
		return v[len(v)-1]
	}
	for _, f := range o.flags {
		if f.name == name {
			return f.def
		}
	}
	return ""
}

// first returns the value of the first of the named flags that was given: how
// a new spelling goes before an old one.
func (o *options) first(names ...string) (string, bool) {
	for _, n := range names {
		if o.has(n) {
			return o.get(n), true
		}
	}
	return "", false
}

// integer returns a value that the flag's check has already found to be one.
func (o *options) integer(name string) int64 {
	n, _ := strconv.ParseInt(o.get(name), 10, 64)
	return n
}

// usageError is a command line that makes no sense. The hint may be empty.
// Kafka's parser finds some of them late: unread is its sentence then.
type usageError struct{ problem, advice, unread string }

func (e *usageError) Error() string { return e.problem }

func usage(format string, args ...any) *usageError {
	return &usageError{problem: fmt.Sprintf(format, args...)}
}

// advised adds what to do instead.
func (e *usageError) advised(advice string) *usageError {
	e.advice = advice
	return e
}

// parseFlags reads words by the rules of Kafka's option parser: --name value,
// --name=value, a single dash before a long name, no abbreviations, "--" ends
// the options. Warnings are what the user should hear although all is well.
func parseFlags(flags []flag, words []string) (o *options, warnings []string, err error) {
	o = &options{flags: flags, given: map[string][]string{}}
	var last *flag // with a value, where the last word was that
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		if word == "--" {
			o.words = append(o.words, words...)
			break
		}
		if !looksLikeOption(word) {
			if o.words = append(o.words, word); len(o.words) == 1 {
				o.stray = o.strayAdvice(last, word)
			}
			continue
		}
		name, value, hasValue := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-"), "=")
		f, err := findFlag(flags, name)
		if err != nil {
			return nil, nil, err
		}
		if value, words, err = takeValue(f, value, hasValue, words); err != nil {
			return nil, nil, err
		}
		warning, err := o.add(f, value)
		if err != nil {
			return nil, nil, err
		}
		if warning != "" {
			warnings = append(warnings, warning)
		}
		for f.value == someValues && len(words) > 0 && !looksLikeOption(words[0]) {
			o.given[f.name] = append(o.given[f.name], words[0])
			words = words[1:]
		}
		if last = nil; f.value != noValue && !hasValue {
			last = f
			if strings.HasPrefix(value, "--") {
				warnings = append(warnings, fmt.Sprintf("--%s has taken %s as its value", f.name, value))
			}
		}
	}
	return o, warnings, nil
}

// strayAdvice guesses how a word came to stand where an option should: after
// the value of the option last, or as an option that a word processor has
// beautified.
func (o *options) strayAdvice(last *flag, word string) string {
	plain := beautified.Replace(word)
	switch {
	case plain != word && looksLikeOption(plain):
		return "its dash is none of the keyboard's: write --" + strings.TrimLeft(plain, "-")
	case last == nil:
		return "put a value that holds blanks into quotes: 'User:CN=Xi Hu,C=CN'"
	case last.arg == "HOST:PORT":
		return fmt.Sprintf("separate servers by commas alone: --%s %s,%s", last.name, strings.TrimSuffix(o.get(last.name), ","), strings.TrimPrefix(word, ","))
	}
	value := o.get(last.name)
	if _, err := os.Lstat(value); err == nil {
		if _, err := os.Lstat(word); err == nil {
			return fmt.Sprintf("the shell has put file names in the place of a *; quote it: --%s '*' (a regular expression: '.*')", last.name)
		}
	}
	return fmt.Sprintf("put a value that holds blanks into quotes: --%s %s", last.name, quoted(unquoted.Replace(value+" "+word)))
}

// What word processors make of dashes, and of quotes.
var (
	beautified = strings.NewReplacer("\u2013", "--", "\u2014", "--", "\u2010", "-", "\u2011", "-", "\u2212", "-")
	unquoted   = strings.NewReplacer("\u201c", "", "\u201d", "", "\u2018", "", "\u2019", "", "\u201e", "")
)

func looksLikeOption(word string) bool { return len(word) > 1 && word[0] == '-' }

func findFlag(flags []flag, name string) (*flag, error) {
	names := make([]string, 0, len(flags))
	for i := range flags {
		if flags[i].name == name || flags[i].short == name {
			return &flags[i], nil
		}
		if flags[i].refused == "" && flags[i].idle == "" {
			names = append(names, flags[i].name)
		}
	}
	e := &usageError{problem: name + " is not a recognized option"}
	if near, ok := nearestFlag(name, names); ok {
		e.advice = "did you mean --" + near + "?"
	}
	return nil, e
}

// nearestFlag also knows the abbreviation that other tools would take.
func nearestFlag(name string, names []string) (string, bool) {
	if near, ok := config.Nearest(name, names); ok {
		return near, true
	}
	var begun []string
	for _, n := range names {
		if len(name) >= 3 && strings.HasPrefix(n, name) {
			begun = append(begun, n)
		}
	}
	if _, end, ok := strings.Cut(name, "."); ok && len(begun) == 0 {
		for _, n := range names { // --consumer.config of a producer
			if strings.HasSuffix(n, "."+end) {
				begun = append(begun, n)
			}
		}
	}
	if len(begun) == 0 {
		return "", false
	}
	slices.Sort(begun)
	return begun[0], true
}

func takeValue(f *flag, value string, hasValue bool, rest []string) (string, []string, error) {
	switch {
	case f.value == noValue && hasValue:
		return "", nil, usage("option %s takes no value", f.name)
	case f.value == noValue || hasValue:
	case (f.value == needsValue || f.value == someValues) && len(rest) == 0:
		return "", nil, &usageError{problem: fmt.Sprintf("Option %s requires an argument", f.name), advice: "write it as --" + f.name + f.valueText()}
	case f.value == needsValue || f.value == someValues || len(rest) > 0 && !looksLikeOption(rest[0]):
		value, rest = rest[0], rest[1:]
	}
	if f.check != nil && (f.value == needsValue || value != "") {
		if err := f.check(value); err != nil {
			unread := fmt.Sprintf("Cannot parse argument '%s' of option %s", value, f.name)
			return "", nil, &usageError{problem: fmt.Sprintf("%s: %v", unread, err), advice: "write it as --" + f.name + f.valueText(), unread: unread}
		}
	}
	return value, rest, nil
}

// add records one occurrence and returns what the user should be warned of.
func (o *options) add(f *flag, value string) (warning string, err error) {
	if f.refused != "" {
		return "", &usageError{problem: fmt.Sprintf("option %s is not served: %s", f.name, f.refused), advice: f.insteadOf()}
	}
	if o.has(f.name) && !f.many && f.value != noValue {
		e := usage("Found multiple arguments for option %s, but you asked for only one", f.name)
		e.unread = e.problem
		return "", e
	}
	if f.idle == "" && f.insteadUse != "" && !o.has(f.name) {
		warning = fmt.Sprintf("--%s is deprecated, use --%s", f.name, f.insteadUse)
	}
	if f.idle != "" {
		warning = fmt.Sprintf("--%s has no effect: %s", f.name, f.idle)
	}
	o.order = append(o.order, f.name)
	if f.value != noValue || !o.has(f.name) {
		o.given[f.name] = append(o.given[f.name], value)
	}
	return warning, nil
}

func (f *flag) insteadOf() string {
	if f.insteadUse == "" {
		return ""
	}
	return "use " + f.insteadUse
}

// pairs splits values of the form key=value. A bare key is an empty value, as
// Kafka's parser has it where acceptMissing is set.
func pairs(flagName string, values []string, acceptMissing bool) ([][2]string, error) {
	var out [][2]string
	for _, v := range values {
		key, value, ok := strings.Cut(v, "=")
		if key == "" || !ok && !acceptMissing {
			return nil, &usageError{problem: fmt.Sprintf("invalid value %q of --%s: expected key=value", v, flagName),
				advice: fmt.Sprintf("write it as --%s key=value", flagName)}
		}
		out = append(out, [2]string{key, value})
	}
	return out, nil
}

func wholeNumber(value string) error {
	if _, err := strconv.ParseInt(value, 10, 32); err != nil {
		return fmt.Errorf("expected a whole number")
	}
	return nil
}

func longNumber(value string) error {
	if _, err := strconv.ParseInt(value, 10, 64); err != nil {
		return fmt.Errorf("expected a whole number")
	}
	return nil
}

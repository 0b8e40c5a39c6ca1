package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A check's error completes "want ...".

func between(low, high int64) func(string) error {
	return func(s string) error {
		n, err := strconv.ParseInt(s, 10, 64)
		if err == nil && n >= low && n <= high {
			return nil
		}
		if high == math.MaxInt64 || high == math.MaxInt32 {
			return fmt.Errorf("a number of at least %d", low)
		}
		return fmt.Errorf("a number from %d to %d", low, high)
	}
}

func atLeast(low int64) func(string) error { return between(low, math.MaxInt64) }

// unlimitedOr takes -1 for "no limit".
func unlimitedOr(low int64) func(string) error {
	return func(s string) error {
		if s == "-1" || atLeast(low)(s) == nil {
			return nil
		}
		return fmt.Errorf("-1 for no limit, or a number of at least %d", low)
	}
}

func oneOf(words ...string) func(string) error {
	return func(s string) error {
		if slices.Contains(words, s) {
			return nil
		}
		return errors.New(strings.Join(words, " or "))
	}
}

// oneOfFold is oneOf whatever the case.
func oneOfFold(words ...string) func(string) error {
	return func(s string) error {
		if slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, s) }) {
			return nil
		}
		return errors.New(strings.Join(words, " or "))
	}
}

// eachOf is oneOf for every item of a list.
func eachOf(words ...string) func(string) error {
	return func(s string) error {
		for _, item := range SplitList(s) {
			if !slices.Contains(words, item) {
				return fmt.Errorf("a list of %s", strings.Join(words, ", "))
			}
		}
		return nil
	}
}

func notEmpty(s string) error {
	if s == "" {
		return errors.New("a value that is not empty")
	}
	return nil
}

// absent refuses any value: what the setting asks for is not done, and doing
// without it silently would be wrong.
func absent(reason string) func(string) error {
	return func(s string) error {
		if s == "" {
			return nil
		}
		return fmt.Errorf("no value: %s", reason)
	}
}

// only takes one value because the others are not built.
func only(value, reason string) func(string) error {
	return func(s string) error {
		if strings.EqualFold(s, value) {
			return nil
		}
		return fmt.Errorf("%s: %s", value, reason)
	}
}

// checkKind is nil when the trimmed text is a value of the kind
// (Kafka: ConfigDef.parseType).
func checkKind(k Kind, s string) error {
	switch k {
	case Boolean:
		if !strings.EqualFold(s, "true") && !strings.EqualFold(s, "false") {
			return errors.New("true or false")
		}
	case Short:
		return wholeNumber(s, 16)
	case Int:
		return wholeNumber(s, 32)
	case Long:
		return wholeNumber(s, 64)
	case Double:
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			return errors.New("a number")
		}
	}
	return nil
}

func wholeNumber(s string, bits int) error {
	if _, err := strconv.ParseInt(s, 10, bits); err != nil {
		return fmt.Errorf("a whole number of %d bits", bits)
	}
	return nil
}

// trimJava drops what Java's String.trim drops: everything up to a space.
func trimJava(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}

// SplitList cuts a List value at its commas; empty items are left out.
func SplitList(s string) []string {
	var items []string
	for item := range strings.SplitSeq(s, ",") {
		if item = trimJava(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

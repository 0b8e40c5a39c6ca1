package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"schloss/kafka"
)

// place is a position in partitions as users write it: start, end, N, or @TIME.
// With a group's committed offset also +N and -N.
type place struct {
	at    kafka.Offset // EarliestOffset, LatestOffset, or an offset from 0 on
	time  time.Time    // not zero: the first record that is not older
	by    int64        // steps from the committed offset, where moved
	moved bool
}

const placeAdvice = "write start, end, an offset (42) or a time (@2026-01-31T12:00:00Z, @-1h, @1769860800000)"

// parsePlace reads a place; now is what @-1h counts from.
func parsePlace(text string, now time.Time) (place, error) {
	p := place{}
	wrong := &usageError{problem: fmt.Sprintf("%q is no place in a partition", text), advice: placeAdvice}
	switch {
	case text == "start":
		p.at = kafka.EarliestOffset
	case text == "end":
		p.at = kafka.LatestOffset
	case strings.HasPrefix(text, "@"):
		when, err := parseWhen(text[1:], now)
		if err != nil {
			return p, wrong
		}
		p.time = when
	case text != "" && (text[0] == '+' || text[0] == '-'):
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return p, wrong
		}
		p.by, p.moved = n, true
	default:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return p, wrong
		}
		p.at = kafka.Offset(n)
	}
	return p, nil
}

// parseWhen reads a time as RFC 3339 has it, a date, a span before now (-1h30m)
// or milliseconds since 1970.
func parseWhen(text string, now time.Time) (time.Time, error) {
	if strings.HasPrefix(text, "-") {
		d, err := time.ParseDuration(text)
		return now.Add(d), err
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.UnixMilli(ms), nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	return time.Parse(time.DateOnly, text)
}

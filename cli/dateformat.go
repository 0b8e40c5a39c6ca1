package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// dateFormat is a pattern of Java's SimpleDateFormat: runs of one letter, and
// text between them.
type dateFormat []datePart

type datePart struct {
	letter byte // 0: text
	count  int
	text   string
}

// The letters that are served; the rest of Java's name weeks and eras.
const dateLetters = "yMdHhmsSaEkKDzZX"

func parseDateFormat(pattern string) (dateFormat, error) {
	var out dateFormat
	text := func(s string) { out = append(out, datePart{text: s}) }
	for i := 0; i < len(pattern); {
		c := pattern[i]
		switch {
		case c == '\'':
			end := strings.IndexByte(pattern[i+1:], '\'')
			if end < 0 {
				return nil, usage("date format %q: a quote is not closed", pattern).advised("write it as --date-format 'yyyy-MM-dd HH:mm:ss:SSS'")
			}
			if end == 0 {
				text("'") // '' is a quote
			} else {
				text(pattern[i+1 : i+1+end])
			}
			i += end + 2
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			n := 1
			for i+n < len(pattern) && pattern[i+n] == c {
				n++
			}
			if !strings.ContainsRune(dateLetters, rune(c)) {
				return nil, usage("date format %q: letter %c is not served", pattern, c).advised("write it as --date-format 'yyyy-MM-dd HH:mm:ss:SSS'; put text into single quotes")
			}
			out = append(out, datePart{letter: c, count: n})
			i += n
		default:
			text(string(c))
			i++
		}
	}
	return out, nil
}

func (f dateFormat) format(t time.Time) string {
	var b strings.Builder
	for _, p := range f {
		if p.letter == 0 {
			b.WriteString(p.text)
		} else {
			b.WriteString(p.of(t))
		}
	}
	return b.String()
}

// of is one field of the time, with as many digits as letters at least.
func (p datePart) of(t time.Time) string {
	twelve := t.Hour() % 12
	switch p.letter {
	case 'y':
		if p.count == 2 {
			return fmt.Sprintf("%02d", t.Year()%100)
		}
		return p.digits(t.Year())
	case 'M':
		switch {
		case p.count > 3:
			return t.Month().String()
		case p.count == 3:
			return t.Format("Jan")
		}
		return p.digits(int(t.Month()))
	case 'E':
		if p.count > 3 {
			return t.Weekday().String()
		}
		return t.Format("Mon")
	case 'a':
		return t.Format("PM")
	case 'z':
		return t.Format("MST")
	case 'Z':
		return t.Format("-0700")
	case 'X':
		return t.Format([]string{"Z07", "Z0700", "Z07:00"}[min(p.count, 3)-1])
	case 'h':
		return p.digits((twelve+11)%12 + 1)
	case 'K':
		return p.digits(twelve)
	case 'k':
		return p.digits((t.Hour()+23)%24 + 1)
	}
	return p.digits(map[byte]int{'d': t.Day(), 'D': t.YearDay(), 'H': t.Hour(), 'm': t.Minute(), 's': t.Second(), 'S': t.Nanosecond() / 1e6}[p.letter])
}

func (p datePart) digits(n int) string {
	text := strconv.Itoa(n)
	return strings.Repeat("0", max(p.count-len(text), 0)) + text
}

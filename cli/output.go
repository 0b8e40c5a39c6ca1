package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"schloss/kafka/config"
)

// outputForm is how a native command prints its results.
type outputForm string

// The forms: a table for people, lines of tab-separated fields for pipes, and
// JSON whose keys are promised in docs/cli.md.
const (
	tableForm outputForm = "table"
	plainForm outputForm = "plain"
	jsonForm  outputForm = "json"
)

var outputForms = []string{string(tableForm), string(plainForm), string(jsonForm)}

// parseOutputForm reads the value of -o. Nothing means a table on a terminal
// and plain lines elsewhere.
func parseOutputForm(text string, out io.Writer) (outputForm, error) {
	switch {
	case text == "" && terminal(out):
		return tableForm, nil
	case text == "":
		return plainForm, nil
	case slices.Contains(outputForms, text):
		return outputForm(text), nil
	}
	e := &usageError{problem: fmt.Sprintf("%q is no output form", text), advice: "write it as -o table, -o plain or -o json"}
	if near, ok := config.Nearest(text, outputForms); ok {
		e.advice = "did you mean -o " + near + "?"
	}
	return "", e
}

// table is a result for people and for pipes. The columns are told to people
// alone: a pipe gets rows.
type table struct {
	columns []string
	rows    [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// printResult prints t, or the data as JSON: whatever the form, it is the same
// result.
func printResult(w io.Writer, form outputForm, bold bool, data any, t *table) error {
	switch form {
	case jsonForm:
		return printJSON(w, data)
	case plainForm:
		return t.plain(w)
	}
	return t.aligned(w, bold)
}

// printJSON prints indented JSON; characters that only HTML minds stay as they are.
func printJSON(w io.Writer, data any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(data)
}

func (t *table) plain(w io.Writer) error {
	var b strings.Builder
	for _, row := range t.rows {
		for i, cell := range row {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(plainCell(cell))
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// plainCell escapes what would end a field or a row.
func plainCell(cell string) string {
	return strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`).Replace(cell)
}

func (t *table) aligned(w io.Writer, bold bool) error {
	if len(t.rows) == 0 {
		return nil
	}
	widths := make([]int, len(t.columns))
	for _, row := range append([][]string{t.columns}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], cellWidth(oneLine(cell)))
		}
	}
	var b strings.Builder
	line := func(cells []string) {
		var text strings.Builder
		for i, cell := range cells {
			cell = oneLine(cell)
			text.WriteString(cell + strings.Repeat(" ", widths[i]-cellWidth(cell)+2))
		}
		b.WriteString(strings.TrimRight(text.String(), " "))
	}
	if bold {
		b.WriteString("\x1b[1m")
	}
	line(t.columns)
	if bold {
		b.WriteString("\x1b[0m")
	}
	b.WriteByte('\n')
	for _, row := range t.rows {
		line(row)
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cellWidth counts the columns that a terminal gives the text: two for a
// character of East Asian scripts, none for one that combines.
func cellWidth(text string) (n int) {
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana), r >= 0xff01 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff:
			n += 2
		default:
			n++
		}
	}
	return n
}

// styled says whether text for w may be set in bold: on a terminal that can,
// unless NO_COLOR says no or CLICOLOR_FORCE says yes. Nothing is told by style
// alone.
func (s *session) styled(w io.Writer) bool {
	switch {
	case s.env("NO_COLOR") != "":
		return false
	case s.env("CLICOLOR_FORCE") != "" && s.env("CLICOLOR_FORCE") != "0":
		return true
	}
	return terminal(w) && s.env("TERM") != "dumb"
}

// env is a variable of the environment, "" where there is none.
func (s *session) env(name string) string {
	if s.Env == nil {
		return ""
	}
	return s.Env(name)
}

// sortedNames are the keys in order.
func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

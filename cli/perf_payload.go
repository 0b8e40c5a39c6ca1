package cli

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// payload makes the values of a producer's test: random letters, lines of a
// file, or numbers. It is used by one goroutine.
type payload struct {
	size  int
	lines [][]byte
	dice  *rand.Rand
}

// next is the value of the i-th record. The producer keeps it, so each is its own.
func (p *payload) next(i int64) []byte {
	switch {
	case len(p.lines) > 0:
		return p.lines[p.dice.IntN(len(p.lines))]
	case p.size > 0:
		value := make([]byte, p.size)
		for j := range value {
			value[j] = 'A' + byte(p.dice.UintN(26))
		}
		return value
	}
	return strconv.AppendInt(nil, i, 10)
}

// largest is the most bytes that a value takes.
func (p *payload) largest() int64 {
	most := max(p.size, 1)
	for _, line := range p.lines {
		most = max(most, len(line))
	}
	return int64(most)
}

func number(value string) error {
	if _, err := strconv.ParseFloat(value, 64); err != nil {
		return fmt.Errorf("expected a number")
	}
	return nil
}

// readPayload reads what the options say. The dice are the same in each run,
// as Kafka's are.
func readPayload(s *session, o *options) (payload, error) {
	p := payload{dice: rand.New(rand.NewPCG(0, 0)), size: int(o.integer("record-size"))}
	path := o.get("payload-file")
	if path == "" {
		return p, nil
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return p, err
	}
	fmt.Fprintf(s.Out, "Reading payloads from: %s\n", full)
	text, err := os.ReadFile(path)
	if err != nil {
		return p, err
	}
	if len(text) == 0 {
		return p, usage("File does not exist or empty file provided.").advised("put records into " + path)
	}
	delimiter, err := regexp.Compile(o.get("payload-delimiter"))
	if err != nil {
		return p, usage("--payload-delimiter %q: %v", o.get("payload-delimiter"), err).advised(`it is a regular expression: a bar is written \|`)
	}
	for _, line := range delimiter.Split(string(text), -1) {
		p.lines = append(p.lines, []byte(line))
	}
	if n := len(p.lines); n > 1 && len(p.lines[n-1]) == 0 {
		p.lines = p.lines[:n-1] // the file ends with a delimiter
	}
	_, err = fmt.Fprintf(s.Out, "Number of records read: %d\n", len(p.lines))
	return p, err
}

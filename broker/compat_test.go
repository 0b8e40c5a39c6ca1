package broker

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestCompatPageIsTrue compares the table of docs/compat.md with apis().
func TestCompatPageIsTrue(t *testing.T) {
	page, err := os.ReadFile("../docs/compat.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "| ") && line[2] >= '0' && line[2] <= '9' {
			got = append(got, strings.TrimSpace(line))
		}
	}
	for i, a := range apis() {
		needs := a.needs + " "
		if a.needs == "" {
			needs = ""
		}
		want := fmt.Sprintf("| %d | %s | %d-%d | %s|", a.key, a.name, a.min, a.max, needs)
		if i >= len(got) || got[i] != want {
			t.Errorf("row %d of docs/compat.md: want %q", i, want)
		}
	}
	if len(got) != len(apis()) {
		t.Errorf("docs/compat.md has %d rows, the table of APIs %d", len(got), len(apis()))
	}
}

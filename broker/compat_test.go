package broker_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"schloss/broker"
)

// TestCompatPageShowsTheTable holds docs/compat.md to the table of what we
// speak.
func TestCompatPageShowsTheTable(t *testing.T) {
	page, err := os.ReadFile("../docs/compat.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, a := range broker.APIs() {
		row := fmt.Sprintf("| %d | %s | %d-%d | %s |", a.Key, a.Name, a.Min, a.Max, a.Needs)
		want = append(want, strings.ReplaceAll(row, "|  |", "| |"))
	}
	_, rest, _ := strings.Cut(string(page), "| key | API |")
	_, rest, _ = strings.Cut(rest, "|---|---|---|---|\n")
	table, _, _ := strings.Cut(rest, "\n\n")
	if got := strings.Split(table, "\n"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("docs/compat.md says\n%s\nwant\n%s", table, strings.Join(want, "\n"))
	}
}

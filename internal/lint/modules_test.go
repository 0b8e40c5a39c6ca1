package lint

import (
	"os"
	"strings"
	"testing"
)

// TestDirectModulesAreJustified wants a row of docs/DEPENDENCIES.md for each
// direct module of go.mod.
func TestDirectModulesAreJustified(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/DEPENDENCIES.md")
	if err != nil {
		t.Fatal(err)
	}
	direct := 0
	for line := range strings.Lines(string(mod)) {
		path, _, ok := strings.Cut(strings.TrimSpace(line), " v")
		if !ok || strings.Contains(line, "// indirect") {
			continue
		}
		direct++
		name := strings.TrimSuffix(strings.TrimPrefix(path, "github.com/"), "/v4")
		if !strings.Contains(string(page), name) {
			t.Errorf("%s has no row in docs/DEPENDENCIES.md", path)
		}
	}
	if direct < 5 {
		t.Errorf("found %d direct modules: go.mod was not understood", direct)
	}
}

package security_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"schloss/kafka/config"
)

// advisories are those that docs/security-lessons.md must speak of.
var advisories = []string{
	"CVE-2017-12610", "CVE-2018-1288", "CVE-2018-17196", "CVE-2019-12399", "CVE-2021-38153", "CVE-2021-4104", "CVE-2021-44228",
	"CVE-2022-23302", "CVE-2022-23305", "CVE-2022-23307", "CVE-2022-34917", "CVE-2023-25194", "CVE-2023-34455", "CVE-2024-27309",
	"CVE-2024-31141", "CVE-2024-56128", "CVE-2025-27817", "CVE-2025-27818", "CVE-2025-27819", "CVE-2026-35554",
}

// TestLessonsNameTestsThatExist holds docs/security-lessons.md to the code:
// every row names a test, every test that is named exists.
func TestLessonsNameTestsThatExist(t *testing.T) {
	page, err := os.ReadFile("../docs/security-lessons.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range advisories {
		if !strings.Contains(string(page), id) {
			t.Errorf("%s is not spoken of", id)
		}
	}
	named := regexp.MustCompile("`([a-z/]+)/((?:Test|Fuzz)[A-Za-z0-9]+)`")
	rows := 0
	for row := range strings.Lines(string(page)) {
		if !strings.HasPrefix(row, "| ") || strings.Contains(row, "| here |") {
			continue
		}
		rows++
		tests := named.FindAllStringSubmatch(row, -1)
		if len(tests) == 0 {
			t.Errorf("no test is named in %s", row)
		}
		for _, m := range tests {
			if !exists(t, m[1], m[2]) {
				t.Errorf("package %s has no %s", m[1], m[2])
			}
		}
	}
	if rows < len(advisories)/2 {
		t.Errorf("only %d rows were read", rows)
	}
}

func exists(t *testing.T, pkg, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}

// TestPlaceholdersAreText gives settings that would read files and the
// environment if there were config providers (CVE-2024-31141).
func TestPlaceholdersAreText(t *testing.T) {
	for _, table := range []struct {
		name string
		read func(*config.Properties) error
	}{
		{"server", func(p *config.Properties) error { _, _, err := config.Server.Read(p); return err }},
		{"consumer", func(p *config.Properties) error { _, _, err := config.Consumer.Read(p); return err }},
	} {
		p := config.NewProperties("f")
		p.Set("config.providers", "file")
		if err := table.read(p); err == nil || !strings.Contains(err.Error(), "config.providers") {
			t.Errorf("%s: config.providers gives %v, want a refusal", table.name, err)
		}
	}
	const text = "${env:HOME}"
	p := config.NewProperties("f")
	p.Set("ssl.keystore.location", text)
	values, _, err := config.Server.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	if got := values.String("ssl.keystore.location"); got != text {
		t.Errorf("%s became %s", text, got)
	}
}

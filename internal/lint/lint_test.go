package lint

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

const module = "schloss"

// file is one parsed source file of the project.
type file struct {
	path string // slash-separated, from the project's folder
	pkg  string // folder, the import path without the module
	test bool
	ast  *ast.File
	size int // lines
}

func parseProject(t *testing.T) []file {
	t.Helper()
	root := os.DirFS("../..")
	set := token.NewFileSet()
	var files []file
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata" || path == "quickstart") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		source, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(set, path, source, parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, file{
			path: path, pkg: filepath.ToSlash(filepath.Dir(path)), test: strings.HasSuffix(path, "_test.go"),
			ast: parsed, size: strings.Count(string(source), "\n"),
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("found only %d Go files: the walk is broken", len(files))
	}
	return files
}

// importTable reads the table under "## Imports" of docs/ARCHITECTURE.md:
// package, then what it may import of ours, both in backquotes.
func importTable(t *testing.T) map[string][]string {
	t.Helper()
	f, err := os.Open("../../docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table := map[string][]string{}
	inside := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "## ") {
			inside = line == "## Imports"
			continue
		}
		cells := strings.Split(line, "|")
		if !inside || len(cells) < 4 || !strings.Contains(cells[1], "`") {
			continue
		}
		table[quoted(cells[1])[0]] = quoted(cells[2])
	}
	if len(table) < 10 {
		t.Fatalf("the import table has %d rows: it could not be read", len(table))
	}
	return table
}

func quoted(cell string) []string {
	var words []string
	for i, part := range strings.Split(cell, "`") {
		if i%2 == 1 {
			words = append(words, part)
		}
	}
	return words
}

func TestImportsFollowTheTable(t *testing.T) {
	table := importTable(t)
	used := map[string]bool{}
	for _, f := range parseProject(t) {
		if f.test {
			continue
		}
		used[f.pkg] = true
		allowed, listed := table[f.pkg]
		if !listed {
			t.Errorf("%s: package %s has no row in the import table of docs/ARCHITECTURE.md", f.path, f.pkg)
			continue
		}
		for _, spec := range f.ast.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			ours, ok := strings.CutPrefix(path, module+"/")
			if ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, which the table does not allow to %s", f.path, ours, f.pkg)
			}
		}
	}
	for pkg := range table {
		if !used[pkg] {
			t.Errorf("the import table lists %s, which does not exist", pkg)
		}
	}
}

func TestPackagesAreDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range parseProject(t) {
		if f.test {
			continue
		}
		documented[f.pkg] = documented[f.pkg] || f.ast.Doc != nil
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment", pkg)
		}
	}
}

// fence forbids calls outside the packages that own them.
type fence struct {
	name   string
	pkg    string   // import path of the called package
	funcs  []string // empty: every function
	owners []string // packages, or folders with a trailing slash
}

var fences = []fence{
	{"printing belongs to the command line", "fmt", []string{"Print", "Println", "Printf"}, []string{"cli", "cmd/schloss", "bench", "internal/peers", "internal/corpus/record"}},
	{"data files belong to the store", "os", []string{"Open", "OpenFile", "Create", "Rename", "Remove", "RemoveAll", "WriteFile", "Truncate", "Mkdir", "MkdirAll"},
		[]string{"internal/disk", "internal/peers", "internal/testkit", "internal/corpus/", "cli", "node", "bench", "kafka/config", "security/"}},
	{"the process ends in main alone", "os", []string{"Exit"}, []string{"cmd/schloss", "bench", "internal/corpus/record"}},
	{"pure packages take now as a value", "time", []string{"Now", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Since", "Until"},
		[]string{"internal/", "broker", "broker/listener", "client", "mirror", "cli", "node", "bench", "store/local", "security/ssl", "security/tlsrecord", "security/ca", "security/keystore", "cmd/schloss"}},
	{"files are synced below the store", "syscall", []string{"Fsync", "Fdatasync", "Flock"}, []string{"internal/disk"}},
}

func TestFences(t *testing.T) {
	for _, f := range parseProject(t) {
		if f.test {
			continue
		}
		for _, fence := range fences {
			if !owns(fence.owners, f.pkg) {
				checkFence(t, f, fence)
			}
		}
	}
}

func owns(owners []string, pkg string) bool {
	return slices.ContainsFunc(owners, func(o string) bool {
		return o == pkg || strings.HasSuffix(o, "/") && strings.HasPrefix(pkg+"/", o)
	})
}

func checkFence(t *testing.T, f file, fence fence) {
	local := ""
	for _, spec := range f.ast.Imports {
		if path, _ := strconv.Unquote(spec.Path.Value); path == fence.pkg {
			local = filepath.Base(path)
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	if local == "" {
		return
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok && id.Name == local && id.Obj == nil && (len(fence.funcs) == 0 || slices.Contains(fence.funcs, sel.Sel.Name)) {
			t.Errorf("%s calls %s.%s: %s", f.path, fence.pkg, sel.Sel.Name, fence.name)
		}
		return true
	})
}

func TestNoInitAndNoVagueTypes(t *testing.T) {
	for _, f := range parseProject(t) {
		for _, decl := range f.ast.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.Name == "init" && d.Recv == nil {
					t.Errorf("%s has an init function", f.path)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if ts, ok := spec.(*ast.TypeSpec); ok && vague(ts.Name.Name) {
						t.Errorf("%s: type %s is named for nothing", f.path, ts.Name.Name)
					}
				}
			}
		}
	}
}

func vague(name string) bool {
	for _, w := range []string{"Manager", "Helper", "Util", "Utils", "Processor", "Impl", "Service"} {
		if strings.HasSuffix(name, w) {
			return true
		}
	}
	return false
}

// TestSizes holds nine of ten files under 450 lines and every file under 700.
func TestSizes(t *testing.T) {
	var sizes []int
	for _, f := range parseProject(t) {
		if f.test || strings.HasPrefix(filepath.Base(f.path), "zz_") {
			continue
		}
		sizes = append(sizes, f.size)
		if f.size > 700 {
			t.Errorf("%s has %d lines; 700 are the most", f.path, f.size)
		}
	}
	sort.Ints(sizes)
	if p90 := sizes[len(sizes)*9/10]; p90 > 450 {
		t.Errorf("one file in ten is longer than %d lines; 450 are the most", p90)
	}
}

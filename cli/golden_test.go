package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"schloss/internal/testkit"
)

// step is one command line of a golden file with what the real tool did.
type step struct {
	number, name          string
	args                  []string
	input, stdout, stderr string
	exit                  int
}

func steps(t *testing.T, file string) []step {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []step
	for _, f := range archive.Files {
		number, what, _ := strings.Cut(f.Name, " ")
		if len(out) == 0 || out[len(out)-1].number != number {
			words := strings.Split(strings.TrimSuffix(string(f.Data), "\n"), "\n")
			for i, w := range words {
				words[i] = strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(w)
			}
			out = append(out, step{number: number, name: what, args: words})
			continue
		}
		last := &out[len(out)-1]
		switch what {
		case "input":
			last.input = string(f.Data)
		case "stdout":
			last.stdout = string(f.Data)
		case "stderr":
			last.stderr = string(f.Data)
		case "exit":
			n, err := strconv.Atoi(strings.TrimSpace(string(f.Data)))
			if err != nil {
				t.Fatal(err)
			}
			last.exit = n
		default:
			t.Fatalf("%s: section %q", file, f.Name)
		}
	}
	return out
}

// goldens are what the real tools printed, and in which steps ours print
// something else on purpose. Exit codes agree nevertheless, unless the reason
// begins with "exit".
var goldens = []struct {
	file   string
	differ map[string]string // step number -> why
}{
	{"acls-3.9.1.txt", map[string]string{
		"30": "Kafka asks for the retired authorizer, we for --bootstrap-server",
		"33": "Kafka adds a stack trace on standard output",
		"38": "exit 0: an operation may be pasted back as --list prints it",
		"42": "Kafka prints its option table alone", "43": "likewise", "44": "likewise",
		"47": "a usage error is told on standard error",
		"50": "exit 1: a stray word is refused, for it is an unquoted principal",
	}},
	{"acls-4.3.1.txt", map[string]string{
		"03": "as 3.9.1, where adding again is adding", "05": "likewise",
		"21": "exit 0: 4.3.1 fails without a console", "22": "exit 0: likewise", "30": "as 3.9.1",
		"33": "as 3.9.1", "38": "exit 0: as 3.9.1", "42": "as 3.9.1", "43": "as 3.9.1", "44": "as 3.9.1", "47": "as 3.9.1",
		"34": "as 3.9.1", "35": "as 3.9.1", "36": "as 3.9.1", "50": "exit 1: as 3.9.1", "53": "4.x does not know the option",
	}},
	{"topics-3.9.1.txt", map[string]string{
		"07": brokersWords, "08": brokersWords, "09": brokersWords, "11": brokersWords, "12": brokersWords,
		"22": "the name as 4.3.1 prints it", "31": "the name as 4.3.1 prints it",
		"42": "altering is not built", "48": "altering is not built",
		"47": "a usage error is told on standard error", "52": "an old option is told from an unknown one",
	}},
	{"topics-4.3.1.txt", map[string]string{
		"07": brokersWords, "08": brokersWords, "09": brokersWords, "11": brokersWords, "12": brokersWords,
		"42": "altering is not built", "48": "altering is not built",
		"47": "a usage error is told on standard error", "52": "an old option is told from an unknown one",
	}},
	{"console-3.9.1.txt", map[string]string{
		"13": "Kafka 3.9.1 does not know print.epoch, 4.3.1 does",
		"26": "Kafka prints the address of a Java array",
		"40": ourWords, "43": ourWords, "45": "the help, as every other tool prints it", "49": ourWords, "52": ourWords,
		"53": "a setting without a value is refused as such",
		"55": "exit 1: a lost message is a failure",
	}},
}

// A broker's own message; both are printed as they come.
const brokersWords = "the broker's own words"

// A setting's value is refused by the same words wherever it stands.
const ourWords = "our own words"

func TestOutputIsThatOfKafka(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.file, func(t *testing.T) {
			t.Parallel()
			b := testkit.Start(t, testkit.Options{Authorizer: true, Properties: map[string]string{"super.users": "User:ANONYMOUS", "node.id": "1"}})
			compare(t, g.file, strings.NewReplacer("SERVER", b.Addr), g.differ)
		})
	}
}

// The same against a broker's own store, which zookeeper.connect names.
func TestOutputWithoutServerIsThatOfKafka(t *testing.T) {
	files := map[string]string{"server.properties": "zookeeper.connect=zoo:2181/chroot\nlog.dirs=data\nlisteners=PLAINTEXT://localhost:0\n",
		"cons.properties": "bootstrap.servers=localhost:1\ngroup.id=mirror\n", "prod.properties": "bootstrap.servers=localhost:1\n"}
	standing := func(t *testing.T) {
		dir := t.TempDir()
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		t.Chdir(dir)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	compareFrom := func(t *testing.T, file string, differ map[string]string) {
		list := steps(t, filepath.Join(here, "testdata", "golden", file))
		standing(t)
		compareSteps(t, list, strings.NewReplacer("ZOOKEEPER", "zoo:2181/chroot"), differ)
	}
	t.Run("acls", func(t *testing.T) {
		compareFrom(t, "acls-zookeeper-3.9.1.txt", map[string]string{"11": "Kafka adds a stack trace on standard output"})
	})
	t.Run("mirror-maker", func(t *testing.T) {
		compareFrom(t, "mirror-maker-3.9.1.txt", map[string]string{
			"04": "an old option is told from an unknown one", "06": "Kafka ends with a NullPointerException", "07": ourWords, "08": "our own version",
		})
	})
}

func compare(t *testing.T, file string, replace *strings.Replacer, differ map[string]string) {
	t.Helper()
	compareSteps(t, steps(t, filepath.Join("testdata", "golden", file)), replace, differ)
}

// compareSteps runs each step in its turn, for each stands on those before it.
func compareSteps(t *testing.T, list []step, replace *strings.Replacer, differ map[string]string) {
	t.Helper()
	for _, s := range list {
		for i := range s.args {
			s.args[i] = replace.Replace(s.args[i])
		}
		code, stdout, stderr := run(t, s.input, s.args...)
		why := differ[s.number]
		if code != s.exit && !strings.HasPrefix(why, "exit ") {
			t.Errorf("%s %s: got exit %d, want %d\n%s%s", s.number, s.name, code, s.exit, stdout, stderr)
		}
		if why != "" {
			continue
		}
		if got, want := normal(stdout), normal(s.stdout); got != want {
			t.Errorf("%s %s: got\n%swant\n%s\nstderr\n%s", s.number, s.name, got, want, stderr)
		}
		if want := message(s.stderr); !strings.Contains(words(stderr), words(want)) {
			t.Errorf("%s %s: standard error\n%slacks\n%s", s.number, s.name, stderr, want)
		}
	}
}

var (
	blockStart = regexp.MustCompile(`^(Current|Adding) ACLs for resource|^ACLs for principal`)
	ids        = regexp.MustCompile(`TopicId: \S+`)
	elr        = regexp.MustCompile(`Elr: *(N/A)?\tLastKnownElr: *(N/A)?$`)
	nodes      = regexp.MustCompile(`(Leader|Replicas|Isr): \d+`)
)

// normal takes out what no script can rely on: ids, the order of rules and of
// topics, blanks at the ends of lines.
func normal(text string) string {
	var blocks []string
	var block []string
	end := func() {
		if len(block) > 0 {
			slices.Sort(block[1:])
			blocks = append(blocks, strings.Join(block, "\n")+"\n")
		}
		block = nil
	}
	for _, line := range strings.Split(text, "\n") {
		line = ids.ReplaceAllString(line, "TopicId: ID")
		line = elr.ReplaceAllString(line, "Elr\tLastKnownElr")
		line = nodes.ReplaceAllString(line, "$1: N")
		if head, list, ok := strings.Cut(line, "\tConfigs: "); ok {
			settings := strings.Split(list, ",")
			slices.Sort(settings)
			line = head + "\tConfigs: " + strings.Join(settings, ",")
		}
		if strings.HasPrefix(line, "Topic: ") || blockStart.MatchString(line) {
			end()
		}
		if line = strings.TrimSpace(line); line != "" {
			block = append(block, line)
		}
	}
	end()
	if len(blocks) > 1 {
		slices.Sort(blocks)
	}
	return strings.Join(blocks, "")
}

var javaPrefix = regexp.MustCompile(`^(Exception in thread "main" )?((org\.apache|java|joptsimple)[\w.$]*: )?`)

// message is the first line on standard error that says something.
func message(stderr string) string {
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "This tool helps") || strings.HasPrefix(line, "Create, delete") || strings.HasPrefix(line, "Warning: ") || strings.HasPrefix(line, "WARNING: ") ||
			strings.HasPrefix(line, "(org.apache") || strings.HasSuffix(line, "errors.TimeoutException") {
			continue
		}
		return strings.TrimSpace(javaPrefix.ReplaceAllString(line, ""))
	}
	return ""
}

// words are the message's words; the lists in it are sets.
func words(text string) string {
	list := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,\n", r) })
	for i, w := range list {
		if w == "operations" {
			end := i + 1
			for end < len(list) && list[end] != "hint:" {
				end++
			}
			slices.Sort(list[i+1 : end])
		}
	}
	return strings.Join(list, " ")
}

package cli_test

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"schloss/cli"
	"schloss/internal/corpus"
	"schloss/internal/peers"
	"schloss/internal/testkit"
)

// inProcess runs the corpus's commands by cli.Main.
type inProcess struct{ t *testing.T }

func (p inProcess) Run(args []string, input string) (corpus.Outcome, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	code := cli.Main(ctx, args, cli.IO{In: strings.NewReader(input), Out: &out, Err: &errs}, nodeSide())
	return corpus.Outcome{Exit: code, Stdout: out.String(), Stderr: errs.String()}, ctx.Err()
}

// routine is a command in the background.
type routine struct {
	out    *corpus.Counter
	done   chan struct{}
	cancel context.CancelFunc
}

func (p inProcess) Start(args []string) (corpus.Running, error) {
	ctx, cancel := context.WithCancel(p.t.Context())
	r := routine{&corpus.Counter{}, make(chan struct{}), cancel}
	go func() {
		defer close(r.done)
		cli.Main(ctx, args, cli.IO{In: strings.NewReader(""), Out: r.out, Err: &bytes.Buffer{}}, nodeSide())
	}()
	return r, nil
}

func (r routine) Await(lines int) error { return r.out.Await(lines, r.done) }

func (r routine) Stop() error {
	r.cancel()
	<-r.done
	return nil
}

// TestOutputIsThatOfKafka plays the whole corpus with our tools on our broker.
// SCHLOSS_CORPUS names scenarios, separated by commas, to play them alone.
func TestOutputIsThatOfKafka(t *testing.T) {
	dir, err := filepath.Abs("testdata/corpus")
	if err != nil {
		t.Fatal(err)
	}
	scenarios, err := corpus.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, err := corpus.ReadDifferences(dir, corpus.OnOurs)
	if err != nil {
		t.Fatal(err)
	}
	var results []corpus.Result
	only := os.Getenv("SCHLOSS_CORPUS")
	for _, s := range scenarios {
		if only != "" && !strings.Contains(","+only+",", ","+s.Name+",") {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			judged := s.Judge(playOurs(t, s), recordings(t, dir, s), list)
			for _, r := range judged {
				tell(t, r)
			}
			results = append(results, judged...)
		})
	}
	var table strings.Builder
	corpus.Print(&table, results)
	t.Logf("our tools on our broker\n%s", table.String())
	if only != "" {
		return
	}
	if len(results) < 140 {
		t.Errorf("%d commands; at least 140 are to be compared", len(results))
	}
	if share := corpus.Share(results); share < 0.95 {
		t.Errorf("%.1f %% of the commands are equal; 95 are the least", 100*share)
	}
	everyListedCaseIsThere(t, list, results)
}

func recordings(t *testing.T, dir string, s *corpus.Scenario) []corpus.Recording {
	t.Helper()
	var out []corpus.Recording
	for _, version := range []string{peers.Last3, peers.Newest} {
		g, err := corpus.ReadGolden(dir, s.Name, version)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, corpus.Recording{Version: version, Golden: g})
	}
	for _, r := range out {
		due := 0
		for _, c := range s.Cases {
			if !c.Compared() || !c.For(r.Version) {
				continue
			}
			due++
			if _, ok := r.Golden[c.Name]; !ok {
				t.Errorf("%s: not recorded with Kafka %s: make golden ARGS=%s", c.Name, r.Version, s.Name)
			}
		}
		if len(r.Golden) != due {
			t.Errorf("the recording of Kafka %s holds %d commands, want %d: make golden ARGS=%s", r.Version, len(r.Golden), due, s.Name)
		}
	}
	return out
}

// playOurs plays a scenario in a working folder of its own.
func playOurs(t *testing.T, s *corpus.Scenario) corpus.Golden {
	t.Helper()
	dir := t.TempDir()
	places := corpus.Places{"DIR": dir}
	switch s.Needs {
	case "nothing":
		places["SERVER"] = "localhost:1"
	case "zookeeper":
		places["ZOOKEEPER"] = "zoo:2181/chroot"
	default:
		settings := map[string]string{"node.id": "1"}
		maps.Copy(settings, s.Settings)
		if s.Needs == "authorizer" {
			settings["super.users"] = "User:ANONYMOUS"
		}
		b := testkit.Start(t, testkit.Options{Authorizer: s.Needs == "authorizer", Properties: settings})
		places["SERVER"], places["DATA"] = b.Addr, b.Data
	}
	if err := s.WriteFiles(dir, places); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	ours, err := s.Play("", places, inProcess{t})
	if err != nil {
		t.Fatal(err)
	}
	return ours
}

func tell(t *testing.T, r corpus.Result) {
	t.Helper()
	switch {
	case r.Stale:
		t.Errorf("%s: more is listed than differs (%s): %s", r.Case, strings.Join(r.Streams, " "), r.Reason)
	case r.Verdict == corpus.Different:
		t.Errorf("%s: differs in %s %s\nours: exit %d\n%s%s\nKafka: exit %d\n%s%s", r.Case, strings.Join(r.Streams, ", "), r.Reason,
			r.Got.Exit, r.Got.Stdout, r.Got.Stderr, r.Want.Exit, r.Want.Stdout, r.Want.Stderr)
	}
}

func everyListedCaseIsThere(t *testing.T, list []corpus.Difference, results []corpus.Result) {
	t.Helper()
	played := map[string]bool{}
	for _, r := range results {
		played[r.Scenario+"/"+r.Case] = true
	}
	for _, d := range list {
		for _, c := range d.Cases {
			if !played[c.Scenario+"/"+c.Case] {
				t.Errorf("differences.txt lists %s/%s, which is no case", c.Scenario, c.Case)
			}
		}
	}
}

// TestDifferencesAreDocumented compares the list with docs/compat.md, whose
// table stands between two marks.
func TestDifferencesAreDocumented(t *testing.T) {
	const file, begin, end = "../docs/compat.md", "<!-- corpus: begin -->\n", "<!-- corpus: end -->"
	list, err := corpus.ReadDifferences("testdata/corpus", corpus.OnOurs)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(page), begin)
	have, _, closed := strings.Cut(after, end)
	if want := corpus.Table(list); !found || !closed || have != want {
		t.Errorf("the table in %s is not that of differences.txt; it should be\n%s", file, want)
	}
}

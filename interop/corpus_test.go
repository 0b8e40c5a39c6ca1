//go:build interop

package interop

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"schloss/internal/corpus"
	"schloss/internal/peers"
)

// ourTools runs the corpus's commands by our binary.
type ourTools struct {
	t      *testing.T
	binary string
	dir    string
}

func (o ourTools) command(ctx context.Context, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, o.binary, args...)
	cmd.Dir = o.dir
	return cmd
}

// A broker of Kafka's sees what its controller has changed a moment later, and
// tells nobody when. A tool in a JVM of its own never comes so soon.
var changing = []string{"--add", "--remove", "--create", "--alter", "--delete"}

func (o ourTools) Run(args []string, input string) (corpus.Outcome, error) {
	ctx, cancel := context.WithTimeout(o.t.Context(), time.Minute)
	defer cancel()
	r := run(o.t, o.command(ctx, args), input)
	for _, a := range args {
		if slices.Contains(changing, a) {
			time.Sleep(100 * time.Millisecond)
		}
	}
	return corpus.Outcome{Exit: r.code, Stdout: r.stdout, Stderr: r.stderr}, ctx.Err()
}

func (o ourTools) Start(args []string) (corpus.Running, error) {
	return corpus.StartCommand(o.command(context.Background(), args))
}

// TestCorpusOnKafka plays the corpus with our tools on real brokers. What
// differs there must be listed: as a difference of the tools on our broker, or
// of those on Kafka's.
func TestCorpusOnKafka(t *testing.T) {
	dir, err := filepath.Abs("../cli/testdata/corpus")
	if err != nil {
		t.Fatal(err)
	}
	scenarios, err := corpus.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []corpus.Difference
	for _, name := range []string{corpus.OnOurs, corpus.OnKafka} {
		each, err := corpus.ReadDifferences(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(each, list...)
	}
	for _, version := range []string{peers.Last3, peers.Newest} {
		t.Run(version, func(t *testing.T) {
			var results []corpus.Result
			for _, s := range scenarios {
				if s.Needs == "broker" || s.Needs == "authorizer" {
					t.Run(s.Name, func(t *testing.T) {
						results = append(results, judgeOnKafka(t, s, version, dir, list)...)
					})
				}
			}
			var table strings.Builder
			corpus.Print(&table, results)
			t.Logf("our tools on Kafka %s\n%s", version, table.String())
			if share := corpus.Share(results); share < 0.95 {
				t.Errorf("%.1f %% of the commands are equal; 95 are the least", 100*share)
			}
		})
	}
}

// judgeOnKafka plays one scenario on a broker of the release, and compares with
// what its tools did, or, where ours go with the other release, with that.
func judgeOnKafka(t *testing.T, s *corpus.Scenario, version, dir string, list []corpus.Difference) []corpus.Result {
	behind := filepath.Join(t.TempDir(), "behind")
	b, err := peers.StartBroker(t.Context(), s.Broker(version, behind))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
	}()
	binary, err := filepath.Abs(filepath.Join(binDir, "schloss"))
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	places := corpus.Places{"DIR": work, "SERVER": b.Plaintext, "DATA": filepath.Join(behind, "data")}
	if err := s.WriteFiles(work, places); err != nil {
		t.Fatal(err)
	}
	ours, err := s.Play(version, places, ourTools{t, binary, work})
	if err != nil {
		t.Fatal(err)
	}
	var recordings []corpus.Recording
	for _, v := range []string{peers.Last3, peers.Newest} {
		g, err := corpus.ReadGolden(dir, s.Name, v)
		if err != nil {
			t.Fatal(err)
		}
		recordings = append(recordings, corpus.Recording{Version: v, Golden: g})
	}
	if version == peers.Last3 {
		slices.Reverse(recordings)
	}
	judged := s.Judge(ours, recordings, list)
	for _, r := range judged {
		if r.Verdict == corpus.Different {
			t.Errorf("%s: differs in %s %s\nours: exit %d\n%s%s\nKafka: exit %d\n%s%s", r.Case, strings.Join(r.Streams, ", "), r.Reason,
				r.Got.Exit, r.Got.Stdout, r.Got.Stderr, r.Want.Exit, r.Want.Stdout, r.Want.Stderr)
		}
	}
	return judged
}

package mirror

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// fieldCases are what mirrors of others were broken by, and which test has it.
var fieldCases = []struct{ name, file, test string }{
	{"holes of compaction at the front, in the middle, at the end", "rebuild/rebuild_test.go", "TestRebuild"},
	{"an empty batch, a delete horizon", "raw_test.go", "TestJudge"},
	{"a source with the broker's timestamps", "rebuild/rebuild_test.go", "TestAppendTimeBecomesTheRecordsTime"},
	{"a record without a key to a compacted target", "suspect_test.go", "TestARefusedRecordIsFound"},
	{"a record larger than the target takes, or only its batch", "rebuild/rebuild_test.go", "TestRebuild"},
	{"a producer id that the target has given to another", "outbox_test.go", "TestOutboxTakesANewIdentity"},
	{"an aborted transaction across fetches, the marker of an earlier one", "aborted_test.go", "TestAbortedDrops"},
	{"an open transaction at the end", "mirror_test.go", "TestMirrorReadsCommitted"},
	{"a start inside a batch", "partition_test.go", "TestPartitionTake"},
	{"a new leader that has lost records", "changes_test.go", "TestTruncatedSource"},
	{"a topic deleted and made again while the mirror is down", "mirror_test.go", "TestMirrorHaltsWhenTheSourceHasLostRecords"},
	{"a topic deleted and made again while it runs", "changes_test.go", "TestRecreatedTopic"},
	{"retention passes the mirror; the group stands before the start or past the end", "mirror_test.go", "TestMirrorHaltsWhenTheSourceHasLostRecords"},
	{"partitions are added at the source", "changes_test.go", "TestPartitionsAreAddedAsTheSourceGrows"},
	{"the target has more partitions, a position on an empty partition, a pattern that selects nothing", "cases_test.go", "TestOddBeginnings"},
	{"one cluster under two addresses", "mirror_test.go", "TestMirrorRefusesToCopyAClusterOntoItself"},
	{"two clusters that copy the same topics to each other", "preflight_test.go", "TestMirrorsThatCopyTheSame"},
	{"a right that is taken away while it runs", "metrics_test.go", "TestMetricsOfAHaltedPartition"},
	{"a target that forces a codec, a window of timestamps", "preflight_test.go", "TestDifferences"},
	{"messages of formats v0 and v1", "../kafka/batch/old_test.go", "TestUpgradeOfKafkasOwn"},
	{"zstd, and every other codec", "mirror_test.go", "TestMirrorCopies"},
	{"a repetition that the target knows without its offset", "outbox_test.go", "TestOutboxDuplicateIsSuccess"},
	{"a bomb, a lying count, a bad length", "rebuild/rebuild_test.go", "TestDamageAndBombsAreNotPassedOn"},
	{"a source that throttles", "throttles_test.go", "TestThrottledFetches"},
	{"a target that throttles", "throttles_test.go", "TestThrottledProduces"},
	{"a target that has lost records", "journal_test.go", "TestATargetThatHasLostRecords"},
	{"as many, more, or fewer partitions, with keys where a producer of the target puts them", "keyhash_test.go", "TestKeysGoByTheirHash"},
	{"two batches for one partition in one request, of which Kafka takes one", "sender_test.go", "TestOnePartitionOnceInARequest"},
}

// TestFieldCasesAreTested finds the tests that the list names.
func TestFieldCasesAreTested(t *testing.T) {
	for _, c := range fieldCases {
		f, err := parser.ParseFile(token.NewFileSet(), c.file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == c.test {
				found = true
			}
		}
		if !found {
			t.Errorf("%s: no %s in %s", c.name, c.test, c.file)
		}
	}
}

func TestOddBeginnings(t *testing.T) {
	t.Run("the target has more partitions", func(t *testing.T) {
		w := newWorld(t, []kfake.Opt{kfake.SeedTopics(2, "a")}, []kfake.Opt{kfake.SeedTopics(5, "a")})
		w.produce("a", 2, 0, 30)
		w.start(nil, earliest, "")
		w.targetHas("a", 2, 30)
		if n := len(w.target.PartitionInfos("a")); n != 5 {
			t.Errorf("the target has %d partitions, want its 5", n)
		}
	})
	t.Run("a position on a partition that is empty", func(t *testing.T) {
		w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, nil)
		w.commit("a", 0, 12)
		m := w.start(nil, earliest, "")
		w.until("it halts", func() bool { return m.Snapshot().Halted() == 1 })
		if h := m.Snapshot().Partitions[0].Halt; h.Reason != SourceTruncated || h.Offset != 12 {
			t.Errorf("got %v", h)
		}
	})
	t.Run("a pattern that selects nothing yet", func(t *testing.T) {
		w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, nil)
		w.start(func(c *Config) { c.Include = "orders[.].*" }, "", "")
		w.until("it is told", func() bool { return len(w.told("no topic of the source matches")) == 1 })
		if err := w.source.CreateTopic("orders.new", 1, nil); err != nil {
			t.Fatal(err)
		}
		w.produce("orders.new", 1, 0, 10)
		w.targetHas("orders.new", 1, 10)
		if told := strings.Join(w.told(""), "\n"); strings.Contains(told, "topic a") {
			t.Errorf("told of a topic that is not selected: %s", told)
		}
	})
}

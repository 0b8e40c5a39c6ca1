//go:build interop

package interop

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/internal/peers"
)

// TestGroupsMoveToAnotherCluster mirrors a compacted topic and one with
// transactions from Kafka 3.9.1 to 4.3.1; a consumer that moves over reads
// exactly on, and back again.
func TestGroupsMoveToAnotherCluster(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	source := realBroker(t, peers.BrokerConfig{Version: peers.Last3, Settings: map[string]string{"log.cleaner.backoff.ms": "200"}})
	target := realBroker(t, peers.BrokerConfig{Version: peers.Newest})
	from, to := newCluster(t, source.Plaintext), newCluster(t, target.Plaintext)
	admin := kadm.NewClient(from.kgo)
	compact := map[string]*string{"cleanup.policy": kadm.StringPtr("compact"), "segment.ms": kadm.StringPtr("100"), "min.cleanable.dirty.ratio": kadm.StringPtr("0.01")}
	if _, err := admin.CreateTopics(ctx, 1, 1, compact, "keys"); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.CreateTopics(ctx, 1, 1, nil, "paid"); err != nil {
		t.Fatal(err)
	}
	for i := range 40 { // ten keys, over and over, in small segments
		if err := from.kgo.ProduceSync(ctx, &kgo.Record{Topic: "keys", Key: fmt.Appendf(nil, "%d", i%10), Value: fmt.Appendf(nil, "keys-%d", i)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if i%5 == 4 {
			time.Sleep(150 * time.Millisecond)
		}
	}
	payer := newCluster(t, source.Plaintext, kgo.TransactionalID("payer"))
	for i := range 20 {
		if err := payer.kgo.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for j := range 3 {
			if err := payer.kgo.ProduceSync(ctx, &kgo.Record{Topic: "paid", Value: fmt.Appendf(nil, "paid-%d-%d", i, j)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := payer.kgo.EndTransaction(ctx, i%4 != 3); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, 30*time.Second, func() error {
		all, err := from.valuesOf(ctx, "keys", 0)
		if err == nil && len(all) >= 40 {
			err = fmt.Errorf("the cleaner has not run: %d records", len(all))
		}
		return err
	})
	commit := func(c cluster, at map[string]int64) {
		t.Helper()
		var offsets kadm.Offsets
		for topic, o := range at {
			offsets.Add(kadm.Offset{Topic: topic, At: o, LeaderEpoch: -1, Metadata: "by " + topic})
		}
		if err := kadm.NewClient(c.kgo).CommitAllOffsets(ctx, "mover", offsets); err != nil {
			t.Fatal(err)
		}
	}
	f := newFolder(t)
	f.write("consumer.properties", "bootstrap.servers="+source.Plaintext+"\ngroup.id=mover-mirror\nauto.offset.reset=earliest\nisolation.level=read_committed\n")
	f.write("producer.properties", "bootstrap.servers="+target.Plaintext+"\n")
	f.write("source.properties", "bootstrap.servers="+source.Plaintext+"\n")
	commit(from, map[string]int64{"keys": 33, "paid": 22})
	mirror := f.spawn("bin/kafka-mirror-maker.sh --consumer.config consumer.properties --producer.config producer.properties --include 'keys|paid' --sync.groups mover --sync.groups.interval.ms 500 --emit.checkpoints east --offset.commit.interval.ms 500")
	// While the records are still being copied the group stands at their end.
	eventually(t, 40*time.Second, func() error {
		moved, err := kadm.NewClient(to.kgo).FetchOffsets(ctx, "mover")
		if err != nil {
			return err
		}
		for topic, was := range map[string]int64{"keys": 33, "paid": 22} {
			at, ok := moved.Lookup(topic, 0)
			if !ok {
				return fmt.Errorf("the target has no offset of %s", topic)
			}
			want, err := from.valuesOf(ctx, topic, was)
			if err != nil {
				return err
			}
			got, err := to.valuesOf(ctx, topic, at.At)
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) || len(got) == 0 {
				return fmt.Errorf("%s: the group reads on at %d with %v, want %v (%v)", topic, at.At, got, want, err)
			}
		}
		return nil
	})
	for _, version := range []string{peers.Last3, peers.Newest} {
		t.Run("RemoteClusterUtils of Kafka "+version, func(t *testing.T) {
			if err := f.translatesFor(ctx, version, to); err != nil {
				t.Error(err)
			}
		})
	}
	if code := mirror.end(20 * time.Second); code != 0 {
		t.Errorf("exit %d after SIGTERM, want 0", code)
	}
	back := f.must("bin/schloss mirror translate mover --reverse --bootstrap-server " + target.Plaintext + " --source source.properties")
	wants(t, back.stdout, "exact", "keys", "paid")
}

// translatesFor asks Kafka's own client where the group "mover" goes on, which
// must be where the mirror has moved it.
func (f folder) translatesFor(ctx context.Context, version string, to cluster) error {
	moved, err := kadm.NewClient(to.kgo).FetchOffsets(ctx, "mover")
	if err != nil {
		return err
	}
	want := ""
	for _, topic := range []string{"keys", "paid"} {
		at, _ := moved.Lookup(topic, 0)
		want += fmt.Sprintf("%s-0 %d [by %s]\n", topic, at.At, topic)
	}
	program, err := filepath.Abs("testdata/mirror/Translate.java")
	if err != nil {
		return err
	}
	if r := f.java(version, "", program, to.addr, "east", "mover"); r.code != 0 || r.stdout != want {
		return fmt.Errorf("exit %d, %q, want %q\n%s", r.code, r.stdout, want, r.stderr)
	}
	return nil
}

// valuesOf are the committed records of partition 0 from an offset on.
func (c cluster) valuesOf(ctx context.Context, topic string, from int64) (out []string, err error) {
	ends, err := kadm.NewClient(c.kgo).ListCommittedOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	end, _ := ends.Lookup(topic, 0)
	reader, err := kgo.NewClient(kgo.SeedBrokers(c.addr), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(from)}}))
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // aborted records at the end bring nothing
	defer cancel()
	for at := from; at < end.Offset && ctx.Err() == nil; {
		reader.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			if at = r.Offset + 1; !r.Attrs.IsControl() {
				out = append(out, string(r.Value))
			}
		})
	}
	return out, nil
}

// TestMirrorChaosBetweenKafkas runs the mirror's chaos test with real Kafka on
// both sides, which is killed too.
func TestMirrorChaosBetweenKafkas(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "mirror.test")
	if out, err := exec.Command("go", "test", "-c", "-o", binary, "../mirror").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for _, run := range []struct{ delivery, source, target string }{
		{"exactly-once", peers.Last3, peers.Newest},
		{"effectively-once", peers.Newest, peers.Last3},
	} {
		t.Run(run.delivery, func(t *testing.T) {
			seed := fmt.Sprint(time.Now().UnixNano() % 1_000_000)
			cmd := exec.Command(binary, "-test.run=TestChaos/"+run.delivery, "-test.v", "-test.timeout=0")
			cmd.Dir = "../mirror"
			cmd.Env = append(os.Environ(), "SCHLOSS_CHAOS_SEED="+seed, "SCHLOSS_CHAOS_KAFKA="+run.source+","+run.target)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("seed %s: %v", seed, err)
			}
			t.Logf("%s", out)
		})
	}
}

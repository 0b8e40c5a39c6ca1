package mirror

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// The target gives a transaction up because it took too long. The mirror goes
// on by itself, and nothing is lost or doubled.
func TestATransactionThatTakesTooLongIsRepeated(t *testing.T) {
	for _, release := range []struct {
		name     string
		versions *kversion.Versions
	}{{"3.9", kversion.V3_9_0()}, {"newest", kversion.Stable()}} {
		for _, held := range []kmsg.Key{kmsg.EndTxn, kmsg.Produce} {
			t.Run(release.name+"/"+held.Name(), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a")}, []kfake.Opt{kfake.SeedTopics(1, "a"), kfake.MaxVersions(release.versions)})
				w.produce("a", 1, 0, 30)
				m := w.start(promising(ExactlyOnce), earliest, "transaction.timeout.ms=500\n")
				w.until("the first are copied", func() bool {
					info := w.target.PartitionInfo("a", 0)
					return info.HighWatermark == 31 && info.LastStableOffset == 31
				})
				w.holdUntilAborted(held)
				w.produce("a", 1, 30, 60)
				w.until("the transaction is undone", func() bool { return len(w.told("a transaction was undone")) > 0 })
				w.produce("a", 1, 60, 80)
				w.until("all is copied", func() bool { return m.position("a", 0) == 80 })
				if err := m.stop(); err != nil {
					t.Fatal(err)
				}
				w.wantOnce(m, "a", 1, 80)
			})
		}
	}
}

// holdUntilAborted has the next request of a kind wait until the target has
// given up the transaction.
func (w *world) holdUntilAborted(key kmsg.Key) {
	end := w.target.PartitionInfo("a", 0).HighWatermark
	seen := false
	w.target.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
		if seen {
			return nil, nil, false
		}
		seen = true
		w.target.SleepControl(func() {
			w.until("the target gives the transaction up", func() bool {
				info := w.target.PartitionInfo("a", 0)
				return info.HighWatermark == info.LastStableOffset && info.HighWatermark > end
			})
		})
		w.target.DropControl()
		return nil, nil, false
	})
}

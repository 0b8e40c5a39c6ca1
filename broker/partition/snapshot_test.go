package partition

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"schloss/kafka"
	"schloss/kafka/batch"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Snapshots that a Kafka 3.9.1 broker wrote: of a partition without idempotent
// producers, and of one that a console producer sent 20 records to.
const (
	kafkaEmpty    = "000148674bc700000000"
	kafkaProducer = "0001f2d7cb87000000010000000000000000000000000013000000000000001300000013000001a2043951fcffffffffffffffffffffffff"
)

func TestSnapshotIsKafkas(t *testing.T) {
	p := NewProducers(time.Hour)
	if got, want := p.Snapshot(), unhex(t, kafkaEmpty); !bytes.Equal(got, want) {
		t.Errorf("empty: got %x, want %x", got, want)
	}
	p.Apply(batch.Header{ProducerID: 0, ProducerEpoch: 0, BaseSequence: 0, LastOffsetDelta: 19, Count: 20, BaseOffset: 0, MaxTimestamp: 1795367195132}, t0)
	if got, want := p.Snapshot(), unhex(t, kafkaProducer); !bytes.Equal(got, want) {
		t.Errorf("one producer: got %x, want %x", got, want)
	}
}

func TestSnapshotRoundTrip(t *testing.T) {
	p := NewProducers(time.Hour)
	p.Apply(at(sent(9, 4, 0, 3), 10), t0)
	p.Apply(at(sent(9, 4, 3, 2), 13), t0)
	p.Apply(at(sent(2, 0, 17, 1), 15), t0)
	marker := sent(5, 1, -1, 1)
	marker.Attributes = 0x30 // transactional and control
	p.Apply(at(marker, 16), t0)

	q := NewProducers(time.Hour)
	if err := q.Restore(p.Snapshot()); err != nil {
		t.Fatal(err)
	}
	if got, want := q.Snapshot(), p.Snapshot(); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	if v, err := q.Check(sent(9, 4, 3, 2), t0); err != nil || !v.Duplicate || v.Base != 13 {
		t.Errorf("last batch after restore: got %+v, %v, want a duplicate of 13", v, err)
	}
	if _, err := q.Check(sent(9, 4, 6, 1), t0); !errors.Is(err, kafka.ErrOutOfOrderSequenceNumber) {
		t.Errorf("a gap after restore: got %v, want %v", err, kafka.ErrOutOfOrderSequenceNumber)
	}
	if err := q.Replay(at(sent(9, 4, 5, 1), 17)); err != nil {
		t.Fatal(err)
	}
	if v, err := q.Check(sent(9, 4, 5, 1), t0); err != nil || !v.Duplicate || v.Base != 17 {
		t.Errorf("a replayed batch: got %+v, %v, want a duplicate of 17", v, err)
	}
}

func TestRestoreRefusesDamage(t *testing.T) {
	p := NewProducers(time.Hour)
	p.Apply(at(sent(9, 4, 0, 3), 10), t0)
	whole := p.Snapshot()
	for n := range whole {
		if err := p.Restore(whole[:n]); !errors.Is(err, ErrSnapshot) {
			t.Errorf("cut to %d bytes: got %v, want %v", n, err, ErrSnapshot)
		}
		bad := bytes.Clone(whole)
		bad[n] ^= 0x10
		if err := p.Restore(bad); !errors.Is(err, ErrSnapshot) {
			t.Errorf("byte %d changed: got %v, want %v", n, err, ErrSnapshot)
		}
	}
	if got := p.Snapshot(); !bytes.Equal(got, whole) {
		t.Errorf("state after refusals: got %x, want %x", got, whole)
	}
	if err := p.Restore(nil); err != nil || len(p.producers) != 0 {
		t.Errorf("no snapshot: got %v, %d producers, want the empty state", err, len(p.producers))
	}
}

func FuzzRestore(f *testing.F) {
	f.Add(unhex(f, kafkaEmpty))
	f.Add(unhex(f, kafkaProducer))
	f.Add([]byte{0, 1, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, in []byte) {
		p := NewProducers(time.Hour)
		if err := p.Restore(in); err != nil {
			if !errors.Is(err, ErrSnapshot) {
				t.Fatalf("got %v, want %v", err, ErrSnapshot)
			}
			return
		}
		if err := p.Restore(p.Snapshot()); err != nil {
			t.Fatalf("restore of our own snapshot: %v", err)
		}
	})
}

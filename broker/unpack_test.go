package broker

import (
	"testing"
	"testing/synctest"

	"schloss/kafka/batch"
)

// TestFewBatchesAreUnpackedAtATime takes every place: a compressed batch waits
// for one, an uncompressed batch does not.
func TestFewBatchesAreUnpackedAtATime(t *testing.T) {
	build := func(codec batch.Codec) batch.Batch {
		builder := batch.NewBuilder(codec)
		builder.Add(batch.Record{Value: []byte("v")})
		one, err := builder.Build()
		if err != nil {
			t.Fatal(err)
		}
		return one
	}
	synctest.Test(t, func(t *testing.T) {
		u := newUnpacking()
		for range cap(u) {
			u <- struct{}{}
		}
		if _, err := u.inspect(build(batch.None)); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := u.inspect(build(batch.Gzip))
			done <- err
		}()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("a compressed batch did not wait")
		default:
		}
		<-u
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if len(u) != cap(u)-1 {
			t.Errorf("%d places are taken, want %d", len(u), cap(u)-1)
		}
	})
}

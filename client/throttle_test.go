package client

import (
	"testing"
	"testing/synctest"
	"time"

	"schloss/kafka/wire"
)

func TestConnIsToBeSilent(t *testing.T) {
	for _, test := range []struct {
		name           string
		produce, fetch int16 // the broker's newest versions
		throttle       int32 // ms
		want           time.Duration
	}{
		{"for as long as the answer says", 12, 12, 1500, 1500 * time.Millisecond},
		{"no quota", 12, 12, 0, 0},
		{"no time", 12, 12, -7, 0},
		{"longer than any quota", 12, 12, 1 << 30, longestSilence},
		{"a broker that has held the answer back", silentProduce - 1, silentFetch - 1, 1500, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				known := versions(map[int16]versionRange{0: {3, test.produce}, 1: {4, test.fetch}, 18: {0, 4}})
				nc := script(t, func(h wire.RequestHeader, _ []byte) []byte {
					switch h.Key {
					case wire.ProduceKey:
						return (&wire.ProduceResponse{ThrottleMillis: test.throttle}).Append(nil, h.Version)
					case wire.FetchKey:
						return (&wire.FetchResponse{ThrottleMillis: test.throttle}).Append(nil, h.Version)
					}
					return known
				})
				c := NewConn(nc)
				defer c.Close()
				fetched, produced := &wire.FetchResponse{}, make(chan error, 1)
				if _, err := c.Fetch(t.Context(), &wire.FetchRequest{ReplicaID: -1}, fetched, nil); err != nil {
					t.Fatal(err)
				}
				if got := c.Silent(); got != test.want {
					t.Errorf("silent for %v after a fetch, want %v", got, test.want)
				}
				time.Sleep(test.want)
				if got := c.Silent(); got != 0 {
					t.Errorf("silent for another %v", got)
				}
				if err := c.Produce(t.Context(), produceOne(nil), func(_ *wire.ProduceResponse, err error) { produced <- err }); err != nil {
					t.Fatal(err)
				}
				if err := <-produced; err != nil || c.Silent() != test.want {
					t.Errorf("silent for %v after a produce (%v), want %v", c.Silent(), err, test.want)
				}
			})
		})
	}
}

// What is under way while the broker does not read is answered when it reads
// again: that is no broker that has died.
func TestConnWaitsForTheEndOfASilence(t *testing.T) {
	const silence, nap = 40 * time.Second, 20 * time.Second // together longer than a request may take
	for name, before := range map[string]bool{"what was being sent when it began": true, "what was sent all the same": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answer := make(chan struct{})
				answered := 0
				nc := script(t, func(h wire.RequestHeader, _ []byte) []byte {
					if h.Key == wire.ApiVersionsKey {
						return everything
					}
					resp := wire.ProduceResponse{}
					if answered++; answered == 1 {
						<-answer
						resp.ThrottleMillis = int32(silence.Milliseconds())
					} else {
						time.Sleep(silence + nap)
					}
					return resp.Append(nil, h.Version)
				})
				c := NewConn(nc)
				defer c.Close()
				done := make(chan error, 2)
				send := func() {
					if err := c.Produce(t.Context(), produceOne(nil), func(_ *wire.ProduceResponse, err error) { done <- err }); err != nil {
						done <- err
					}
				}
				begin := time.Now()
				send()
				if before {
					go send() // the pipe holds nothing: its write waits for the broker
					synctest.Wait()
				}
				close(answer)
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				if !before {
					send()
				}
				if err := <-done; err != nil || time.Since(begin) != silence+nap {
					t.Errorf("%v after %v, want an answer after %v", err, time.Since(begin), silence+nap)
				}
			})
		})
	}
}

package broker_test

import (
	"encoding/binary"
	"io"
	"math"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker"
	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/kafka/wire"
	"schloss/security/acl"
)

// framed is a request as it goes over the wire.
func framed(req kmsg.Request, version int16) []byte {
	req.SetVersion(version)
	frame := wire.AppendRequestHeader(make([]byte, 4), wire.RequestHeader{Key: req.Key(), Version: version, CorrelationID: 1, ClientID: "test"})
	frame = req.AppendTo(frame)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	return frame
}

// reset closes with a reset instead of a goodbye.
func reset(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}

// limited has the rights that let every API get to work, but none to make topics.
func limited(t *testing.T) *testkit.Broker {
	t.Helper()
	return testkit.Start(t, testkit.Options{Authorizer: true, ACLs: []acl.Binding{
		onTopic(kafka.All), onGroup(kafka.All), onCluster(kafka.Describe), onCluster(kafka.DescribeConfigs), onCluster(kafka.IdempotentWrite),
	}})
}

// TestAResetInTheMiddleOfEachRequest cuts each request at several places, and
// behind its end while it is worked on.
func TestAResetInTheMiddleOfEachRequest(t *testing.T) {
	b := limited(t)
	good := rawConnect(t, b)
	good.ask(t, kmsg.NewPtrApiVersionsRequest(), 0)
	before := runtime.NumGoroutine()
	for _, a := range broker.APIs() {
		w, ok := walk[a.Name]
		if !ok {
			continue
		}
		frame := framed(w.ask(hiddenTopic, hiddenGroup), a.Max)
		for _, cut := range []int{1, 4, 5, 12, len(frame) / 2, len(frame) - 1, len(frame)} {
			c := rawConnect(t, b)
			if _, err := c.Write(frame[:min(cut, len(frame))]); err != nil {
				t.Fatal(err)
			}
			if cut == len(frame) {
				time.Sleep(time.Millisecond) // so that it is sometimes worked on, and sometimes not
			}
			reset(t, c.Conn)
		}
	}
	good.ask(t, kmsg.NewPtrApiVersionsRequest(), 0)
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// TestCountsThatLieCostLittle writes the largest numbers over every place of
// every request, where they are lengths of arrays and texts, tags and what not.
func TestCountsThatLieCostLittle(t *testing.T) {
	const each = 512 << 10
	b := limited(t)
	largest := [][]byte{{0x7f, 0xff, 0xff, 0xff}, {0xff, 0xff, 0xff, 0xff, 0x0f}, {0x80, 0, 0, 0}, {0x7f, 0xff}}
	var before, after runtime.MemStats
	requests := uint64(0)
	runtime.ReadMemStats(&before)
	for _, a := range broker.APIs() {
		w, ok := walk[a.Name]
		if !ok || a.Name == "JoinGroup" || a.Name == "SyncGroup" { // they wait; FuzzHandle has them
			continue
		}
		frame := framed(w.ask(hiddenTopic, hiddenGroup), a.Max)
		for at := 8; at < len(frame); at += 1 + len(frame)/24 {
			for _, lie := range largest {
				lying := slices.Clone(frame)
				copy(lying[at:], lie)
				c := rawConnect(t, b)
				if _, err := c.Write(lying); err != nil {
					t.Fatal(err)
				}
				_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) // a fetch may wait for long now
				_, _ = io.CopyN(io.Discard, c, 1)
				_ = c.Close()
				requests++
			}
		}
	}
	runtime.ReadMemStats(&after)
	if took := (after.TotalAlloc - before.TotalAlloc) / requests; took > each {
		t.Errorf("a request takes %d bytes, %d are allowed", took, each)
	} else {
		t.Logf("%d requests, %d bytes each", requests, took)
	}
	rawConnect(t, b).ask(t, kmsg.NewPtrApiVersionsRequest(), 0)
}

// TestTagsWithoutEndAreRefused hangs more tagged fields on a request than any
// has, one that claims more than there is, and one field again and again.
func TestTagsWithoutEndAreRefused(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	req := kmsg.NewPtrMetadataRequest()
	plain := framed(req, 9)
	for name, tags := range map[string][]byte{
		"2^32 of them":         {0xff, 0xff, 0xff, 0xff, 0x0f},
		"one of 4 GB":          {1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f},
		"one, a million times": slices.Concat([]byte{0xc0, 0x84, 0x3d}, slices.Repeat([]byte{5, 0}, 1_000_000)),
	} {
		frame := append(plain[:len(plain)-1:len(plain)-1], tags...)
		binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
		c := rawConnect(t, b)
		_ = c.SetDeadline(time.Now().Add(patience))
		_, _ = c.Write(frame)
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: it was answered", name)
		} else if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			t.Errorf("%s: nothing came", name)
		}
	}
	rawConnect(t, b).ask(t, kmsg.NewPtrApiVersionsRequest(), 0)
}

// TestPeersThatReadNothingShareTheRoom asks for much on many connections and
// takes nothing. Who reads is served meanwhile.
func TestPeersThatReadNothingShareTheRoom(t *testing.T) {
	const peers, allowed = 40, 96 << 20
	b := testkit.Start(t, testkit.Options{Properties: map[string]string{"queued.max.request.bytes": "8388608"}})
	c := rawConnect(t, b)
	createTopic(t, c, "t", nil)
	value := strings.Repeat("v", 200<<10)
	for range 100 { // 20 MB
		if got := codes(c.ask(t, produceRequest("t", 1, build(t, nil, value)), 9)); got[0] != kafka.NoError {
			t.Fatal(got)
		}
	}
	fetch := askFetch("t", "").(*kmsg.FetchRequest)
	fetch.MaxBytes, fetch.Topics[0].Partitions[0].PartitionMaxBytes, fetch.MinBytes = math.MaxInt32, math.MaxInt32, 1
	runtime.GC()
	var before, during runtime.MemStats
	runtime.ReadMemStats(&before)
	for range peers {
		deaf := rawConnect(t, b)
		for range 4 {
			deaf.send(t, fetch, 11)
		}
	}
	for range 5 {
		got := c.ask(t, fetch, 11).(*kmsg.FetchResponse).Topics[0].Partitions[0].RecordBatches
		if len(got) < len(value) {
			t.Errorf("who reads gets %d bytes", len(got))
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&during)
	if took := int64(during.HeapAlloc) - int64(before.HeapAlloc); took > allowed {
		t.Errorf("%d peers that read nothing hold %d bytes, %d are allowed", peers, took, allowed)
	} else {
		t.Logf("%d peers that read nothing hold %d bytes", peers, took)
	}
}

package broker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker"
	"schloss/broker/listener"
	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/kafka/config"
	"schloss/security/audit"
	"schloss/security/principal"
	"schloss/store"
	"schloss/store/local"
)

// diskBroker is a broker on a disk that can crash, reached through a socket.
type diskBroker struct {
	*broker.Broker
	store    *local.Store
	listener *listener.Listener
}

// startOn may fail at any step when the power goes.
func startOn(fsys *disk.Fake) (*diskBroker, error) {
	p := config.NewProperties("test")
	p.Set("offsets.topic.num.partitions", "2")
	values, _, err := config.Server.Read(p)
	if err != nil {
		return nil, err
	}
	if err := fsys.Mkdir("/data"); err != nil {
		return nil, err
	}
	s, err := local.Open(fsys, []string{"/data"}, local.Options{FlushBeforeAck: true})
	if err != nil {
		return nil, err
	}
	if err := s.Metadata().Commit(store.Booted{Boot: s.Metadata().Image().Boot + 1}); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	var ids atomic.Uint32
	log := slog.New(slog.DiscardHandler)
	b := broker.New(broker.Config{Values: values, NewID: func() (id [16]byte) {
		id[0], id[15] = byte(s.Metadata().Image().Boot), byte(ids.Add(1))
		return id
	}}, broker.Deps{Logs: s.Logs(), Metadata: s.Metadata(), Leaders: s, Audit: audit.New(io.Discard, time.Now), Log: log, Now: time.Now})
	if err := b.Start(); err != nil {
		return nil, errors.Join(err, b.Close(), s.Close())
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	identify := func(context.Context, net.Conn) (principal.Principal, error) { return principal.Anonymous, nil }
	l := listener.New(listener.Config{Name: "T", Identify: identify}, socket, b)
	b.Advertise(map[string]broker.Endpoint{"T": {Host: "127.0.0.1", Port: int32(socket.Addr().(*net.TCPAddr).Port)}})
	go func() { _ = l.Serve() }()
	return &diskBroker{Broker: b, store: s, listener: l}, nil
}

func (d *diskBroker) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	// After a crash none of this can end well; it must end.
	_ = d.listener.Shutdown(ctx)
	_ = d.Close()
	_ = d.store.Close()
}

// commitOne commits a position for a group, the first of which makes
// __consumer_offsets, and says whether that was acknowledged.
func commitOne(t *testing.T, d *diskBroker) bool {
	nc, err := net.Dial("tcp", d.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	return codes((&rawConn{Conn: nc}).ask(t, walk["OffsetCommit"].ask("t", "g"), 8))[0] == kafka.NoError
}

// position is the position of that group, once it has been loaded.
func position(t *testing.T, d *diskBroker) int64 {
	nc, err := net.Dial("tcp", d.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	c := &rawConn{Conn: nc}
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		g := c.ask(t, walk["OffsetFetch"].ask("t", "g"), 8).(*kmsg.OffsetFetchResponse).Groups[0]
		switch code := kafka.ErrorCode(g.ErrorCode); {
		case code == kafka.NoError:
			return g.Topics[0].Partitions[0].Offset
		case code != kafka.ErrCoordinatorLoadInProgress || time.Now().After(deadline):
			t.Fatalf("ask for the group's position: %v", code)
		}
	}
}

// work creates a topic and produces to it one by one. It returns the values
// that were acknowledged, by offset.
func work(t *testing.T, d *diskBroker) map[kafka.Offset]string {
	acked := make(map[kafka.Offset]string)
	nc, err := net.Dial("tcp", d.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	c := &rawConn{Conn: nc}
	name := "t"
	if got := codes(c.ask(t, &kmsg.MetadataRequest{Topics: []kmsg.MetadataRequestTopic{{Topic: &name}}, AllowAutoTopicCreation: true}, 9)); got[0] != kafka.NoError {
		return acked
	}
	for i := range 12 {
		value := fmt.Sprintf("value-%d", i)
		p := c.ask(t, produceRequest("t", -1, build(t, nil, value)), 9).(*kmsg.ProduceResponse).Topics[0].Partitions[0]
		if p.ErrorCode == 0 {
			acked[kafka.Offset(p.BaseOffset)] = value
		}
	}
	return acked
}

// stored are the values that a consumer sees, by offset.
func stored(t *testing.T, d *diskBroker) map[kafka.Offset]string {
	found := make(map[kafka.Offset]string)
	nc, err := net.Dial("tcp", d.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	resp := (&rawConn{Conn: nc}).ask(t, askFetch("t", ""), 11).(*kmsg.FetchResponse)
	for rest := resp.Topics[0].Partitions[0].RecordBatches; len(rest) > 0; {
		one, more, err := batch.Split(rest)
		if err != nil {
			t.Fatal(err)
		}
		records, err := one.Records(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			found[r.Offset] = string(r.Value)
		}
		rest = more
	}
	return found
}

// TestPowerCutsTakeNothingThatWasAcknowledged pulls the power at every
// operation of a broker's first life, and lets every operation fail.
func TestPowerCutsTakeNothingThatWasAcknowledged(t *testing.T) {
	calm := disk.NewFake(1)
	d, err := startOn(calm)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(work(t, d)); got != 12 || !commitOne(t, d) {
		t.Fatalf("%d of 12 records, or not the commit, were acknowledged on a sound disk", got)
	}
	d.stop()
	ops := calm.Ops()
	for n := 1; n <= ops+1; n++ {
		for name, hurt := range map[string]func(*disk.Fake){
			"power cut": func(f *disk.Fake) { f.CrashAt(n) },
			"failure":   func(f *disk.Fake) { f.FailAt(n, errors.New("the disk is broken")) },
		} {
			fsys := disk.NewFake(uint64(n))
			hurt(fsys)
			acked, committed := map[kafka.Offset]string{}, false
			if d, err := startOn(fsys); err == nil {
				acked = work(t, d)
				committed = commitOne(t, d)
				if !fsys.Crashed() {
					fsys.Crash()
				}
				d.stop()
			}
			fsys.Restart(disk.KeepNothing)
			d, err := startOn(fsys)
			if err != nil {
				t.Fatalf("%s at operation %d of %d: start afterwards: %v", name, n, ops, err)
			}
			if len(acked) > 0 {
				found := stored(t, d)
				for offset, value := range acked {
					if found[offset] != value {
						t.Errorf("%s at operation %d of %d: offset %d holds %q, %q was acknowledged", name, n, ops, offset, found[offset], value)
					}
				}
			}
			if got := position(t, d); committed && got != 1 {
				t.Errorf("%s at operation %d of %d: the group is at %d, it committed 1", name, n, ops, got)
			}
			d.stop()
		}
	}
}

package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"schloss/kafka"
)

// oldBytes writes one message of format v0 or v1.
func oldBytes(m oldMessage) []byte {
	out := binary.BigEndian.AppendUint64(nil, uint64(m.offset))
	out = append(out, 0, 0, 0, 0, 0, 0, 0, 0) // length, CRC
	attributes := byte(m.codec)
	if m.logAppendTime {
		attributes |= oldLogAppendTimeBit
	}
	out = append(out, byte(m.magic), attributes)
	if m.magic == 1 {
		out = binary.BigEndian.AppendUint64(out, uint64(m.timestamp))
	}
	for _, field := range [][]byte{m.key, m.value} {
		if field == nil {
			out = append(out, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(field))), field...)
	}
	binary.BigEndian.PutUint32(out[lengthAt:], uint32(len(out)-prefixSize))
	binary.BigEndian.PutUint32(out[oldCRCAt:], crc32.ChecksumIEEE(out[magicAt:]))
	return out
}

// wrapped compresses messages into one.
func wrapped(t testing.TB, wrapper oldMessage, inner ...oldMessage) []byte {
	t.Helper()
	var set []byte
	for _, m := range inner {
		set = append(set, oldBytes(m)...)
	}
	value, err := appendCompressed(nil, wrapper.codec, set)
	if err != nil {
		t.Fatal(err)
	}
	if wrapper.codec == LZ4 && wrapper.magic == 0 { // the checksum as Kafka 0.8 and 0.9 counted it
		value[6] = byte(xxh32(value[:6]) >> 8)
	}
	wrapper.value = value
	return oldBytes(wrapper)
}

func old(magic int8, offset kafka.Offset, timestamp int64) oldMessage {
	return oldMessage{offset: offset, magic: magic, timestamp: timestamp, key: []byte("k"), value: fmt.Appendf(nil, "v%d", offset)}
}

func TestUpgrade(t *testing.T) {
	keyless := old(1, 8, 70)
	keyless.key = nil
	tombstone := old(0, 9, -1)
	tombstone.value = nil
	type set = []byte
	join := func(parts ...set) set { return bytes.Join(parts, nil) }
	for _, tt := range []struct {
		name string
		set  set
		want []string // of each batch: codec, offset@timestamp
	}{
		{"v0, plain", join(oldBytes(old(0, 3, -1)), oldBytes(tombstone)), []string{"none 3@-1 9@-1"}},
		{"v1, plain, thinned by compaction", join(oldBytes(old(1, 3, 50)), oldBytes(keyless)), []string{"none 3@50 8@70"}},
		{"v1, the broker's time", oldBytes(oldMessage{offset: 3, magic: 1, logAppendTime: true, timestamp: 99, value: []byte("v3")}), []string{"none 3@99"}},
		{"v0, gzip: offsets as they stand", wrapped(t, oldMessage{offset: 6, codec: Gzip}, old(0, 4, -1), old(0, 6, -1)), []string{"gzip 4@-1 6@-1"}},
		{"v0, lz4 with the old checksum", wrapped(t, oldMessage{offset: 5, codec: LZ4}, old(0, 4, -1), old(0, 5, -1)), []string{"lz4 4@-1 5@-1"}},
		{"v1, snappy: offsets from the wrapper's", wrapped(t, oldMessage{offset: 12, magic: 1, timestamp: 60, codec: Snappy}, old(1, 0, 50), old(1, 2, 60)), []string{"snappy 10@50 12@60"}},
		{"v1, lz4, the broker's time for all", wrapped(t, oldMessage{offset: 11, magic: 1, timestamp: 99, logAppendTime: true, codec: LZ4}, old(1, 0, 50), old(1, 1, 60)), []string{"lz4 10@99 11@99"}},
		{"v1, a wrapper at 0, as some librdkafka left it", wrapped(t, oldMessage{offset: 0, magic: 1, timestamp: 1, codec: Gzip}, old(1, 0, 50), old(1, 1, 60)), []string{"gzip 0@50 1@60"}},
		{"plain, compressed, plain", join(oldBytes(old(1, 1, 5)), wrapped(t, oldMessage{offset: 3, magic: 1, timestamp: 6, codec: Gzip}, old(1, 0, 5), old(1, 1, 6)), oldBytes(old(0, 4, -1))),
			[]string{"none 1@5", "gzip 2@5 3@6", "none 4@-1"}},
		{"cut short behind the first", join(oldBytes(old(1, 1, 5)), oldBytes(old(1, 2, 5))[:20]), []string{"none 1@5"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for rest := tt.set; len(rest) > 0; {
				b, behind, err := Upgrade(rest, 1<<20, 1<<20)
				if err == ErrShort {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if err := b.Check(); err != nil {
					t.Fatal(err)
				}
				records, err := b.Records(1 << 20)
				if err != nil {
					t.Fatal(err)
				}
				line := b.Attributes().Codec().String()
				for _, r := range records {
					line += fmt.Sprintf(" %d@%d", r.Offset, r.Timestamp)
					if r.Offset == 9 != (r.Value == nil) || r.Offset == 8 && r.Key != nil {
						t.Errorf("record %+v: null and empty are not the same", r)
					}
				}
				got, rest = append(got, line), behind
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestUpgradeOfKafkasOwn reads logs that Kafka 3.9.1 has written for topics with
// message.format.version 0.9.0 and 0.10.0; want.txt is what its
// DumpLogSegments says is in them.
func TestUpgradeOfKafkasOwn(t *testing.T) {
	want, err := os.ReadFile("testdata/old/want.txt")
	if err != nil {
		t.Fatal(err)
	}
	logs, err := filepath.Glob("testdata/old/*.log")
	if err != nil || len(logs) < 9 {
		t.Fatal(logs, err)
	}
	var got strings.Builder
	for _, log := range logs {
		rest, err := os.ReadFile(log)
		for len(rest) > 0 && err == nil {
			var b Batch
			if b, rest, err = Upgrade(rest, 1<<20, 1<<20); err != nil {
				break
			}
			var records []Record
			records, err = b.Records(1 << 20)
			for _, r := range records {
				fmt.Fprintf(&got, "%s %d@%d %s=%s\n", strings.TrimSuffix(filepath.Base(log), ".log"), r.Offset, r.Timestamp, r.Key, r.Value)
			}
		}
		if err != nil {
			t.Errorf("%s: %v", log, err)
		}
	}
	if got.String() != string(want) {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

func TestUpgradeOfManyPlainOnes(t *testing.T) {
	var set []byte
	for i := range kafka.Offset(100) {
		set = append(set, oldBytes(old(1, i, 5))...)
	}
	b, rest, err := Upgrade(set, 500, 1<<20)
	if err != nil || len(b) < 500 || len(b) > 600 || len(rest) == 0 {
		t.Errorf("got %d bytes, %d left, %v, want about 500", len(b), len(rest), err)
	}
}

func TestUpgradeRefuses(t *testing.T) {
	damaged := oldBytes(old(1, 7, 5))
	damaged[len(damaged)-1] ^= 1
	short := oldBytes(old(0, 7, -1))
	bomb := oldMessage{offset: 7, magic: 1, timestamp: 1, codec: Gzip}
	long := old(1, 0, 5)
	long.value = make([]byte, 1<<16)
	nested := old(1, 0, 5)
	nested.codec = Gzip
	lying := oldBytes(old(0, 7, -1))
	binary.BigEndian.PutUint32(lying[oldBodyAt:], 1<<30)
	binary.BigEndian.PutUint32(lying[oldCRCAt:], crc32.ChecksumIEEE(lying[magicAt:]))
	zstd := old(1, 7, 5)
	zstd.codec = Zstd
	for _, tt := range []struct {
		name, want string
		set        []byte
	}{
		{"a damaged message", "crc is", damaged},
		{"cut short", ErrShort.Error(), short[:len(short)-1]},
		{"nothing", ErrShort.Error(), nil},
		{"a key that is longer than the message", "do not fill", lying},
		{"a bomb", ErrTooLarge.Error(), wrapped(t, bomb, long)},
		{"compressed twice", "compressed itself", wrapped(t, bomb, nested)},
		{"v0 in v1", "of another format", wrapped(t, bomb, old(0, 0, -1))},
		{"empty when unpacked", "holds no message", wrapped(t, bomb)},
		{"offsets that go down", "cannot follow", wrapped(t, oldMessage{offset: 7, codec: Gzip}, old(0, 7, -1), old(0, 6, -1))},
		{"more before the first than there was", "last message is at", wrapped(t, oldMessage{offset: 1, magic: 1, codec: Gzip}, old(1, 0, 5), old(1, 9, 5))},
		{"a codec of a later format", ErrUnknownCodec.Error(), oldBytes(zstd)},
		{"a v2 batch", "magic is 2", append(make([]byte, magicAt), 2, 0, 0, 0, 0, 0, 0, 0, 0, 0)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, rest, err := Upgrade(tt.set, 1<<20, 1<<15)
			var corrupt *CorruptError
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(rest) != len(tt.set) {
				t.Fatalf("got %v, %d of %d bytes left, want %q", err, len(rest), len(tt.set), tt.want)
			}
			if errors.As(err, &corrupt) == (err == ErrShort) {
				t.Errorf("%v does not say where", err)
			}
		})
	}
}

func FuzzUpgrade(f *testing.F) {
	f.Add(oldBytes(old(0, 3, -1)))
	f.Add(wrapped(f, oldMessage{offset: 12, magic: 1, timestamp: 60, codec: Snappy}, old(1, 0, 50), old(1, 2, 60)))
	f.Add(wrapped(f, oldMessage{offset: 5, codec: LZ4}, old(0, 4, -1), old(0, 5, -1)))
	f.Add(wrapped(f, oldMessage{offset: 5, codec: Gzip}, old(0, 4, -1), old(0, 5, -1)))
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > magicAt { // let the fuzzer past the CRC
			length := int64(int32(binary.BigEndian.Uint32(in[lengthAt:])))
			if end := prefixSize + length; end >= minOldMessage && end <= int64(len(in)) {
				binary.BigEndian.PutUint32(in[oldCRCAt:], crc32.ChecksumIEEE(in[magicAt:end]))
			}
		}
		b, rest, err := Upgrade(in, 1<<10, 1<<16)
		if err != nil {
			return
		}
		if len(rest) >= len(in) {
			t.Fatal("nothing was consumed")
		}
		if err := b.Check(); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Records(1 << 20); err != nil {
			t.Fatal(err)
		}
	})
}

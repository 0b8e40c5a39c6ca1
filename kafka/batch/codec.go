package batch

import "fmt"

// Codec is how the records of a batch are compressed, by its code on the wire.
type Codec int8

// The codecs.
const (
	None Codec = iota
	Gzip
	Snappy
	LZ4
	Zstd
)

var codecNames = []string{"none", "gzip", "snappy", "lz4", "zstd"}

// String is the name that compression.type takes.
func (c Codec) String() string {
	if c < 0 || int(c) >= len(codecNames) {
		return fmt.Sprintf("codec %d", int8(c))
	}
	return codecNames[c]
}

package batch

import (
	"bytes"
	"encoding/binary"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

var (
	gzipWriters = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}
	lz4Writers  = sync.Pool{New: func() any { return lz4.NewWriter(nil) }}
	zstdWriters = sync.Pool{}
)

// appendCompressed appends payload to dst, compressed in the form in which
// Java's clients write it.
func appendCompressed(dst []byte, codec Codec, payload []byte) ([]byte, error) {
	switch codec {
	case None:
		return append(dst, payload...), nil
	case Gzip:
		return appendGzip(dst, payload)
	case Snappy:
		return appendSnappy(dst, payload), nil
	case LZ4:
		return appendLZ4(dst, payload)
	case Zstd:
		return appendZstd(dst, payload)
	}
	return nil, ErrUnknownCodec
}

func appendGzip(dst, payload []byte) ([]byte, error) {
	w := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(w)
	out := bytes.NewBuffer(dst)
	w.Reset(out)
	if _, err := w.Write(payload); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

// appendLZ4 writes independent blocks of 64 KiB, the only kind that Kafka's
// own decoder reads.
func appendLZ4(dst, payload []byte) ([]byte, error) {
	w := lz4Writers.Get().(*lz4.Writer)
	defer lz4Writers.Put(w)
	out := bytes.NewBuffer(dst)
	w.Reset(out)
	if err := w.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ConcurrencyOption(1), lz4.ChecksumOption(false)); err != nil {
		return nil, err
	}
	if _, err := w.Write(payload); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

// xerialBlock is the block size of Java's SnappyOutputStream.
const xerialBlock = 32 << 10

func appendSnappy(dst, payload []byte) []byte {
	dst = append(dst, xerialHead...)
	var block []byte
	for len(payload) > 0 {
		n := min(len(payload), xerialBlock)
		block = s2.EncodeSnappy(block[:cap(block)], payload[:n])
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(block)))
		dst = append(dst, block...)
		payload = payload[n:]
	}
	return dst
}

func appendZstd(dst, payload []byte) ([]byte, error) {
	w, _ := zstdWriters.Get().(*zstd.Encoder)
	if w == nil {
		var err error
		w, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return nil, err
		}
	}
	defer zstdWriters.Put(w)
	return w.EncodeAll(payload, dst), nil
}

package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// stream decompresses the payload of one batch after the other. What it holds
// in memory does not follow what the payload claims: at most a zstd window of
// maxStreamWindow, or the output of a block that is decoded at once, which is
// no longer than its bytes can give (see decodeWideZstd and snappyStream).
type stream interface {
	io.Reader
	reset(payload []byte, limit int) error
	release() // lets go of the payload
}

// streams keeps decoders, which are costly to make, by codec.
var streams = [...]sync.Pool{
	Gzip:   {New: func() any { return new(gzipStream) }},
	Snappy: {New: func() any { return new(snappyStream) }},
	LZ4:    {New: func() any { return new(lz4Stream) }},
	Zstd:   {New: func() any { return new(zstdStream) }},
}

type gzipStream struct {
	src bytes.Reader
	gzip.Reader
}

func (s *gzipStream) reset(payload []byte, _ int) error {
	s.src.Reset(payload)
	return s.Reader.Reset(&s.src)
}

func (s *gzipStream) release() { s.src.Reset(nil) }

type lz4Stream struct {
	src bytes.Reader
	*lz4.Reader
}

func (s *lz4Stream) reset(payload []byte, _ int) error {
	s.src.Reset(payload)
	if s.Reader == nil {
		s.Reader = lz4.NewReader(&s.src)
		return s.Reader.Apply(lz4.ConcurrencyOption(1))
	}
	s.Reader.Reset(&s.src)
	return nil
}

func (s *lz4Stream) release() { s.src.Reset(nil) }

const (
	// maxStreamWindow is what RFC 8878 wants every decoder to support. Java's
	// producer stays below it up to compression.zstd.level 19.
	maxStreamWindow = 8 << 20
	// maxWindow is the window of level 22, the largest that Kafka's own
	// decoder accepts.
	maxWindow = 128 << 20
	// maxZstdRatio is that of a run-length block: 4 bytes for 128 KiB.
	maxZstdRatio = 32 << 10
)

type zstdStream struct {
	src     bytes.Reader
	decoder *zstd.Decoder
	whole   bytes.Reader // the output of a frame decoded at once
	atOnce  bool
}

func (s *zstdStream) reset(payload []byte, limit int) (err error) {
	var h zstd.Header
	if err := h.Decode(payload); err != nil {
		return err
	}
	s.atOnce = h.WindowSize > maxStreamWindow
	if s.atOnce {
		out, err := decodeWideZstd(payload, &h, limit)
		s.whole.Reset(out)
		return err
	}
	s.src.Reset(payload)
	if s.decoder == nil {
		s.decoder, err = zstd.NewReader(&s.src, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxStreamWindow))
		return err
	}
	return s.decoder.Reset(&s.src)
}

func (s *zstdStream) Read(p []byte) (int, error) {
	if s.atOnce {
		return s.whole.Read(p)
	}
	return s.decoder.Read(p)
}

func (s *zstdStream) release() {
	s.src.Reset(nil)
	s.whole.Reset(nil)
}

// decodeWideZstd decodes a frame whose window is too wide to set memory aside
// for it on the frame's word: the output, which grows as it is proven, serves
// as the window. It ends at the limit or, as the decoder takes no window wider
// than its output may become, at the width of the window.
func decodeWideZstd(payload []byte, h *zstd.Header, limit int) ([]byte, error) {
	switch {
	case h.WindowSize > maxWindow:
		return nil, zstd.ErrWindowSizeExceeded
	case h.HasFCS && h.FrameContentSize > uint64(len(payload))*maxZstdRatio:
		return nil, fmt.Errorf("%d bytes of zstd cannot hold %d", len(payload), h.FrameContentSize)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(max(uint64(limit), h.WindowSize)))
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	out, err := decoder.DecodeAll(payload, nil)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		err = ErrTooLarge
	}
	return out, err
}

// xerialHead begins a stream of snappy blocks as Java's SnappyOutputStream
// writes it: magic, version, oldest compatible version. Each block follows its
// length in four bytes. Other clients write one bare block.
var xerialHead = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1}

const (
	xerialMagicSize = 8
	// maxSnappyRatio is above what the format reaches: 3 bytes copy 64.
	maxSnappyRatio = 64
	// keepSnappyOutput is how much of a block's output waits in the pool.
	keepSnappyOutput = 1 << 20
)

type snappyStream struct {
	rest   []byte // blocks not yet decoded
	framed bool
	limit  int
	out    []byte // of the newest block
	unread []byte // of out
}

func (s *snappyStream) reset(payload []byte, limit int) error {
	s.framed = len(payload) >= len(xerialHead) && bytes.HasPrefix(payload, xerialHead[:xerialMagicSize])
	if s.framed {
		payload = payload[len(xerialHead):]
	}
	s.rest, s.limit, s.unread = payload, limit, nil
	return nil
}

func (s *snappyStream) release() {
	s.rest, s.unread = nil, nil
	if cap(s.out) > keepSnappyOutput {
		s.out = nil
	}
}

func (s *snappyStream) Read(p []byte) (int, error) {
	for len(s.unread) == 0 {
		if len(s.rest) == 0 {
			return 0, io.EOF
		}
		block, err := s.nextBlock()
		if err != nil {
			return 0, err
		}
		n, err := s2.DecodedLen(block)
		switch {
		case err != nil:
			return 0, err
		case n > len(block)*maxSnappyRatio:
			return 0, fmt.Errorf("%d bytes of snappy cannot hold %d", len(block), n)
		case n > s.limit:
			return 0, ErrTooLarge
		}
		if s.out, err = s2.Decode(s.out[:cap(s.out)], block); err != nil {
			return 0, err
		}
		s.unread = s.out
	}
	n := copy(p, s.unread)
	s.unread = s.unread[n:]
	return n, nil
}

func (s *snappyStream) nextBlock() (block []byte, err error) {
	if !s.framed {
		block, s.rest = s.rest, nil
		return block, nil
	}
	if len(s.rest) < 4 {
		return nil, io.ErrUnexpectedEOF
	}
	n := int64(int32(binary.BigEndian.Uint32(s.rest)))
	if n < 0 || n > int64(len(s.rest)-4) {
		return nil, fmt.Errorf("length of a snappy block is %d, %d bytes are left", n, len(s.rest)-4)
	}
	block, s.rest = s.rest[4:4+n], s.rest[4+n:]
	return block, nil
}

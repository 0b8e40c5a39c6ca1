package keystore

import (
	"encoding/binary"
	"hash"
	"unicode/utf16"
)

// kdf are the inputs of PKCS#12's own key derivation (RFC 7292, appendix B).
type kdf struct {
	hash       func() hash.Hash
	password   []byte // as from bmpPassword
	salt       []byte
	iterations int
}

// What a derived key is for.
const (
	kdfKey byte = 1
	kdfIV  byte = 2
	kdfMAC byte = 3
)

// bmpPassword is a password in UTF-16 with a terminating zero.
func bmpPassword(password string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(password)) {
		b = binary.BigEndian.AppendUint16(b, unit)
	}
	return append(b, 0, 0)
}

func (o *opening) derive12(k kdf, purpose byte, length int) ([]byte, error) {
	h := k.hash()
	size, block := h.Size(), h.BlockSize()
	if err := o.effort.spend(k.iterations, (length+size-1)/size); err != nil {
		return nil, err
	}
	diversifier := fill([]byte{purpose}, block, 1)
	input := append(fill(k.salt, block, -1), fill(k.password, block, -1)...)
	var out []byte
	for len(out) < length {
		h.Reset()
		h.Write(diversifier)
		h.Write(input)
		a := h.Sum(nil)
		for range k.iterations - 1 {
			h.Reset()
			h.Write(a)
			a = h.Sum(a[:0])
		}
		out = append(out, a...)
		addToBlocks(input, fill(a, block, 1), block)
	}
	return out[:length], nil
}

// fill repeats b until it has the given number of blocks, or with -1 the least
// number that holds it.
func fill(b []byte, block, blocks int) []byte {
	if blocks < 0 {
		blocks = (len(b) + block - 1) / block
	}
	out := make([]byte, blocks*block)
	for i := range out {
		out[i] = b[i%len(b)]
	}
	return out
}

// addToBlocks adds b+1 to each block of input, modulo the block.
func addToBlocks(input, b []byte, block int) {
	for start := 0; start < len(input); start += block {
		carry := uint16(1)
		for i := block - 1; i >= 0; i-- {
			carry += uint16(input[start+i]) + uint16(b[i])
			input[start+i] = byte(carry)
			carry >>= 8
		}
	}
}

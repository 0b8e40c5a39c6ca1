package batch

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is the CRC the batch should have.
func (b Batch) sum() uint32 { return crc32.Checksum(b[attributesAt:], castagnoli) }

// headerSum is the CRC of the part of the header that the CRC covers.
func (b Batch) headerSum() uint32 { return crc32.Checksum(b[attributesAt:HeaderSize], castagnoli) }

// patchCRC corrects the CRC field after a change of the header, given the
// header's sum before. CRC32C is affine: for texts of equal length that share
// their last n bytes, the CRCs differ by the difference of the CRCs of what
// comes before, shifted by n bytes. The payload is not read.
func (b Batch) patchCRC(old uint32) {
	change := shiftCRC(old^b.headerSum(), uint64(len(b)-HeaderSize))
	binary.BigEndian.PutUint32(b[crcAt:], b.CRC()^change)
}

// reflected is the Castagnoli polynomial with the bits reversed: bit 31 is the
// coefficient of x^0, as in hash/crc32.
const reflected = crc32.Castagnoli

// one is the polynomial 1 in that order.
const one = uint32(1) << 31

// byteShifts[k] is x^(8*2^k) modulo the polynomial: a shift by 2^k bytes.
var byteShifts = func() (t [32]uint32) {
	t[0] = one >> 8
	for k := 1; k < len(t); k++ {
		t[k] = multiply(t[k-1], t[k-1])
	}
	return t
}()

// shiftCRC multiplies c by x^(8*n): what n more bytes do to a difference.
func shiftCRC(c uint32, n uint64) uint32 {
	for ; n != 0; n &= n - 1 {
		c = multiply(c, byteShifts[bits.TrailingZeros64(n)%len(byteShifts)])
	}
	return c
}

// multiply multiplies two polynomials over GF(2), modulo the Castagnoli one.
func multiply(a, b uint32) uint32 {
	var product uint32
	for ; a != 0; a <<= 1 {
		product ^= b & -(a >> 31)
		b = b>>1 ^ reflected&-(b&1)
	}
	return product
}

// Package offsetmap says where a record of the source stands in the target,
// and the other way round. It is pure.
//
// As long as both clusters count on side by side, one segment holds a whole
// partition, however long it is. A gap on either side (transaction markers,
// compaction, records left out) begins another. So a translation is exact, in
// both directions, at the cost of some bytes per gap.
//
//	source   0 1 2 3 4 5 . . 8 9 10       the markers 6 and 7 were not copied
//	target   0 1 2 3 4 5 6 7 8            segments: 0>0 x6, 8>6 x3
package offsetmap

package disk

import (
	"math/rand/v2"
	"slices"
)

// node is a file or directory of a Fake, in its two worlds: what a program
// sees, and what is on the disk for sure.
type node struct {
	dir bool

	data   []byte  // file: what a read gives
	disk   []byte  // file: what was synced
	writes []write // file: since then; disk with all of them is data, unless a sync failed

	names   map[string]*node // directory: what a program sees
	durable map[string]*node // directory: what was synced
	changes []change         // directory: since then
}

// write is one change of a file.
type write struct {
	at       int64 // with truncate: the new length
	bytes    []byte
	truncate bool
}

// change is one change of a directory: a creation (from is empty), a removal
// (to is empty) or a rename of node.
type change struct {
	from, to string
	node     *node
}

func newDir() *node {
	return &node{dir: true, names: map[string]*node{}, durable: map[string]*node{}}
}

func (w write) on(b []byte) []byte {
	end := w.at + int64(len(w.bytes))
	if grow := end - int64(len(b)); grow > 0 {
		b = append(b, make([]byte, grow)...)
	}
	if w.truncate {
		return b[:w.at:w.at]
	}
	copy(b[w.at:], w.bytes)
	return b
}

func (n *node) apply(w write) {
	w.bytes = slices.Clone(w.bytes)
	n.data = w.on(n.data)
	n.writes = append(n.writes, w)
}

func (n *node) syncData() {
	for _, w := range n.writes {
		n.disk = w.on(n.disk)
	}
	n.writes = nil
}

// dropCache shows what the disk holds. It differs from what was seen before
// only when a sync had failed.
func (n *node) dropCache() {
	n.data = slices.Clone(n.disk)
	for _, w := range n.writes {
		n.data = w.on(n.data)
	}
}

// on applies the change to names where it still can be: a removal or rename
// whose name is not there was preceded by a change that did not survive.
func (c change) on(names map[string]*node) {
	if c.from != "" {
		if names[c.from] != c.node {
			return
		}
		delete(names, c.from)
	}
	if c.to != "" {
		names[c.to] = c.node
	}
}

func (n *node) change(c change) {
	c.on(n.names)
	n.changes = append(n.changes, c)
}

func (n *node) syncNames() {
	for _, c := range n.changes {
		c.on(n.durable)
	}
	n.changes = nil
}

// crash leaves of the node and all below it what a power cut may.
func (n *node) crash(keep Survival, rng *rand.Rand) {
	if keep == KeepAll {
		return
	}
	if !n.dir {
		n.data = n.survivor(keep, rng)
		n.disk, n.writes = slices.Clone(n.data), nil
		return
	}
	for _, c := range n.changes {
		if keep == KeepSome && rng.IntN(2) == 0 {
			c.on(n.durable)
		}
	}
	n.names, n.changes = map[string]*node{}, nil
	for _, name := range sortedNames(n.durable) {
		child := n.durable[name]
		child.crash(keep, rng)
		n.names[name] = child
	}
}

// survivor is the content of a file after a crash. Each sector has a version
// after each write; any of them may be the one that reached the disk, and the
// file may have any length that it had, or one within the last write.
func (n *node) survivor(keep Survival, rng *rand.Rand) []byte {
	if keep == KeepNothing || len(n.writes) == 0 {
		return n.disk
	}
	versions := [][]byte{n.disk}
	for _, w := range n.writes {
		versions = append(versions, w.on(slices.Clone(versions[len(versions)-1])))
	}
	any := func() []byte { return versions[rng.IntN(len(versions))] }
	size := len(any())
	if short := len(n.disk); size > short && rng.IntN(2) == 0 {
		size = short + rng.IntN(size-short)
	}
	out := make([]byte, size)
	for at := 0; at < size; at += Sector {
		if v := any(); at < len(v) {
			copy(out[at:min(at+Sector, size)], v[at:])
		}
	}
	return out
}

func sortedNames(m map[string]*node) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

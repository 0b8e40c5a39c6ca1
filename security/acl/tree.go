package acl

import (
	"slices"
	"strings"
)

// tree maps strings to values: a radix tree whose nodes never change, so that
// an update copies only the nodes on its path. All keys that begin a given
// string lie on one path from the root, which is how prefixed patterns are
// found. The zero V means that a key is absent; nil is the empty tree.
type tree[V comparable] struct {
	label    string    // what the keys below have after the parent's; empty only at a root
	first    string    // the first byte of each child's label, ascending
	children []tree[V] // in the order of first; values, to be near one another
	value    V
}

// child is the one on the path of rest, or nil.
func (t *tree[V]) child(rest string) *tree[V] {
	if rest == "" {
		return nil
	}
	i := strings.IndexByte(t.first, rest[0])
	if i < 0 {
		return nil
	}
	return &t.children[i]
}

// get is the value of a key, or zero.
func (t *tree[V]) get(key string) (value V) {
	for t != nil {
		rest, ok := strings.CutPrefix(key, t.label)
		if !ok {
			break
		}
		if rest == "" {
			return t.value
		}
		t, key = t.child(rest), rest
	}
	return value
}

// along calls yield with every key that begins name, and its value, shortest
// first, until it says false.
func (t *tree[V]) along(name string, yield func(key string, value V) bool) bool {
	var zero V
	for rest := name; t != nil; t = t.child(rest) {
		var ok bool
		if rest, ok = strings.CutPrefix(rest, t.label); !ok {
			break
		}
		if t.value != zero && !yield(name[:len(name)-len(rest)], t.value) {
			return false
		}
	}
	return true
}

// with is the tree with the key's value replaced; zero removes the key.
func (t *tree[V]) with(key string, v V) *tree[V] {
	var zero V
	switch {
	case t == nil && v == zero:
		return nil
	case t == nil:
		return &tree[V]{label: key, value: v}
	}
	rest, ok := strings.CutPrefix(key, t.label)
	if !ok {
		if v == zero {
			return t
		}
		return t.split(key, v)
	}
	changed := *t
	if rest == "" {
		changed.value = v
		return changed.tidy()
	}
	i, found := slices.BinarySearch([]byte(t.first), rest[0])
	if !found {
		if v == zero {
			return t
		}
		changed.first = t.first[:i] + rest[:1] + t.first[i:]
		changed.children = slices.Insert(slices.Clone(t.children), i, tree[V]{label: rest, value: v})
		return &changed
	}
	child := t.children[i].with(rest, v)
	if child == nil {
		changed.first = t.first[:i] + t.first[i+1:]
		changed.children = slices.Delete(slices.Clone(t.children), i, i+1)
		return changed.tidy()
	}
	changed.children = slices.Clone(t.children)
	changed.children[i] = *child
	return &changed
}

// split makes room for a key that parts with t inside t's label.
func (t *tree[V]) split(key string, v V) *tree[V] {
	n := 0
	for n < len(key) && key[n] == t.label[n] {
		n++
	}
	lower := *t
	lower.label = t.label[n:]
	upper := tree[V]{label: t.label[:n], first: lower.label[:1], children: []tree[V]{lower}}
	return upper.with(key, v)
}

// tidy finishes a fresh copy of a node: it removes one that holds nothing, and
// joins one that only leads to another with it, so that equal contents have
// equal shapes.
func (t *tree[V]) tidy() *tree[V] {
	var zero V
	if len(t.children) == 0 {
		t.children = nil
	}
	switch {
	case t.value != zero || len(t.children) > 1:
		return t
	case len(t.children) == 0:
		return nil
	}
	joined := t.children[0]
	joined.label = t.label + joined.label
	return &joined
}

// each calls yield with every key and value in ascending order of the keys,
// until it says false.
func (t *tree[V]) each(yield func(string, V) bool) bool { return t.eachBelow("", yield) }

func (t *tree[V]) eachBelow(prefix string, yield func(string, V) bool) bool {
	if t == nil {
		return true
	}
	var zero V
	key := prefix + t.label
	if t.value != zero && !yield(key, t.value) {
		return false
	}
	for i := range t.children {
		if !t.children[i].eachBelow(key, yield) {
			return false
		}
	}
	return true
}

package acl

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// FuzzTree reads the input as keys to add and, after a '-', to remove, and
// holds the tree to a map of the same.
func FuzzTree(f *testing.F) {
	f.Add("a,ab,abc,-ab,b,-b,-zz")
	f.Add("test,team,t,,-team,te,-t")
	f.Add("\x00,\x00\x00,\xff,-\x00,\xffa")
	f.Fuzz(func(t *testing.T, script string) {
		var tr *tree[int]
		m := map[string]int{}
		for i, key := range strings.Split(script, ",") {
			if gone, ok := strings.CutPrefix(key, "-"); ok {
				tr = tr.with(gone, 0)
				delete(m, gone)
				continue
			}
			tr = tr.with(key, i+1)
			m[key] = i + 1
		}
		var keys []string
		tr.each(func(key string, v int) bool {
			keys = append(keys, key)
			if v != m[key] {
				t.Errorf("%q holds %d, want %d", key, v, m[key])
			}
			return true
		})
		if want := slices.Sorted(maps.Keys(m)); !slices.Equal(keys, want) {
			t.Fatalf("keys are %q, want %q", keys, want)
		}
		for key, v := range m {
			if tr.get(key) != v || tr.get(key+"\x00") != m[key+"\x00"] {
				t.Errorf("get(%q) = %d, want %d", key, tr.get(key), v)
			}
		}
	})
}

package config

import "strings"

// Nearest is the word among those given that a slip would most likely have
// meant, if one is near enough: equal but for case and separators, or one
// slip away, or two in words of eight letters and more.
func Nearest(word string, among []string) (string, bool) {
	plain := plainWord(word)
	limit := 1
	if len(word) >= 8 {
		limit = 2
	}
	best, bestDistance := "", limit+1
	for _, candidate := range among {
		if plainWord(candidate) == plain && plain != "" {
			return candidate, true
		}
		if d := distance(word, candidate, bestDistance-1); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best, bestDistance <= limit
}

var separators = strings.NewReplacer(".", "", "-", "", "_", "", " ", "")

func plainWord(s string) string { return strings.ToLower(separators.Replace(s)) }

// distance counts insertions, deletions, replacements and swaps of neighbours
// that turn a into b (optimal string alignment); limit+1 stands for anything
// above limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > limit {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit+1)
}

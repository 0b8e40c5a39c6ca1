package corpus

import (
	"fmt"
	"io"
	"slices"
)

// Verdict is what the comparison of one command found.
type Verdict string

// The verdicts. A command that both releases know, and answer differently, is
// equal when ours is as one of them.
const (
	Equal     Verdict = "equal"
	Explained Verdict = "explained"
	Different Verdict = "different"
)

// Result is one command, compared with the recordings of the releases.
type Result struct {
	Scenario, Case, Tool string
	Verdict              Verdict
	As                   []string // the releases that ours are equal to
	Streams              []string // where ours differ from the release that they are nearest to
	Reason               string
	Stale                bool // more is listed than differs
	Want, Got            Outcome
}

// Recording is what one release did in a scenario.
type Recording struct {
	Version string
	Golden  Golden
}

// Judge compares what ours did with the recordings, the newest last.
func (s *Scenario) Judge(ours Golden, recordings []Recording, list []Difference) []Result {
	var out []Result
	for i := range s.Cases {
		c := &s.Cases[i]
		got, played := ours[c.Name]
		if !played {
			continue
		}
		r := Result{Scenario: s.Name, Case: c.Name, Tool: c.Tool(), Got: got}
		recorded := false
		for _, rec := range recordings {
			want, ok := rec.Golden[c.Name]
			if !ok {
				continue
			}
			differ := c.Compare(want, got)
			if len(differ) == 0 {
				r.As = append(r.As, rec.Version)
			}
			if !recorded || len(differ) <= len(r.Streams) {
				r.Want, r.Streams = want, differ
			}
			recorded = true
		}
		if recorded {
			r.weigh(list)
			out = append(out, r)
		}
	}
	return out
}

// weigh gives the verdict. Words alone do not make a command different, for
// scripts do not read them; but they are listed, so that none changes unseen.
func (r *Result) weigh(list []Difference) {
	reason, excused, listed := find(list, r.Scenario, r.Case)
	r.Reason = reason
	r.Stale = listed && len(r.As) > 0
	switch {
	case len(r.As) > 0:
		r.Verdict = Equal
	case !listed || slices.ContainsFunc(r.Streams, func(stream string) bool { return !slices.Contains(excused, stream) }):
		r.Verdict = Different
	case slices.Equal(r.Streams, []string{Words}):
		r.Verdict = Equal
	default:
		r.Verdict = Explained
	}
	r.Stale = r.Stale || listed && len(excused) > len(r.Streams)
}

// Share is the part of the commands that are equal.
func Share(results []Result) float64 {
	equal := 0
	for _, r := range results {
		if r.Verdict == Equal {
			equal++
		}
	}
	return float64(equal) / float64(max(len(results), 1))
}

// Print writes the table of the tools and their verdicts.
func Print(w io.Writer, results []Result) {
	byTool := map[string]map[Verdict]int{}
	var names []string
	one := 0
	for _, r := range results {
		if byTool[r.Tool] == nil {
			byTool[r.Tool] = map[Verdict]int{}
			names = append(names, r.Tool)
		}
		byTool[r.Tool][r.Verdict]++
		if len(r.As) == 1 {
			one++
		}
	}
	slices.Sort(names)
	fmt.Fprintf(w, "%-30s %6s %10s %10s\n", "tool", Equal, Explained, Different)
	total := map[Verdict]int{}
	for _, name := range names {
		v := byTool[name]
		fmt.Fprintf(w, "%-30s %6d %10d %10d\n", name, v[Equal], v[Explained], v[Different])
		for verdict, n := range v {
			total[verdict] += n
		}
	}
	fmt.Fprintf(w, "%-30s %6d %10d %10d   %.1f %% equal\n", "all", total[Equal], total[Explained], total[Different], 100*Share(results))
	fmt.Fprintf(w, "as only one of the releases does: %d\n", one)
}

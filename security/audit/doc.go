// Package audit writes one JSON line for every denial.
//
// Identical denials inside a window are counted and written once more, with
// their number, when the window ends. What is remembered and what waits for
// the writer is bounded: a flood of different denials, or a writer that is
// stuck, ends in one line that counts the rest. Noting a denial never waits for
// the writer. A Log starts nothing: who owns it calls Run.
//
//	Denied > window (counted) > queue (bounded) > Run > one line each
package audit

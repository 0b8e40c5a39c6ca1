// Package audit writes one JSON line for every denial.
//
// Identical denials inside a window are counted and written once more, with
// their number, when the window ends. What is remembered is bounded: a flood
// of different denials ends in one line that counts the rest. A Log starts
// nothing: who owns it calls Tick now and then, and Flush at the end.
package audit

// Package lint holds the project's own rules as Go tests: the import table of
// docs/ARCHITECTURE.md, the fences around files, clock and output, and the
// size and documentation of packages. It has no code outside its tests.
package lint

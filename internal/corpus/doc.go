// Package corpus holds what Kafka's own tools print against what ours print.
//
//	cli/testdata/corpus/NAME.cases          the commands of a scenario, in their order
//	cli/testdata/corpus/NAME.VERSION.golden what the tool of that release did, recorded (make golden)
//	cli/testdata/corpus/differences.txt     where ours differ on purpose, with the reason
//
// A scenario is a sequence on one fresh broker, so each case stands on those
// before it. The recorder plays it with the tools and the broker of a release;
// make test plays it with ours in process; make interop plays it with our
// tools against the broker of each release. The comparison takes out what no
// script can rely on (normal.go), and nothing else.
package corpus

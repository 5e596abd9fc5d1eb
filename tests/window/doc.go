// Package window is the simulator of the window: it judges the rules by which changes of a table's
// window become statements (DESIGN section 8, fact 11), on a real server and with no tripod around.
//
// A history is a small table of one of many shapes, random transactions on it that really run
// and are really logged, and a dump of it in chunks, each seen at its own moment between a low and
// a high. A rule writes the dump and what the log says of (low, high] into a second table of
// the same server; then both have to hold the same rows, byte by byte.
//
// The real rules are those of package rewriter: the ordered lane, the keyed lane in its two steps, both
// with the account behind the high. They have to be right in every history. The naive rules
// (fact 11.5 and its neighbours) are the obvious ways that lose rows; they exist here only, and each
// has to be seen to fail, for a simulator in which they do not fail would not see the real ones fail.
//
// Everything in a history follows from its seed: even seeds make tables whose rows have a key, odd
// seeds tables without.
//
// What may not happen here: a statement of a real rule that is not the rewriter's, a row image that no
// server has logged, a state of the source that is not compared with the source itself.
package window

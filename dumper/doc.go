// Package dumper makes one backup: it reads definitions and chunks of tables without a lock
// that lasts, follows the source's log meanwhile, reads again what a statement made void, and
// writes the manifest when the archive covers everything.
//
//	run, finish       the order of a backup, from preflight to the manifest
//	watch, statement  the log's entries, as the rules of package bases want them
//	board             the rules' state between the goroutines
//	discovery         what is there
//	worker, table     one thing read after the other, each between two ticks
//	walk, bound, key  chunks in key order
//	parts, split      key ranges of one table, for workers that have nothing else to do
//	snapshot          tables without a key, in one read view
//	journal           what is finished, for the run that goes on with a killed one
//	killed, adoption  that run: whether it may, and from where
//	object            views, routines, triggers, events
//
// The rules themselves (R1 to R6, R11, R12) are package dumper/bases.
//
// What may not happen here:
//
//   - FLUSH, LOCK, or a read view or metadata lock held for longer than one chunk; the one
//     exception, the read of a table without a key that can be walked, is watched by a probe
//     and let go as soon as somebody waits behind it (promise 1);
//   - a read without the ticks around it, or one whose answer came from another server (W6);
//   - an error of the server taken for the absence of something before the log says so;
//   - a manifest before the archive covers floor to the highest high (W4).
package dumper

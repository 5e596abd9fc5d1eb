// Package pitr restores: it plans from the catalogue and a wish, loads chunks into a target,
// replays the archive on top of them up to the stop point, and finishes with what is no table.
//
// MakePlan gathers facts (manifests, the log between floor and stop, the target) and hands them
// to pure functions: which backup, which sides, what is in the way. The same director that plan
// asks "what does this statement do here" is asked by replay, so that a dry run ends as the
// restore would.
//
// What lies beneath, each in its package: director decides what the log means, lanes bring rows to the target,
// checkpoint keeps how far that is, target has the connections. Here is what sets them to work, and what reads and
// changes definitions on the target.
//
//	makeplan.go, choose.go, surveypart.go, scan.go, recoverable.go                  plan: backup, stop point, what the log does
//	targetfacts.go, checktarget.go, checks.go, demands.go, estimate.go             plan: the target
//	classes.go, keylesstables.go, rowsize.go                                       plan: what tables are behind the log, how long statements get
//	run.go, goon.go, unfinished.go                                                 the phases, and going on where a run was killed
//	load.go, loadlocal.go, loadtext.go, checkload.go, checktexts.go                load
//	droppeddefaults.go, kept.go                                                    load: defaults of columns, and of schemas that were there
//	archive.go, xa.go                                                              the log's entries, XA transactions where they are committed
//	replay.go, steps.go, carryout.go, tables.go, journal.go, foreignindex.go       replay: rows, statements, definitions (R7, R8)
//	parents.go, asides.go, takenname.go, nameindexes.go, helperindex.go, loose.go  replay: what a definition needs beside its statement
//	cascade.go                                                                     replay: what foreign keys changed without a trace in the log
//	expandview.go, defaultschema.go, finalnames.go, finish.go, createobject.go     what is no table, and last names
//	schemacomments.go, sessioncolumns.go, ownarchive.go                            what only some servers have, compute, or are
//
// Run goes through four phases. Load puts definitions and chunks into the target (rule A of
// fact 11: REPLACE, all keys in place). Replay walks the log from the backup's floor: rows by
// R7, statements by R8 with the session context of R10, fences by R9. Changes flow through two
// lanes: of tables with a key that compares as bytes the last image of each row is kept and
// written by several connections; all others go in commit order through one. Finish makes
// routines, views, triggers and events as they were at the stop point.
//
// With --verify=chunks what was loaded is read back in front of the replay (checkload.go). A check or
// foreign key that came into its table later than the log stands is set aside until then (asides.go).
//
// A restore that was killed goes on: notes of how far it is lie in a table on the target (see
// checkpoint.Table, checkpoint.Past), each written in the transaction of what it tells of where that can be.
// A run that goes on walks the same log again and carries out only what is not noted.
//
// What may not happen here:
//
//   - A statement whose effect depends on what the target happens to hold: whether a name
//     exists is told by the restore's own catalogue, never by the target.
//   - A row behind its table's window that is written without account (fact 11.9), but where a
//     killed run may have written it.
//   - Rows decoded by any definition but the one the target has at that moment (R7).
//   - An object dropped that this restore did not make, unless --force named it first.
//   - A privilege beyond those on the target schemas taken for granted (fact 10).
package pitr

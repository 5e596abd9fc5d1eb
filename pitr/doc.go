// Package pitr restores: it plans from the catalogue and a wish, loads chunks into a target,
// replays the archive on top of them up to the stop point, and finishes with what is no table.
//
// MakePlan gathers facts (manifests, the log between floor and stop, the target) and hands them
// to pure functions: which backup, which sides, what is in the way. The same director that plan
// asks "what does this statement do here" is asked by replay, so that a dry run ends as the
// restore would.
//
// Run goes through four phases. Load puts definitions and chunks into the target (rule A of
// fact 11: REPLACE, all keys in place). Replay walks the log from the backup's floor: rows by
// R7, statements by R8 with the session context of R10, fences by R9. Changes flow through two
// lanes: of tables with a key that compares as bytes the last image of each row is kept and
// written by several connections; all others go in commit order through one. Finish makes
// routines, views, triggers and events as they were at the stop point.
//
// A part of an instance (--tables, --rename) has a director that follows the lives of tables from
// name to name: lives.go tells what statements do to them, lineage.go goes back from the wanted
// ones to what they descend from, part.go carries out what is left. On the target a part renames
// nothing until Finish.
//
// With --verify=chunks what was loaded is read back in front of the replay (checkload.go). A check or
// foreign key that came into its table later than the log stands is set aside until then (asides.go).
//
// A restore that was killed goes on: notes of how far it is lie in a table on the target (see
// checkpoint.Table, checkpoint.Past), each written in the transaction of what it tells of where that can be. A run
// that goes on walks the same log again and carries out only what is not noted.
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

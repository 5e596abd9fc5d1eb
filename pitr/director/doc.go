// Package director decides what each statement and each rows event of the log means for a restore: what of it is
// carried out, on which table of the target, and what ends the restore.
//
// A Director holds the restore's own catalogue, which tables, schemas and other objects exist at this point of the
// log because the restore made them, and follows it statement by statement (R8); a Verdict is the answer for one.
// Plan and replay ask a director of their own the same questions, so that a dry run ends as the restore would.
//
//	director.go, tablestatements.go, schemastatements.go    statements on tables and schemas, all restored
//	objects.go, objectstatements.go, triggers.go            views, routines, triggers, events: kept for Finish
//	selection.go, renames.go, scope.go, lacking.go          what is asked for, and what a backup has of it
//	lives.go                                                what statements do to tables, from name to name
//	lineage.go, survey.go                                   which tables a part descends from
//	part.go, partwalk.go, partobjects.go, partparents.go    statements on a part, whose tables have one name each
//	limits.go, skip.go, units.go                            what cannot be replayed, is left out, need not be read
//	loads.go, constraintnames.go, spelled.go, newnames.go,
//	standins.go                                             definitions and names on the target
//
// A part of an instance (--tables, --rename) has a director that follows the lives of tables from name to name: lives
// tell what statements do to them, lineage goes back from the wanted ones to what they descend from, and a partWalk
// carries out what is left. On the target a part renames nothing until Finish.
//
// What may not happen here:
//
//   - I/O. Whatever is read of the log, the backup or the target is handed in; what only replay knows of the target's
//     tables it is told by Keyless, Class and Cascades.
//   - A decision that depends on what the target happens to hold: whether a name exists is told by the restore's own
//     catalogue.
//   - A guess. What cannot be told is refused, with the tables that it would make wrong and what to do about them.
package director

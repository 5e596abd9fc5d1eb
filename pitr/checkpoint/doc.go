// Package checkpoint keeps how far a restore has come, in a table on the target, for a run that goes on where a
// killed one was.
//
// Table writes notes. Each is written in the transaction of what it tells of, where that can be: rows with a Mark of
// the log in front of which all of them are there. DDL commits by itself; so a StatementNote is written before it
// and behind it, and a run that finds the first alone asks the target which of the two it is. Past is what all notes
// say, and answers what of the log is on the target already.
//
// What a note holds is defined here, whoever writes it: it is the format of a table that another run reads. Format
// is its version.
//
// What may not happen here:
//
//   - A note that says more than what is on the target for certain.
//   - A decision about what a restore does: it is told how far it is, not what to do.
package checkpoint

// Package bases decides what every name of a backup rests on: the rules R1 to R6, R11 and R12
// of the design as a state machine without I/O. It is fed with the log since floor (statements
// with the names they touch, row touches) and with what reads found (between which marks); it
// says what has to be read, or read again, when the backup is done, and what the manifest says
// about each name.
//
// What may not happen here: a server, a store, a clock or a goroutine; a side of a statement
// that is not computed by package storage/catalog, with which a restore computes it too; a
// table that is done alone (R6). Not safe for concurrent use: the owner serializes.
package bases

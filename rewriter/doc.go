// Package rewriter turns what a binlog says into statements for a target: row images into
// INSERT, REPLACE, UPDATE and DELETE, DDL into what is left of it under rules R8 and R10.
//
// Each rule has a file of its own: window.go (fact 11's rule A: the binlog wins), account.go
// (behind the window every change is held to account), keyless.go (rows told apart by their
// whole image), rename.go, drop.go, database.go, create.go, context.go, objects.go.
//
// The package is pure: no server, no clock, the same input gives the same text. It knows a
// table by its definition on the target (R7), never by what the source's table map says.
//
// What may not happen here:
//
//   - A value that is written or compared through anything but its exact literal (facts 6, 7).
//   - A generated column in a column list (fact 13.17), a column left to its default.
//   - A keyless row matched by collation instead of by bytes: `=` alone finds 'ABC' for 'abc',
//     0 for -0, and nothing at all in a SET of 64 members.
//   - A statement that is guessed at: what cannot be cut down to the names that execute is an error.
package rewriter

// Package ddl reads statements: which objects a text of the log touches, in which role, and
// whether it changes meaning, a definition only, or nothing (DESIGN section 5); and it reads
// SHOW CREATE TABLE into a schema.Table.
//
// Two questions, two tools. What a statement touches is answered by a tokenizer of our own,
// because the TiDB parser fails on, or silently drops, much that servers log (fact 8.16).
// Whether a statement is definition only is answered by the TiDB parser's tree alone; what
// does not parse changes meaning. So ignorance costs a second read, never a row.
//
// The package is pure: it asks no server, and it never panics, whatever bytes it is given.
// What may not happen here: a statement reported as touching less than it touches, a
// statement called definition only because something was not understood, and a rewrite that
// changes a byte it was not asked to change.
package ddl

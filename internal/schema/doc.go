// Package schema is the vocabulary for what a server holds: names and their quoting, tables
// with columns, keys and foreign keys, the identity of a row, and the class of a table, which
// says how it is made exact (DESIGN section 4).
//
// It is a leaf: it parses no SQL (package binlog/ddl reads SHOW CREATE TABLE into a Table)
// and asks no server. What may not happen here: a judgement about a table that needs more
// than its definition.
package schema

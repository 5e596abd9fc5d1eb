// Package event reads the binlog of MySQL, or of MariaDB, from its raw bytes: events, transactions,
// table maps, row images and exact values.
//
// Parser turns the bytes of one event into typed events (several for a compressed transaction).
// Assembler groups the events of a stream into entries: transactions, DDL statements, the two
// halves of XA transactions. Image gives access to one row without a Go value per column,
// AppendLiteral prints a column as the SQL literal that stores exactly the same value, AppendJSON
// prints a stored JSON document as the server itself prints it, Compatible tells whether a
// table map fits a table's definition (R7).
//
// # Ownership
//
// Parser.Parse takes the bytes as they stand in the file and returns events that alias them:
// they are valid until the caller reuses the buffer. What outlives an event is copied: table
// maps, the entries of an Assembler with their queries. Hooks of an Assembler get events that
// are valid until the hook returns; Clone methods make copies that last.
//
// # What may not happen here
//
//   - A panic, or a wrong value, for malformed bytes: every length is checked, and the error
//     names the event type and the offset inside the event.
//   - A guess: an event type, a column type or a metadata field that is not known is an error
//     unless its writer marked it as ignorable.
//   - A transaction's rows collected in memory: they are passed on as they come, compressed
//     transactions are decompressed event by event.
//   - Rows that their transaction takes back (savepoint.go) told as such that stand to whoever reads the log a second
//     time: that is an error, and what can only be guessed says so (Entry.UndoneUnclear).
//   - A Go value between a stored value and its literal (fact 6.4): FLOAT, DECIMAL, JSON and
//     temporal values are printed from their bytes.
package event

// Package history judges tripod: a seeded random history of transactions and DDL on a real
// source, a backup beside it, and restores to several stop points, each compared row by row
// and byte by byte with what the source held at that moment (promise 2). AUTO_INCREMENT counters
// and definers, which a restore may have to change, are compared by rules of their own.
//
// DDL is aimed: the source itself is asked which tables the backup is reading at the moment, and
// statements that change what their rows mean are sent at these, so that the rules of DDL are
// tried. A soak fails if that was so in fewer than 9 of 10 histories.
//
// By seed are: the tables and their rows before the history, how archiver and backup begin,
// threads, chunk size and the time between chunks, the order of stop points, who may set
// definers, and the random numbers that the transactions of each session, and the DDL, are made
// from. By timing are: which rows and tables these meet, which table is being read
// when DDL is aimed, how much of a history lies inside the backup, and where stop points fall. So
// a seed makes a history of the same shape again, not the same history; what a failed one held is
// kept with -keep.
//
// tripod is run as the program that users run, through its commands, flags, exit codes and
// JSON fields only. The truth (contents, definitions, objects) is taken while the writers
// pause. What may not happen here: knowledge of tripod's packages, a comparison that
// forgives, or a wait for a fixed time instead of a condition.
package history

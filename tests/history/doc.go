// Package history judges tripod: a seeded random history of transactions and DDL on a real
// source, a backup beside it, and restores to several stop points, each compared row by row
// and byte by byte with what the source held at that moment (promise 2). AUTO_INCREMENT counters
// and definers, which a restore may have to change, are compared by rules of their own.
//
// DDL is aimed: the source itself is asked which tables the backup is reading at the moment, and
// statements that change what their rows mean are sent at these, so that the rules of DDL are
// tried. A soak fails if that was so in fewer than 9 of 10 histories.
//
// # Features
//
// What a history may hold is switched by features ([Feature]): kinds of tables, statements of sessions, settings, DDL,
// flags, kills and further comparisons. A seed draws them, each by its share of seeds; -features a,b has them in any
// case, -without c,d leaves them out, and either takes all. A feature that was switched on and did nothing (no
// statement on its tables, none of its DDL, nothing in the log, nothing done by its transactions or comparisons) fails the history. A
// soak prints, of each, in how many histories it was, how often it did at least what it has to do, and where its DDL
// fell: before, inside or behind the backup.
//
// To add one:
//
//  1. A file of its own with a variable of type Feature, and the variable at the end of the list in features.go.
//  2. Where a running server takes the setting: Globals, Session (at the begin of a session) and Between (in
//     mid-flight). Where it has to be started with it: Server.
//  3. Tables with the shapes that it needs; writers change their rows as those of any other. Statements that the common
//     transactions never send: Transaction. What has to stay open between transactions, at stop points too: Beside.
//     Both send with the writer's exec, which records, return how often they did it, and add their commits to committed.
//  4. DDL, with its nature: meaning and staying are what aims it at tables being read, setsBack what makes a table's
//     counter unsure; idling is for settings.
//  5. Logged: what mysqlbinlog prints of each, so that the archive itself proves that it was there.
//  6. Not: why it cannot be with other settings (GTIDs) or servers.
//  7. A Share. One that costs seconds, or a server of its own, has a small one. Where the product refuses it as yet, 0:
//     it is tried by name only.
//
// compression.go, checksum.go and partitions.go are short examples.
//
// # Kinds of servers
//
// A history is on servers of one kind ([Kind], kinds.go): what its source is, what it is restored into, and which features such a
// source has; -kind and -into name them, a soak goes by its setting, and a seed draws the target where there are several. What a
// kind knows by another name is spelled so in the definitions of features; what it lacks is left out, with why. Where source and
// target are of different kinds, definitions are compared as the target prints them ([truth.Truth.PrintedBy]), and only what
// docs/limits.md tells to differ is left out of that.
//
// # Time
//
// A soak has many seeds, and so its histories are to be cheap (-quick, [Config.Quick]): two stop points of kinds that the seed draws,
// one at most of the restores that features add, fewer and smaller tables, and chunks and transactions that follow each other in a
// rhythm of their own, so that the backup, which every restore has to replay, is short. What is compared of each restore is the same as
// ever. Servers have options that spare the processors and change nothing of what they hold and log (Kind.cheaper); they, store
// and spool lie in memory. A soak ends with the seconds of a history by its parts, as the clock has them, and by its processes, as
// the processors do: the latter do not depend on what else the machine does.
//
// # Seeds
//
// By seed are: the features, the tables and their rows before the history, how archiver and backup begin,
// threads, chunk size and the time between chunks, the order of stop points, who may set
// definers, and the random numbers that the transactions of each session, and the DDL, are made
// from. By timing are: which rows and tables these meet, which table is being read
// when DDL is aimed, how much of a history lies inside the backup, and where stop points fall. So
// a seed makes a history of the same shape again, not the same history.
//
// # Records
//
// What makes a failed history the same again is its record: every statement of every session, in the order in which
// they were done, with the places of the backup's begin and end, of its chunks and of the stop points. It is kept with
// -keep, beside store and logs. A replay (make history RECORD=file) sends the statements one after the other, holds
// the backup at a gate in front of each chunk until the record comes to it, and restores the stop point that failed. The
// commands and what they say are compared by kind only: which command ended with which exit code, or that rows differ.
//
// A history that fails again in a replay is made smaller, as long as it fails in the same way: whole tables go first,
// then transactions, then statements, first rows and chunks (-shrink 5m bounds the time). What needs statements that run
// side by side, kills, or the gap between two ticks does not fail in a replay; then the history says so, and record, store
// and logs are what there is. Tables without a key are read without the gate, and restores of parts are not repeated.
//
// tripod is run as the program that users run, through its commands, flags, exit codes and
// JSON fields only. The truth (contents, definitions, objects) is taken while the writers
// pause. What may not happen here: knowledge of tripod's packages, a comparison that
// forgives, or a wait for a fixed time instead of a condition.
package history

// Package history judges tripod: a seeded random history of transactions and DDL on a real
// source, a backup beside it, and restores to several stop points, each compared row by row
// and byte by byte with what the source held at that moment (promise 2).
//
// tripod is run as the program that users run, through its commands, flags, exit codes and
// JSON fields only. The truth (contents, definitions, objects) is taken while the writers
// pause. What may not happen here: knowledge of tripod's packages, a comparison that
// forgives, or a wait for a fixed time instead of a condition.
package history

// Command tripod backs up MySQL without a lock, archives its binlog without a break, and
// restores any second into any server it may write to.
//
// One file per command. This is the only place that reads the environment, draws on a
// terminal or ends the process; everything else is wired here and lives in the packages
// below. What may not happen here: a decision about rows, positions or statements.
package main

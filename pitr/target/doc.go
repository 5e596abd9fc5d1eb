// Package target holds the connections to the server that is restored into, all of one kind: the settings that
// every session of a restore has (fact 10.1), those that follow a statement of the log (R10), and the locks that
// tell other runs that this one is alive.
//
// Open finds out what the account may change. A Session runs statements and reads answers of any size that people
// write; a RowSession writes rows and reads tables, of which none lies in memory as a whole (promise 8). What every
// writer of rows has to know of the server is here too: its modes, how long a packet may be, and which errors mean
// that a transaction may be tried again.
//
// What may not happen here:
//
//   - A connection that goes back to a pool: its settings and its lock end with it.
//   - Anything that knows of plans, logs or tables of the restore.
package target

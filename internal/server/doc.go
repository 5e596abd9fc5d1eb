// Package server is one MySQL server as tripod sees it, source or target: its address, its
// connections with a session in which reading is exact, its facts (flavour, version,
// settings), what the account may do, and the raw connection whose row packets become chunks.
//
// What may not happen here:
//
//   - a session whose settings were not read back: the server's globals and init_connect would
//     otherwise truncate chunks or show uncommitted rows (fact 15.12);
//   - two servers behind one Server: every connection reads the identity when it opens, and one
//     that answers with another is refused (W6);
//   - a password in an error, a log line, a URL or a process list: it lives in a Secret;
//   - a statement that takes a lock which outlives it, or that needs more than SELECT and
//     REPLICATION CLIENT.
package server

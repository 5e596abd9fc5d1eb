// Package stream is tripod's replication client: it asks a server for its binlog from a place
// in a file on and hands out the file's bytes, event by event.
//
// Stream is one connection. Follower goes on over many: it reconnects with back-off, proves
// that the server still has the history that was read before, and hands out every byte once.
//
// What may not happen here:
//
//   - A byte that does not stand in the file: fake ROTATE events, heartbeats and repeated
//     format descriptions are consumed here. Offsets are counted by event sizes in 64 bits;
//     the 32-bit LogPos of an event is only compared.
//   - A position beyond 4 GiB asked for: the protocol has 32 bits and would start elsewhere.
//   - Bytes of another history taken for the next ones (fact 13.9): server uuid, the file's
//     format time, and the bytes before the place of resumption are compared on every connect.
//   - A dead connection waited for: the server is asked for heartbeats, and silence ends the
//     connection (fact 13.6).
//   - An answer of the semi-synchronous protocol: nothing here makes a commit wait.
package stream

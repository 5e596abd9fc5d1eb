// Package source is what tripod knows about the moment of a read: the watermark clock of a
// source server, the translation of its ticks into log positions, the row barrier and exact
// positions for tables without keys, and the findings about whether a source can be backed up.
//
// What rests on it are the invariants W1 (nothing invisible to a read is in its low), W2
// (nothing visible to it is past its high), W5 and W6 of the design. What may not happen here:
//
//   - a low mark made from the high one or the other way round, or from a statement that runs
//     ahead of visibility: file:pos alone, or "received on the stream" (facts 1.1, 1.6);
//   - a high mark from gtid_executed, which runs behind visibility (fact 1.4);
//   - a tick whose two samples come from two servers, or from another server than the first tick;
//   - a statement that needs more than REPLICATION CLIENT, or BACKUP_ADMIN where it is held.
package source

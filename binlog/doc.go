// Package binlog holds the words in which every other package speaks of a source's log:
// Position, Timeline, GTID, GTIDSet, Time, Window (with the only comparison of a log entry
// against it) and StopPoint.
//
// It is a leaf: no I/O, no servers, no stores. What may not happen here or anywhere:
//
//   - W5: a low and a high watermark derived one from the other, or file positions of
//     different timelines compared. Position.Compare panics on the latter, because a guess
//     would lose rows silently.
//   - Files ordered by name: binlog.999999 comes before binlog.1000000 (FileNumber).
package binlog

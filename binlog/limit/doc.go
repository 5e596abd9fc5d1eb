// Package limit tells which entries of the log end the range of their tables: those whose effect
// a replay cannot make exact.
//
// Facts and verdict are apart. A Collector reads the facts off an entry's events: what it is, and
// which tables it changes (segment.Limit). Cause is the verdict of this version on a kind of
// fact. Archive, list, plan and replay all ask these two, so none of them promises what another
// refuses; a version that learns to replay a kind changes Cause, and every archive that was
// written before is judged anew.
//
// Whether a limit ends the range of a restore is not decided here: that depends on what a backup
// has read behind it (package pitr).
package limit

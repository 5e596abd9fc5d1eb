// Package replayspeed measures how fast a restore replays what sysbench wrote, beside mysqlbinlog
// piped into mysql: the same log, into servers of the same settings, in one run. Behind it both
// targets are compared with the source.
//
// What may not happen here: a number that is told without its rows being equal, or one of
// the two being given data, settings or a log that the other does not get.
package replayspeed

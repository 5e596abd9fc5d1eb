// Package verify reads a store and says what is wrong with it: objects that are missing,
// altered, unreadable or of a newer version, segments that do not join, windows of backups that
// the archive does not cover. With Deep it reads every byte and proves every hash.
//
// It runs beside archivers and backups: what seems wrong is looked at again before it is told,
// since an object may come or go between a listing and a read. It streams: one manifest and the
// headers of one binlog file are in memory, bodies never are.
//
// What may not happen here: a write to the store; a problem that a second look does not see; one
// broken object that hides the others.
package verify

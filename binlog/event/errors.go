package event

import "errors"

// Sentinels of what a caller can do about an error.
var (
	// ErrMalformed: the bytes are no event: truncated, altered, or not at an event boundary.
	ErrMalformed = errors.New("malformed binlog event")
	// ErrChecksum: the event's CRC32 does not fit its bytes.
	ErrChecksum = errors.New("checksum of binlog event does not match")
	// ErrNoFormat: an event came before the file's format description.
	ErrNoFormat = errors.New("no format description event yet")
	// ErrNoTableMap: a rows event came without its table map, for reading began inside a statement.
	ErrNoTableMap = errors.New("no table map for rows event")
	// ErrUnsupported: an event, a column type or a value that tripod does not read (yet).
	ErrUnsupported = errors.New("not supported")
	// ErrIncompatible: a table map does not fit the table's definition (R7).
	ErrIncompatible = errors.New("table map does not fit the table's definition")
)

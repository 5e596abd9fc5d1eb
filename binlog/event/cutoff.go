package event

import (
	"encoding/binary"
	"fmt"

	"github.com/tripod-db/tripod/binlog"
)

// createdOffset is where a format description event says when the server was started, 0 where it had
// not just been: behind the header, a version of 2 bytes and that of the server.
const createdOffset = HeaderSize + 2 + serverVersionSize

// OnCutOff sets the hook that is called for an entry that has no end because the server was killed
// while it wrote it: MySQL takes such a rest out of the file when it starts again, MariaDB leaves it there
// and goes on in the next file, where its GTID may come again. The entry was never committed; what
// hooks were told of its rows does not count. Without the hook such an entry is an error.
func (a *Assembler) OnCutOff(fn func(*Entry) error) { a.onCutOff = fn }

// cutOff drops the open entry where the event is the first of a file that a server began when it was started.
func (a *Assembler) cutOff(at binlog.Position, raw []byte) (bool, error) {
	if a.entry == nil || a.onCutOff == nil || at.File == a.position.File || at.Pos != binlog.FirstOffset || !a.Format().MariaDB() ||
		len(raw) < createdOffset+4 || Type(raw[4]) != TypeFormatDescription || binary.LittleEndian.Uint32(raw[createdOffset:]) == 0 {
		return false, nil
	}
	e := a.entry
	a.reset()
	if err := a.onCutOff(e); err != nil {
		return false, fmt.Errorf("read binlog at %s: the entry that began at %s was cut off: %w", at, e.Start, err)
	}
	return true, nil
}

// reset forgets the open entry.
func (a *Assembler) reset() {
	a.entry, a.inside, a.ended, a.touches, a.queryBytes = nil, false, false, nil, 0
	a.savepoints, a.standing, a.unforeseen = savepoints{}, standing{}, false
}

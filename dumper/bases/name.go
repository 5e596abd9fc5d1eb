package bases

import (
	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// fate is what the first thing behind floor that names a table says about its past (R1).
type fate int

const (
	unseen  fate = iota
	made         // it was not there: the log makes it
	existed      // it was there
)

// fate of a name in this role, when nothing named it before.
func (t Touch) fate(ifNotExists bool) fate {
	switch t.Role {
	case Created:
		if ifNotExists {
			return existed
		}
		return made
	case RenamedTo:
		return made
	case Dropped, Changed, RenamedFrom, LikeSource:
	}
	return existed
}

// progress of a name's read.
type progress int

const (
	idle       progress = iota // to be read
	reading                    // somebody reads it
	read                       // base is complete
	rereadDef                  // complete, but its definition has to be read again
	readingDef                 // somebody reads the definition again
)

// name is the state of one table's name.
type name struct {
	key     schema.Name
	spelled schema.Name

	listed bool
	forced bool // unlisted, or read again: needs a read or a tombstone
	first  fate
	// firstStart, firstEnd and firstWhy are the entry that says so.
	firstStart, firstEnd binlog.Position
	firstWhy             string

	statements []*logged
	firstTouch binlog.Position // the first row event behind floor
	lastTouch  touch           // the newest row event
	oldTouch   touch           // the newest one that has left the ring
	oldPartial touch           // likewise, of those with a partial image
	oldChange  touch           // likewise, of those whose partial images change columns; with what any of them changes
	oldXA      touch           // likewise, of commits of XA transactions
	anyPartial bool
	anyXA      bool
	hidden     hiddenChanges

	progress progress
	attempt  int // results of older attempts are void
	opened   Mark
	locks    bool // its engine, which has no transactions, locks the table that is being read
	read     TableRead
	// base is what a restore will see; floor while nothing better is known.
	base catalog.NameBase
	// touched is the last row event before H, partial the last one with a partial image, diverging the
	// last one under which nothing converges; final once the stream has passed H.
	touched, partial, diverging touch
	touchesFinal                bool

	behind binlog.Position // the next base must not be older than this
	settle bool            // the next base needs a row barrier
	again  []catalog.ReadAgain
}

func (n *name) needed() bool  { return n.listed || n.forced }
func (n *name) outside() bool { return n.base.Base == catalog.BaseOutside }

// complete: a base from a read or a tombstone, nothing pending.
func (n *name) complete() bool { return n.needed() && n.progress == read }

// settled: its sides are known.
func (n *name) settled() bool { return !n.needed() || n.complete() }

func (n *name) present() bool { return n.base.Base == catalog.BaseRead && !n.base.Absent }

func (n *name) seen(f fate, start, end binlog.Position, why string) {
	if n.first == unseen {
		n.first, n.firstStart, n.firstEnd, n.firstWhy = f, start, end, why
	}
}

// logged keeps the newest statement that touches the name, once.
func (n *name) logged(s *logged) {
	if len(n.statements) == 0 || n.statements[len(n.statements)-1] != s {
		n.statements = append(n.statements, s)
	}
}

func (n *name) setOutside() {
	n.listed, n.forced = false, false
	n.base = catalog.NameBase{Base: catalog.BaseOutside}
}

func (n *name) side(s *logged, floor binlog.Position) binlog.Side {
	return n.base.StatementSide(s.start, floor)
}

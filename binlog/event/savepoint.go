package event

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/binlog"
)

// ErrUndone: a transaction takes back rows that were passed on as rows that stand: whoever read them did not
// know (Assembler.Foresee).
var ErrUndone = errors.New("the transaction takes back changes that were taken for committed ones")

// savepoint is one that the open entry has set.
type savepoint struct {
	name string // as it is compared; empty once another of its name was set
	at   uint64
	// standing is how many rows events of the entry stood when it was set.
	standing int
	// unsure: another of its name may be meant. One that is set in a trigger or a stored function ends with that, and
	// nothing in the log says so.
	unsure bool
}

// savepoints are those of the open entry. A server whose transaction has changed something that cannot be taken
// back (a table of another engine, a temporary table) logs ROLLBACK TO and leaves what that undoes in the log:
// MariaDB, and MySQL beside temporary tables (facts 8.18 and 9.3 are of transactions of InnoDB alone).
type savepoints struct {
	list   []savepoint
	latest map[string]int // index in list
	// Names are compared by a collation of which only ASCII is known here: unsure if one that has other
	// characters is not the only one.
	first   string
	several bool
	odd     bool
}

// comparedName folds a name as far as that is known.
func (s *savepoints) comparedName(argument []byte) string {
	name := string(unquoted(argument))
	ascii := true
	for i := range len(name) {
		ascii = ascii && name[i] < 0x80
	}
	if ascii {
		name = strings.ToLower(name)
	}
	s.odd = s.odd || !ascii
	s.several = s.several || s.first != "" && s.first != name
	s.first = name
	return name
}

// unquoted takes the quotes off an identifier: backquotes, or what the session has under ANSI_QUOTES.
func unquoted(text []byte) []byte {
	n := len(text)
	if n < 2 || text[0] != '`' && text[0] != '"' || text[n-1] != text[0] {
		return text
	}
	quote := string(text[:1])
	return []byte(strings.ReplaceAll(string(text[1:n-1]), quote+quote, quote))
}

// set takes SAVEPOINT, which forgets an earlier one of its name. standing is how many rows events of the entry stand.
func (s *savepoints) set(argument []byte, at uint64, standing int) {
	name := s.comparedName(argument)
	unsure := false
	if i, again := s.latest[name]; again {
		unsure = s.list[i].unsure || s.list[i].standing != standing
		s.list[i].name = ""
	}
	if s.latest == nil {
		s.latest = map[string]int{}
	}
	s.latest[name] = len(s.list)
	s.list = append(s.list, savepoint{name: name, at: at, standing: standing, unsure: unsure})
}

// release takes RELEASE SAVEPOINT, which forgets those behind it too.
func (s *savepoints) release(argument []byte) {
	if i, known := s.latest[s.comparedName(argument)]; known {
		s.forget(i)
	}
}

// back returns the savepoint of a ROLLBACK TO; those behind it are forgotten. sure is false where nobody can tell which that is.
func (s *savepoints) back(argument []byte) (to savepoint, sure bool) {
	i, known := s.latest[s.comparedName(argument)]
	if !known || s.odd && s.several || s.list[i].unsure {
		return savepoint{}, false
	}
	s.forget(i + 1)
	return s.list[i], true
}

// forget drops the savepoints from an index on.
func (s *savepoints) forget(from int) {
	for i := from; i < len(s.list); i++ {
		if name := s.list[i].name; name != "" {
			delete(s.latest, name)
		}
	}
	s.list = s.list[:from]
}

// Foresee sets what is asked, before an event is read, whether its entry takes it back: what an earlier reader of the
// same log has found (Entry.Undone). Rows.Undone says so to OnRows. Rows that are undone though nobody foresaw it
// are the error ErrUndone then, at the event that undoes them.
func (a *Assembler) Foresee(fn func(at binlog.Position) bool) { a.foresee = fn }

// rollBackTo notes what ROLLBACK TO undoes.
func (a *Assembler) rollBackTo(at binlog.Position, argument []byte) error {
	if len(a.entry.Tables) == 0 {
		return nil
	}
	to, sure := a.savepoints.back(argument)
	if !sure || to.at == at.Pos { // in one compressed event
		a.entry.UndoneUnclear = true
		return nil
	}
	joined := len(a.entry.Undone) > 0 && a.standing.behindUndone == to.standing
	a.standing.rows, a.standing.behindUndone = to.standing, to.standing
	return a.undo(binlog.OffsetRange{Start: to.at, End: at.Pos}, joined)
}

// standing counts the rows events of the open entry that it has not taken back.
type standing struct {
	rows         int
	behindUndone int // rows at the end of the last range that is undone
}

// undo notes that the changes of a part of the open entry are taken back. joined: between the part before and this one
// nothing stands, so that a loop of savepoints makes one range.
func (a *Assembler) undo(r binlog.OffsetRange, joined bool) error {
	if a.foresee != nil && a.unforeseen && a.lastUnforeseen >= r.Start {
		return fmt.Errorf("from offset %d to %d: %w", r.Start, r.End, ErrUndone)
	}
	list := a.entry.Undone
	for len(list) > 0 && (list[len(list)-1].Start >= r.Start || joined) {
		r.Start = min(r.Start, list[len(list)-1].Start)
		list, joined = list[:len(list)-1], false
	}
	a.entry.Undone = append(list, r)
	return nil
}

// look tells whether rows at a place are foreseen to be undone.
func (a *Assembler) look(at binlog.Position) bool {
	if a.foresee == nil {
		return false
	}
	if a.foresee(at) {
		return true
	}
	a.unforeseen, a.lastUnforeseen = true, at.Pos
	return false
}

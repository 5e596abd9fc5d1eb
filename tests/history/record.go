package history

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/go-sql-driver/mysql"
)

// harness is the name of what is no session: the marks of the harness itself, in the place of statements.
const harness = "@"

// Marks, each with its arguments behind it.
const (
	markBackup   = "backup"    // the backup has its floor
	markChunk    = "chunk"     // of a table: its read was let go
	markBackedUp = "backed-up" // the backup has ended
	markStop     = "stop"      // flag: a stop point is taken
	markCounter  = "counter"   // table and value: its AUTO_INCREMENT counter is that exactly now
	markNoCount  = "no-counter"
	markFell     = "fell" // table: its counter was set back where what is read of it may reach back behind that
)

// step is a statement of a session, or a mark of the harness.
type step struct {
	session string
	sql     string
	refused bool // by the server
}

// mark returns a mark and its arguments; empty where the step is a statement.
func (s step) mark() (what, of string) {
	if s.session != harness {
		return "", ""
	}
	what, of, _ = strings.Cut(s.sql, " ")
	return what, of
}

// record is all that happened to the source in a history, in the order of completion. Safe for concurrent use.
type record struct {
	mu    sync.Mutex
	steps []step
}

// deadlock is the error with which a server rolls a whole transaction back (ER_LOCK_DEADLOCK).
const deadlock = 1213

func (r *record) statement(session, sql string, err error) {
	var refused *mysql.MySQLError
	if errors.As(err, &refused) && refused.Number == deadlock {
		sql, err = "ROLLBACK", nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, step{session: session, sql: sql, refused: err != nil})
}

func (r *record) mark(what string, of ...any) {
	for _, arg := range of {
		what += fmt.Sprintf(" %v", arg)
	}
	r.statement(harness, what, nil)
}

// Recorded is a history that can be run again, statement by statement.
type Recorded struct {
	Seed       uint64
	Kind, Into string // of the servers; empty in records of 9.7 from before there were others
	GTID       bool
	Features   string // names
	ChunkRows  int
	Threads    int
	MayDefine  bool
	Failpoints string // beside those of every history
	Failure    string // its kind: a shrunk history has to fail with the same
	Stop       int    // the number of the stop point at which it failed; -1 for before any
	steps      []step
}

// header are the lines in front of a record's steps.
func (r *Recorded) header() []struct {
	name  string
	value any
} {
	return []struct {
		name  string
		value any
	}{
		{"seed", &r.Seed}, {"kind", &r.Kind}, {"into", &r.Into}, {"gtid", &r.GTID}, {"features", &r.Features}, {"chunk-rows", &r.ChunkRows}, {"threads", &r.Threads},
		{"may-define", &r.MayDefine}, {"failpoints", &r.Failpoints}, {"failure", &r.Failure}, {"stop", &r.Stop},
	}
}

// Save writes the record as text: a head, then a line for each step, session and statement. Quotes make it exact
// whatever bytes a statement has; ! is in front of those that the server refused.
func (r *Recorded) Save(path string) error {
	var b strings.Builder
	for _, line := range r.header() {
		switch v := line.value.(type) {
		case *string:
			fmt.Fprintf(&b, "# %s %s\n", line.name, *v)
		case *uint64:
			fmt.Fprintf(&b, "# %s %d\n", line.name, *v)
		case *int:
			fmt.Fprintf(&b, "# %s %d\n", line.name, *v)
		case *bool:
			fmt.Fprintf(&b, "# %s %v\n", line.name, *v)
		}
	}
	for _, s := range r.steps {
		refused := ""
		if s.refused {
			refused = "!"
		}
		fmt.Fprintf(&b, "%s\t%s%s\n", s.session, refused, strconv.Quote(s.sql))
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

// recordLine bounds a line of a record: a statement of a history is far shorter.
const recordLine = 64 << 20

// LoadRecord reads what Save wrote.
func LoadRecord(path string) (*Recorded, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	r := &Recorded{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, recordLine)
	for n := 1; lines.Scan(); n++ {
		if err := r.read(lines.Text()); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", path, n, err)
		}
	}
	return r, lines.Err()
}

func (r *Recorded) read(line string) (err error) {
	if head, ok := strings.CutPrefix(line, "# "); ok {
		name, value, _ := strings.Cut(head, " ")
		for _, known := range r.header() {
			if known.name != name {
				continue
			}
			switch v := known.value.(type) {
			case *string:
				*v = value
			case *uint64:
				*v, err = strconv.ParseUint(value, 10, 64)
			case *int:
				*v, err = strconv.Atoi(value)
			case *bool:
				*v, err = strconv.ParseBool(value)
			}
		}
		return err
	}
	session, text, found := strings.Cut(line, "\t")
	if !found {
		return fmt.Errorf("neither a setting nor a step: %.80q", line)
	}
	s := step{session: session}
	text, s.refused = strings.CutPrefix(text, "!")
	if s.sql, err = strconv.Unquote(text); err != nil {
		return fmt.Errorf("read a statement: %w", err)
	}
	r.steps = append(r.steps, s)
	return nil
}

package rewriter

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
)

// Sentinels of statements that cannot be carried out from this backup.
var (
	// ErrInWindow: the statement lies inside a window in which no statement may lie (W3): the
	// manifest is broken.
	ErrInWindow = errors.New("statement lies inside a window of the backup")
	// ErrFlow: a name gets contents that the restore does not have (R4), because they come from
	// a name that is outside of the backup or was read later.
	ErrFlow = errors.New("statement brings contents that the restore does not have")
)

// RenameStep is one statement of a RENAME that is carried out in part.
type RenameStep struct {
	SQL     string
	Pairs   [][2]schema.Name // renamed, from and to, left to right
	Dropped []schema.Name
}

// Rename is R8 for RENAME TABLE, pair by pair, left to right: both names execute: renamed; the
// source only: its table is dropped; neither: nothing; the destination only: ErrFlow, which R4
// makes impossible. sides tells where the statement lies for both names of a pair.
func Rename(pairs [][2]schema.Name, sides func(from, to schema.Name) (source, destination binlog.Side)) ([]RenameStep, error) {
	var steps []RenameStep
	var open [][2]schema.Name
	var keep bool
	failpoint.Inject("R8", func() { keep = true })
	flush := func() {
		if len(open) > 0 {
			steps = append(steps, RenameStep{SQL: renameSQL(open), Pairs: open})
			open = nil
		}
	}
	for _, p := range pairs {
		source, destination := sides(p[0], p[1])
		switch {
		case source == binlog.Inside || destination == binlog.Inside:
			return nil, fmt.Errorf("rename %s to %s: %w", p[0], p[1], ErrInWindow)
		case source == binlog.After && destination == binlog.After:
			open = append(open, p)
		case source == binlog.After && keep:
		case source == binlog.After:
			flush()
			steps = append(steps, RenameStep{SQL: DropTables(p[0]), Dropped: []schema.Name{p[0]}})
		case destination == binlog.After:
			return nil, fmt.Errorf("rename %s to %s: %w", p[0], p[1], ErrFlow)
		}
	}
	flush()
	return steps, nil
}

func renameSQL(pairs [][2]schema.Name) string {
	var s strings.Builder
	s.WriteString("RENAME TABLE ")
	for i, p := range pairs {
		if i > 0 {
			s.WriteString(", ")
		}
		s.WriteString(p[0].Quoted() + " TO " + p[1].Quoted())
	}
	return s.String()
}

package pitr

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
)

// errDoubt: a killed run may or may not have carried a statement out, or changes of a table that does
// not roll back, and the target cannot tell.
var errDoubt = errors.New("whether a killed run has done this cannot be told")

// step is one thing that the replay of a statement does to definitions on the target: an
// execution, or a foreign key that follows its parent.
type step struct {
	execution *director.Execution
	parent    *parentMove
}

// steps lists what a statement does, in order. A run that goes on in the middle of it takes the
// foreign keys from its note.
func (r *replay) steps(ctx context.Context, start binlog.Position, v *director.Verdict) ([]step, error) {
	var executed [][2]schema.Name
	for _, x := range v.Executions {
		executed = append(executed, x.Renamed...)
	}
	before, behind, err := r.parentMoves(ctx, start, v, executed)
	if err != nil {
		return nil, fmt.Errorf("replay at %s: %w", start, err)
	}
	var list []step
	for i := range before {
		list = append(list, step{parent: &before[i]})
	}
	for i := range v.Executions {
		list = append(list, step{execution: &v.Executions[i]})
	}
	for i := range behind {
		list = append(list, step{parent: &behind[i]})
	}
	return list, nil
}

func (r *replay) parentMoves(ctx context.Context, start binlog.Position, v *director.Verdict, executed [][2]schema.Name) (before, behind []parentMove, err error) {
	if len(v.Renames)+len(v.Partings)+len(v.Resolved) == 0 {
		return nil, nil, nil
	}
	if s := r.past.Statement; s != nil && s.At == start {
		n := r.past.Parents
		if n == nil || n.At != start || n.Step != r.step {
			return nil, nil, nil // there were none
		}
		if before, err = r.tables.noted(n.Before); err == nil {
			behind, err = r.tables.noted(n.Behind)
		}
		return before, behind, err
	}
	if err := r.live(ctx); err != nil {
		return nil, nil, err
	}
	before, behind, err = r.tables.parentMoves(v.Renames, executed, v.Resolved, r.sides(start, v))
	if err != nil {
		return nil, nil, err
	}
	partings, err := r.tables.partings(v.Partings)
	if err != nil {
		return nil, nil, err
	}
	before = append(before, partings...)
	notes, err := r.tables.asides.follow(start, v.Resolved)
	if err != nil {
		return nil, nil, err
	}
	if len(before)+len(behind) > 0 {
		notes = append(notes, checkpoint.NewNote(checkpoint.NoteParents, "", checkpoint.ParentsNote{At: start, Step: r.step, Before: noteMoves(before), Behind: noteMoves(behind)}))
	}
	return before, behind, r.progress.Write(ctx, r.own, notes...)
}

// do carries out one step, or finds out that an earlier run has.
func (r *replay) do(ctx context.Context, start binlog.Position, v *director.Verdict, s step) error {
	number := r.step
	r.step++
	if r.past.Did(start, number) {
		if s.execution != nil {
			r.tables.relive(s.execution)
		}
		return nil
	}
	doubtful := r.past.Doubts(start, number)
	if doubtful {
		ran, err := r.ran(ctx, s)
		if err != nil {
			return err
		}
		if ran {
			// The notes have the names in front of the step. A table that is read already has its note, and more: the
			// rows of this run, which the one before had not written.
			for _, t := range r.tables.list {
				if t.def == nil {
					t.Recall(r.past)
				}
			}
			return r.done(ctx, start, number, s)
		}
	}
	if err := r.live(ctx); err != nil {
		return err
	}
	if m := s.parent; m != nil {
		return r.moveParent(ctx, start, number, m, doubtful)
	}
	return r.execute(ctx, start, number, v, s.execution)
}

// begins notes, in front of a step, that all earlier changes of the tables it names are on the
// target, and what the definitions of those are that it changes.
func (r *replay) begins(ctx context.Context, start binlog.Position, number int, fence, changes []schema.Name) error {
	n := checkpoint.StatementNote{At: start, Step: number}
	seen := map[schema.Name]bool{}
	for _, name := range changes {
		if seen[r.tables.fold(name)] {
			continue
		}
		seen[r.tables.fold(name)] = true
		text, err := r.tables.shown(ctx, name)
		if err != nil {
			return err
		}
		n.Before = append(n.Before, checkpoint.DefinitionNote{Name: name, Create: []byte(text)})
	}
	notes := []checkpoint.Note{checkpoint.NewNote(checkpoint.NoteStatement, "", n)}
	for _, name := range fence {
		notes = append(notes, checkpoint.NewNote(checkpoint.NoteFenced, name.Quoted(), checkpoint.FencedNote{Name: name, Mark: checkpoint.Mark{Entry: start}}))
	}
	return r.progress.Write(ctx, r.own, notes...)
}

// done brings the catalogue to what a step made, and notes it.
func (r *replay) done(ctx context.Context, start binlog.Position, number int, s step) error {
	var named []schema.Name
	if x := s.execution; x != nil {
		if err := r.tables.apply(ctx, x); err != nil {
			return fmt.Errorf("replay at %s (%s): %w", start, director.Excerpt(x.Text), err)
		}
		for _, name := range []func(context.Context, *director.Execution) error{r.nameIndexes, r.numberChecks} {
			if err := name(ctx, x); err != nil {
				return fmt.Errorf("replay at %s (%s): %w", start, director.Excerpt(x.Text), err)
			}
		}
		named = x.Changes()
		if err := r.addedKeys(ctx, start, x); err != nil {
			return err
		}
	}
	notes := []checkpoint.Note{checkpoint.NewNote(checkpoint.NoteStatement, "", checkpoint.StatementNote{At: start, Step: number, Done: true})}
	for _, t := range r.tables.named(named...) {
		notes = append(notes, t.CounterNotes()...)
	}
	return r.progress.Write(ctx, r.own, notes...)
}

func (r *replay) moveParent(ctx context.Context, start binlog.Position, number int, m *parentMove, again bool) error {
	if r.tables.get(m.child.Name) != m.child {
		return nil // the statement took the child away
	}
	child := []schema.Name{m.child.Name}
	if err := r.lanes.Fence(ctx, child); err != nil {
		return err
	}
	if err := r.tables.dropHelpers(ctx, []*table{m.child}); err != nil {
		return err
	}
	if err := r.begins(ctx, start, number, child, nil); err != nil {
		return err
	}
	if err := r.tables.moveParent(ctx, *m, again); err != nil {
		return fmt.Errorf("replay at %s: %w", start, err)
	}
	return r.done(ctx, start, number, step{parent: m})
}

// execute carries out one statement, singly and in log order, behind a fence for every table
// that it names (R9).
func (r *replay) execute(ctx context.Context, start binlog.Position, number int, v *director.Verdict, x *director.Execution) error {
	r.phase.Doing(director.Excerpt(x.Text))
	fence := r.fenced(x)
	if err := r.lanes.Fence(ctx, fence); err != nil {
		return err
	}
	if err := r.tables.dropHelpers(ctx, r.tables.named(append(fence, x.Altered...)...)); err != nil {
		return err
	}
	if err := r.tables.raiseCounters(ctx, x); err != nil {
		return fmt.Errorf("replay at %s (%s): %w", start, director.Excerpt(x.Text), err)
	}
	marked, err := r.markSwap(ctx, x)
	if err != nil {
		return err
	}
	if err := r.begins(ctx, start, number, fence, x.Redefined()); err != nil {
		return err
	}
	err = r.tables.asides.making(ctx, r.sides(start, v), r.tables.makerOf(x), func() error {
		err := carryOut(ctx, r.definitions, marked)
		if server.ErrorNumber(err) == server.ErrPartitionMatch {
			err = r.exchangeRebuilt(ctx, marked)
		}
		return err
	})
	if err != nil {
		if server.ErrorNumber(err) != 0 { // the target's own answer: it has done nothing
			err = errors.Join(err, r.progress.Write(ctx, r.own, checkpoint.NewNote(checkpoint.NoteStatement, "", checkpoint.StatementNote{At: start, Step: number, Refused: true})))
		}
		return statementFailed(start, x, err)
	}
	if err := r.done(ctx, start, number, step{execution: x}); err != nil {
		return err
	}
	r.statements++
	return nil
}

// addedKeys refuses a new table to which the target has added a key, and takes it away: the
// statement runs again when the target is set as it has to be.
func (r *replay) addedKeys(ctx context.Context, start binlog.Position, x *director.Execution) error {
	for _, n := range x.Created {
		if t := r.tables.get(n); x.Copied || !t.hasAddedKey(x.Text) {
			continue
		}
		refusal := fault.New(fault.CodeFailed, fault.KindTarget, "on the target: SET GLOBAL sql_generate_invisible_primary_key = OFF",
			"replay at %s (%s): the target adds a column %s to table %s", start, director.Excerpt(x.Text), invisibleKey, n)
		return errors.Join(refusal, r.own.Exec(ctx, "DROP TABLE "+n.Quoted()))
	}
	return nil
}

// markSwap lets a RENAME that leaves the same names behind take a table of ours along: where that is
// afterwards tells whether it has run.
func (r *replay) markSwap(ctx context.Context, x *director.Execution) (*director.Execution, error) {
	if !swaps(x.Renamed) {
		return x, nil
	}
	swap, swapped := r.progress.Swap(), r.progress.Swapped()
	for _, statement := range []string{
		"DROP TABLE IF EXISTS " + swap.Quoted() + ", " + swapped.Quoted(),
		"CREATE TABLE " + swap.Quoted() + " (id TINYINT NOT NULL PRIMARY KEY) ENGINE=InnoDB",
	} {
		if err := r.own.Exec(ctx, statement); err != nil {
			return nil, fmt.Errorf("mark the RENAME at %s: %w", x.Start, err)
		}
	}
	marked := *x
	marked.Text, marked.Raw = x.Text+", "+swap.Quoted()+" TO "+swapped.Quoted(), nil
	return &marked, nil
}

// fenced lists the tables of a statement's fence.
func (r *replay) fenced(x *director.Execution) []schema.Name {
	fence := x.Fence
	if x.FenceSchema != "" {
		for _, t := range r.tables.list {
			if t.Name.Schema == x.FenceSchema {
				fence = append(fence, t.Name)
			}
		}
	}
	return fence
}

// statementFailed is the fault of a statement that the target refused.
func statementFailed(start binlog.Position, x *director.Execution, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return fault.New(known.Code, known.Kind, known.Hint, "replay at %s (%s): %w", start, director.Excerpt(x.Text), err)
	}
	return fault.New(fault.CodeFailed, fault.KindTarget, statementHint(err), "replay at %s (%s): %w", start, director.Excerpt(x.Text), err)
}

// ran tells whether a step that a killed run had begun was carried out: by the definitions that it
// changes. What leaves them as they are is done again (TRUNCATE, a rebuild), unless that would undo
// it: then errDoubt.
func (r *replay) ran(ctx context.Context, s step) (bool, error) {
	if s.parent != nil {
		return false, nil // is done again in any case
	}
	x := s.execution
	if swaps(x.Renamed) {
		text, err := r.tables.shown(ctx, r.progress.Swapped())
		return text != "", err
	}
	switch {
	case len(x.Renamed) > 0:
		return r.renamed(ctx, x)
	case len(x.Dropped) > 0:
		return true, r.dropRest(ctx, x)
	}
	for _, d := range r.past.Statement.Before {
		now, err := r.tables.shown(ctx, d.Name)
		if err != nil {
			return false, err
		}
		if withoutCounter(now) != withoutCounter(string(d.Create)) {
			return true, nil
		}
	}
	if undoesItself(x) {
		return false, fmt.Errorf("replay at %s (%s): %w", x.Start, director.Excerpt(x.Text), errDoubt)
	}
	return false, nil
}

// renamed tells by the names that are there whether a RENAME has run. Older servers carry it out
// table by table: then neither those before nor those behind it are there.
func (r *replay) renamed(ctx context.Context, x *director.Execution) (bool, error) {
	before, behind := present(x.Renamed)
	was, is := true, true
	for n := range before {
		text, err := r.tables.shown(ctx, n)
		if err != nil {
			return false, err
		}
		was = was && (text != "") == before[n]
		is = is && (text != "") == behind[n]
	}
	if was == is {
		return false, fmt.Errorf("replay at %s (%s): %w", x.Start, director.Excerpt(x.Text), errDoubt)
	}
	return is, nil
}

// dropRest drops what is left of a DROP, which older servers carry out table by table.
func (r *replay) dropRest(ctx context.Context, x *director.Execution) error {
	for _, n := range x.Dropped {
		if err := r.own.Exec(ctx, "DROP TABLE IF EXISTS "+n.Quoted()); err != nil {
			return fmt.Errorf("replay at %s (%s): %w", x.Start, director.Excerpt(x.Text), err)
		}
	}
	return nil
}

var counterOption = regexp.MustCompile(` AUTO_INCREMENT=\d+`)

// withoutCounter is a definition without the counter, which older servers count anew when they start.
func withoutCounter(definition string) string { return counterOption.ReplaceAllString(definition, "") }

var (
	exchanges   = regexp.MustCompile(`(?i)\bEXCHANGE\b`)
	columnMoves = regexp.MustCompile(`(?i)\bCHANGE\b|\bRENAME\s+COLUMN\b`)
)

// undoesItself tells whether a statement that leaves all definitions as they are may, run twice,
// bring something back: partitions and columns that change places. To take a harmless one for such
// costs time only.
func undoesItself(x *director.Execution) bool {
	return exchanges.MatchString(x.Text) || columnMoves.MatchString(x.Text)
}

// swaps tells whether a RENAME leaves the same names behind: nothing but the contents tells then
// whether it has run.
func swaps(pairs [][2]schema.Name) bool {
	before, behind := present(pairs)
	return len(before) > 1 && maps.Equal(before, behind)
}

// present tells of the names of a RENAME which are there before it, and which behind it.
func present(pairs [][2]schema.Name) (before, behind map[schema.Name]bool) {
	before, behind = map[schema.Name]bool{}, map[schema.Name]bool{}
	for _, p := range slices.Backward(pairs) {
		before[p[1]] = false
		before[p[0]] = true
	}
	maps.Copy(behind, before)
	for _, p := range pairs {
		behind[p[0]] = false
		behind[p[1]] = true
	}
	return before, behind
}

// shown is a table's definition on the target; empty where there is none.
func (s *tableSet) shown(ctx context.Context, n schema.Name) (string, error) {
	row, err := s.reader.QueryText(ctx, "SHOW CREATE TABLE "+n.Quoted())
	switch server.ErrorNumber(err) {
	case server.ErrNoSuchTable, server.ErrUnknownSchema:
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the definition of %s on the target: %w", n, err)
	}
	return row[1], nil
}

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
)

// errDoubt: a killed run may or may not have carried a statement out, or changes of a table that does
// not roll back, and the target cannot tell.
var errDoubt = errors.New("whether a killed run has done this cannot be told")

// step is one thing that the replay of a statement does to definitions on the target: an
// execution, or a foreign key that follows its parent.
type step struct {
	execution *execution
	parent    *parentMove
}

// steps lists what a statement does, in order. A run that goes on in the middle of it takes the
// foreign keys from its note.
func (r *replay) steps(ctx context.Context, start binlog.Position, v *verdict) ([]step, error) {
	var executed [][2]schema.Name
	for _, x := range v.executions {
		executed = append(executed, x.renamed...)
	}
	before, behind, err := r.parentMoves(ctx, start, v, executed)
	if err != nil {
		return nil, fmt.Errorf("replay at %s: %w", start, err)
	}
	var list []step
	for i := range before {
		list = append(list, step{parent: &before[i]})
	}
	for i := range v.executions {
		list = append(list, step{execution: &v.executions[i]})
	}
	for i := range behind {
		list = append(list, step{parent: &behind[i]})
	}
	return list, nil
}

func (r *replay) parentMoves(ctx context.Context, start binlog.Position, v *verdict, executed [][2]schema.Name) (before, behind []parentMove, err error) {
	if len(v.renames)+len(v.partings)+len(v.resolved) == 0 {
		return nil, nil, nil
	}
	if s := r.past.statement; s != nil && s.At == start {
		n := r.past.parents
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
	before, behind, err = r.tables.parentMoves(v.renames, executed, v.resolved, r.sides(start, v))
	if err != nil {
		return nil, nil, err
	}
	partings, err := r.tables.partings(v.partings)
	if err != nil {
		return nil, nil, err
	}
	before = append(before, partings...)
	notes, err := r.tables.asides.follow(start, v.resolved)
	if err != nil {
		return nil, nil, err
	}
	if len(before)+len(behind) > 0 {
		notes = append(notes, newNote(noteParents, "", parentsNote{At: start, Step: r.step, Before: noteMoves(before), Behind: noteMoves(behind)}))
	}
	return before, behind, r.progress.write(ctx, r.own, notes...)
}

// do carries out one step, or finds out that an earlier run has.
func (r *replay) do(ctx context.Context, start binlog.Position, v *verdict, s step) error {
	number := r.step
	r.step++
	if r.past.did(start, number) {
		if s.execution != nil {
			r.tables.relive(s.execution)
		}
		return nil
	}
	doubtful := r.past.doubts(start, number)
	if doubtful {
		ran, err := r.ran(ctx, s)
		if err != nil {
			return err
		}
		if ran {
			for _, t := range r.tables.list {
				t.recall(r.past)
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
	n := statementNote{At: start, Step: number}
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
		n.Before = append(n.Before, definitionNote{name, []byte(text)})
	}
	notes := []note{newNote(noteStatement, "", n)}
	for _, name := range fence {
		notes = append(notes, newNote(noteFenced, name.Quoted(), fencedNote{name, mark{Entry: start}}))
	}
	return r.progress.write(ctx, r.own, notes...)
}

// done brings the catalogue to what a step made, and notes it.
func (r *replay) done(ctx context.Context, start binlog.Position, number int, s step) error {
	var named []schema.Name
	if x := s.execution; x != nil {
		if err := r.tables.apply(ctx, x); err != nil {
			return fmt.Errorf("replay at %s (%s): %w", start, excerpt(x.text), err)
		}
		if err := r.nameIndexes(ctx, x); err != nil {
			return fmt.Errorf("replay at %s (%s): %w", start, excerpt(x.text), err)
		}
		named = x.changes()
		if err := r.addedKeys(ctx, start, x); err != nil {
			return err
		}
	}
	notes := []note{newNote(noteStatement, "", statementNote{At: start, Step: number, Done: true})}
	for _, t := range r.tables.named(named...) {
		notes = append(notes, t.counterNotes()...)
	}
	return r.progress.write(ctx, r.own, notes...)
}

// changes lists the names whose tables an execution changes.
func (x *execution) changes() []schema.Name {
	var list []schema.Name
	for _, names := range [][]schema.Name{x.created, x.altered, x.dropped, x.truncated} {
		list = append(list, names...)
	}
	for _, p := range x.renamed {
		list = append(list, p[0], p[1])
	}
	return list
}

// schemas lists the schemas in which an execution may make constraints.
func (x *execution) schemas() []string {
	var list []string
	for _, n := range x.changes() {
		list = append(list, n.Schema)
	}
	return list
}

// redefined lists the names whose definitions tell whether an execution has run.
func (x *execution) redefined() []schema.Name {
	return slices.Concat(x.created, x.altered, x.truncated)
}

func (r *replay) moveParent(ctx context.Context, start binlog.Position, number int, m *parentMove, again bool) error {
	if r.tables.get(m.child.name) != m.child {
		return nil // the statement took the child away
	}
	child := []schema.Name{m.child.name}
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
func (r *replay) execute(ctx context.Context, start binlog.Position, number int, v *verdict, x *execution) error {
	r.phase.Doing(excerpt(x.text))
	fence := r.fenced(x)
	if err := r.lanes.Fence(ctx, fence); err != nil {
		return err
	}
	if err := r.tables.dropHelpers(ctx, r.tables.named(append(fence, x.altered...)...)); err != nil {
		return err
	}
	if err := r.tables.raiseCounters(ctx, x); err != nil {
		return fmt.Errorf("replay at %s (%s): %w", start, excerpt(x.text), err)
	}
	marked, err := r.markSwap(ctx, x)
	if err != nil {
		return err
	}
	if err := r.begins(ctx, start, number, fence, x.redefined()); err != nil {
		return err
	}
	err = r.tables.asides.making(ctx, r.sides(start, v), x.schemas(), func() error {
		return r.definitions.run(ctx, marked)
	})
	if err != nil {
		if server.ErrorNumber(err) != 0 { // the target's own answer: it has done nothing
			err = errors.Join(err, r.progress.write(ctx, r.own, newNote(noteStatement, "", statementNote{At: start, Step: number, Refused: true})))
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
func (r *replay) addedKeys(ctx context.Context, start binlog.Position, x *execution) error {
	for _, n := range x.created {
		if t := r.tables.get(n); x.copied || !t.hasAddedKey(x.text) {
			continue
		}
		refusal := fault.New(fault.CodeFailed, fault.KindTarget, "on the target: SET GLOBAL sql_generate_invisible_primary_key = OFF",
			"replay at %s (%s): the target adds a column %s to table %s", start, excerpt(x.text), invisibleKey, n)
		return errors.Join(refusal, r.own.exec(ctx, "DROP TABLE "+n.Quoted()))
	}
	return nil
}

// markSwap lets a RENAME that leaves the same names behind take a table of ours along: where that is
// afterwards tells whether it has run.
func (r *replay) markSwap(ctx context.Context, x *execution) (*execution, error) {
	if !swaps(x.renamed) {
		return x, nil
	}
	swap, swapped := r.progress.swap(), r.progress.swapped()
	for _, statement := range []string{
		"DROP TABLE IF EXISTS " + swap.Quoted() + ", " + swapped.Quoted(),
		"CREATE TABLE " + swap.Quoted() + " (id TINYINT NOT NULL PRIMARY KEY) ENGINE=InnoDB",
	} {
		if err := r.own.exec(ctx, statement); err != nil {
			return nil, fmt.Errorf("mark the RENAME at %s: %w", x.start, err)
		}
	}
	marked := *x
	marked.text, marked.raw = x.text+", "+swap.Quoted()+" TO "+swapped.Quoted(), nil
	return &marked, nil
}

// fenced lists the tables of a statement's fence.
func (r *replay) fenced(x *execution) []schema.Name {
	fence := x.fence
	if x.fenceSchema != "" {
		for _, t := range r.tables.list {
			if t.name.Schema == x.fenceSchema {
				fence = append(fence, t.name)
			}
		}
	}
	return fence
}

// statementFailed is the fault of a statement that the target refused.
func statementFailed(start binlog.Position, x *execution, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return fault.New(known.Code, known.Kind, known.Hint, "replay at %s (%s): %w", start, excerpt(x.text), err)
	}
	return fault.New(fault.CodeFailed, fault.KindTarget, statementHint(err), "replay at %s (%s): %w", start, excerpt(x.text), err)
}

// ran tells whether a step that a killed run had begun was carried out: by the definitions that it
// changes. What leaves them as they are is done again (TRUNCATE, a rebuild), unless that would undo
// it: then errDoubt.
func (r *replay) ran(ctx context.Context, s step) (bool, error) {
	if s.parent != nil {
		return false, nil // is done again in any case
	}
	x := s.execution
	if swaps(x.renamed) {
		text, err := r.tables.shown(ctx, r.progress.swapped())
		return text != "", err
	}
	switch {
	case len(x.renamed) > 0:
		return r.renamed(ctx, x)
	case len(x.dropped) > 0:
		return true, r.dropRest(ctx, x)
	}
	for _, d := range r.past.statement.Before {
		now, err := r.tables.shown(ctx, d.Name)
		if err != nil {
			return false, err
		}
		if withoutCounter(now) != withoutCounter(string(d.Create)) {
			return true, nil
		}
	}
	if undoesItself(x) {
		return false, fmt.Errorf("replay at %s (%s): %w", x.start, excerpt(x.text), errDoubt)
	}
	return false, nil
}

// renamed tells by the names that are there whether a RENAME has run. Older servers carry it out
// table by table: then neither those before nor those behind it are there.
func (r *replay) renamed(ctx context.Context, x *execution) (bool, error) {
	before, behind := present(x.renamed)
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
		return false, fmt.Errorf("replay at %s (%s): %w", x.start, excerpt(x.text), errDoubt)
	}
	return is, nil
}

// dropRest drops what is left of a DROP, which older servers carry out table by table.
func (r *replay) dropRest(ctx context.Context, x *execution) error {
	for _, n := range x.dropped {
		if err := r.own.exec(ctx, "DROP TABLE IF EXISTS "+n.Quoted()); err != nil {
			return fmt.Errorf("replay at %s (%s): %w", x.start, excerpt(x.text), err)
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
func undoesItself(x *execution) bool {
	return exchanges.MatchString(x.text) || columnMoves.MatchString(x.text)
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
	row, err := s.reader.queryText(ctx, "SHOW CREATE TABLE "+n.Quoted())
	switch server.ErrorNumber(err) {
	case server.ErrNoSuchTable, server.ErrUnknownSchema:
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the definition of %s on the target: %w", n, err)
	}
	return row[1], nil
}

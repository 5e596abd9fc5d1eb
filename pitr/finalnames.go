package pitr

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
)

// finalNames gives the tables of a part that lived under private names their own, all at once: a
// restore that ends in between has none of them half. What is only descended from goes first.
func (f *finisher) finalNames(ctx context.Context) error {
	if f.director.Part == nil {
		return nil
	}
	if err := f.dropAncestors(ctx); err != nil {
		return err
	}
	pairs := f.tables.unnamed(f.director.Part)
	if len(pairs) == 0 {
		return nil
	}
	clauses := make([]string, len(pairs))
	for i, p := range pairs {
		clauses[i] = p[0].Quoted() + " TO " + p[1].Quoted()
	}
	if err := f.own.Exec(ctx, "RENAME TABLE "+strings.Join(clauses, ", ")); err != nil {
		known := fault.Of(err)
		return fault.New(known.Code, fault.KindTarget, "find out who else makes tables on the target, and restore again", "give the restored tables their names: %w", err)
	}
	if err := f.tables.apply(ctx, &director.Execution{Renamed: pairs}); err != nil {
		return fmt.Errorf("give the restored tables their names: %w", err)
	}
	return f.tables.readChildren(ctx, pairs)
}

// unnamed lists the tables of a part that live under private names, with their own.
func (s *tableSet) unnamed(p *director.Part) (pairs [][2]schema.Name) {
	for _, id := range slices.Sorted(maps.Keys(p.Members)) {
		if m := p.Members[id]; m.Wanted() && m.Working != m.Final && s.get(m.Working) != nil {
			pairs = append(pairs, [2]schema.Name{m.Working, m.Final})
		}
	}
	return pairs
}

// named finds out what a killed run has done of Finish to the tables: dropped those that nobody asked
// for, and given the others their names, all at once.
func (r *replay) named(ctx context.Context) error {
	if r.director.Part == nil || r.past.Phase != checkpoint.PhaseFinish {
		return nil
	}
	for _, m := range r.director.Part.Members {
		if m.Wanted() || r.tables.get(m.Working) == nil {
			continue
		}
		if text, err := r.tables.shown(ctx, m.Working); err != nil {
			return err
		} else if text == "" {
			r.tables.relive(&director.Execution{Dropped: []schema.Name{m.Working}})
		}
	}
	pairs := r.tables.unnamed(r.director.Part)
	if len(pairs) == 0 {
		return nil
	}
	for _, p := range pairs { // the notes have the private names
		r.tables.get(p[0]).Recall(r.past)
	}
	text, err := r.tables.shown(ctx, pairs[0][0])
	if err == nil && text == "" {
		r.tables.relive(&director.Execution{Renamed: pairs})
	}
	return err
}

// dropAncestors drops the tables that nobody asked for, and lets foreign keys to them refer to their
// names on the source.
func (f *finisher) dropAncestors(ctx context.Context) error {
	members := f.director.Part.Members
	for _, id := range slices.Sorted(maps.Keys(members)) {
		m := members[id]
		if m.Wanted() || f.tables.get(m.Working) == nil {
			continue
		}
		moves, err := f.tables.partings([][2]schema.Name{{m.Working, f.director.TableOnTarget(f.director.NameOf(id))}})
		if err != nil {
			return err
		}
		for _, move := range moves {
			if err := f.tables.moveParent(ctx, move, true); err != nil {
				return err
			}
		}
		if err := f.own.Exec(ctx, "DROP TABLE IF EXISTS "+m.Working.Quoted()); err != nil {
			return fmt.Errorf("drop %s: %w", m.Working, err)
		}
		f.tables.relive(&director.Execution{Dropped: []schema.Name{m.Working}})
	}
	return nil
}

package director

import (
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
)

// partWalk turns the effects of one statement into what the target has to do.
type partWalk struct {
	*Director
	start   binlog.Position
	query   *event.Query
	st      *ddl.Statement
	verdict *Verdict
	before  map[schema.Name]schema.Name // the working names in front of the statement, by folded name
}

func (p *partWalk) run(e Execution) { p.verdict.Executions = append(p.verdict.Executions, e) }

func (p *partWalk) effect(e effect) error {
	m := p.active(e.life)
	switch e.kind {
	case seen:
	case lost:
		if m != nil {
			return e.err
		}
	case moved: // foreign keys follow: see followed
	case dropped:
		if m != nil {
			p.drop(e.life, m, e.from)
		}
	case made, copied:
		if m == nil {
			return nil
		}
		x, err := p.text(m, append(p.collation(m, e.to), p.st.ServerNoteEdits()...), e.to.Name)
		if err != nil {
			return err
		}
		x.Created = []schema.Name{m.Working}
		if e.kind == copied {
			source := p.Part.Members[e.other]
			x.Copied, x.Source, x.SourceCalledAs = true, source.Working, p.lives.now[e.other].Name
		}
		p.run(x)
	case changed:
		if m == nil {
			return nil
		}
		x, err := p.text(m, nil, p.changedName(e.life))
		if err != nil {
			return err
		}
		x.Altered = []schema.Name{m.Working}
		p.run(x)
	case truncated:
		if m != nil {
			p.run(p.truncated(m))
		}
	case exchanged:
		other := p.active(e.other)
		if m == nil || other == nil || !m.rows || !other.rows || p.emptied[e.life] || p.emptied[e.other] {
			return nil
		}
		x, err := p.text(m, nil, "")
		if err != nil {
			return err
		}
		x.Altered = []schema.Name{m.Working, other.Working}
		p.run(x)
	}
	return nil
}

// changedName is the source's name of a table that a statement changes, in front of it.
func (p *partWalk) changedName(id Life) string {
	if len(p.st.Renames) > 0 {
		return p.st.Renames[0][0].Name
	}
	return p.lives.now[id].Name
}

func (p *partWalk) drop(id Life, m *Member, name schema.Name) {
	x := p.ours(m, rewriter.DropTables(m.Working))
	x.Dropped = []schema.Name{m.Working}
	if len(p.st.Renames) == 0 {
		p.verdict.Partings = append(p.verdict.Partings, [2]schema.Name{m.Working, p.Part.renames.table(name)})
	}
	p.released[id] = true
	p.run(x)
}

func (p *partWalk) truncated(m *Member) Execution {
	x := p.ours(m, rewriter.Truncate(m.Working))
	x.Truncated = []schema.Name{m.Working}
	return x
}

// ours is the execution of a text that is not the log's.
func (p *partWalk) ours(m *Member, text string) Execution {
	x := p.built(p.start, p.query, p.st, text)
	x.Schema, x.Fence = m.Working.Schema, []schema.Name{m.Working}
	return x
}

// text is the execution of the log's statement with the names of the target. constraints names
// the table whose generated constraint names follow its own.
func (p *partWalk) text(m *Member, edits []ddl.Edit, constraints string) (Execution, error) {
	renamed := false
	target := func(n schema.Name) schema.Name {
		if working, ok := p.before[p.Fold(n)]; ok {
			return working
		}
		return p.OnTarget(n)
	}
	for _, t := range p.st.Tables {
		renamed = renamed || target(t.Name) != t.Name
	}
	s := p.Schemas[p.FoldSchema(p.query.Schema)]
	named := renamed || p.query.Schema == "" || s == nil || s.Target != p.query.Schema
	if named {
		if p.st.Lossy {
			return Execution{}, Refused(p.start, []schema.Name{m.Final}, p.st.Text, fmt.Errorf("%w: the text does not allow other names", errUncertain))
		}
		edits = append(edits, p.st.NameEdits(target)...)
	}
	if constraints != "" && constraints != m.Working.Name {
		edits = append(edits, p.st.ConstraintEdits(FollowConstraint(constraints, m.Working.Name))...)
	}
	x := p.edited(p.start, p.query, p.st, edits)
	if named && x.Raw == nil {
		x.Schema = m.Working.Schema
	}
	x.Fence, x.CalledAs = nil, constraints
	for _, t := range p.st.Tables {
		x.Fence = append(x.Fence, target(t.Name))
	}
	return x, nil
}

// collation spells the collation that a new table takes from its schema, where it is made in
// another one.
func (p *partWalk) collation(m *Member, name schema.Name) []ddl.Edit {
	s := p.Schemas[p.FoldSchema(name.Schema)]
	if s == nil || s.Collation == "" || s.Target == m.Working.Schema {
		return nil
	}
	return p.st.CollationEdits(s.Collation)
}

// release takes away what the statement was the last to need.
func (p *partWalk) release(effects []effect) {
	for _, e := range effects {
		for _, id := range []Life{e.life, e.other} {
			m := p.active(id)
			if m == nil || m.Wanted() {
				continue
			}
			switch p.start {
			case m.until:
				p.drop(id, m, p.lives.now[id])
			case m.rowsUntil:
				if m.rows && !p.emptied[id] {
					p.emptied[id] = true
					p.run(p.truncated(m))
				}
			}
		}
	}
}

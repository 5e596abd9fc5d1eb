package bases

import (
	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/storage/catalog"
)

// flow is R4: where a statement executes for the destination of content and is skipped for
// its source, the destination needs a base at or behind the statement.
func (b *Bases) flow(s *logged) {
	off := false
	failpoint.Inject("R4", func() { off = true })
	if off {
		return
	}
	var renamedFrom, likeSource, created *name
	var exchanged []*name
	for _, t := range s.Touches {
		n := b.name(t.Name)
		switch t.Role {
		case RenamedFrom:
			renamedFrom = n
		case RenamedTo: // pair by pair, left to right
			b.contentFlows(s, renamedFrom, n)
		case Changed:
			exchanged = append(exchanged, n)
		case LikeSource:
			likeSource = n
		case Created:
			created = n
		case Dropped:
		}
	}
	if s.Exchange && len(exchanged) == 2 {
		b.contentFlows(s, exchanged[0], exchanged[1])
		b.contentFlows(s, exchanged[1], exchanged[0])
	}
	switch {
	case created == nil:
	case likeSource != nil:
		b.definitionFlows(s, likeSource, created)
	case s.SchemaDefaults:
		b.schemaDefaultsFlow(s, created)
	}
}

func (b *Bases) contentFlows(s *logged, from, to *name) {
	if from == nil || !from.settled() || !to.settled() {
		return
	}
	destination := to.side(s, b.floor)
	if s.Touches[0].Role == RenamedFrom {
		destination = to.base.DestinationSide(s.start, b.floor)
	}
	if from.side(s, b.floor) == binlog.Skip && destination == binlog.After {
		b.renew(to, s, s, flowReason("it brings the content of "+from.spelled.String()+", which is not read at that place", s))
	}
}

// definitionFlows: CREATE TABLE to LIKE from takes the definition that from has on the target then.
func (b *Bases) definitionFlows(s *logged, from, to *name) {
	if !from.settled() || !to.settled() || to.side(s, b.floor) != binlog.After || b.definitionStands(from, s) {
		return
	}
	b.readAgainAt(to, s, flowReason("it copies a definition of "+from.spelled.String()+" that was not read at that place", s))
}

// definitionStands tells whether the definition of n, which statement s reads, will be right
// on the target when s is executed there.
func (b *Bases) definitionStands(n *name, s *logged) bool {
	side := n.side(s, b.floor)
	if side == binlog.After {
		return true
	}
	if !n.needed() || !n.present() {
		return false // an outside table above all
	}
	if side == binlog.Inside && n.base.DefinitionSide(s.start, b.floor) == binlog.After {
		return true // behind the definition, and no meaning statement is in the window
	}
	for _, o := range n.statements {
		if o.index > s.index && o.start.Before(n.base.Statements.High) && o.on(n.key) {
			return false
		}
	}
	return true
}

func (b *Bases) schemaDefaultsFlow(s *logged, to *name) {
	sc := b.schema(to.key.Schema)
	if !to.settled() || !sc.settled() || to.side(s, b.floor) != binlog.After || b.schemaStands(sc, s) {
		return
	}
	b.readAgainAt(to, s, flowReason("it takes defaults of schema "+sc.spelled+" that were not read at that place", s))
}

func flowReason(reason string, s *logged) catalog.ReadAgain {
	return catalog.ReadAgain{Reason: reason, Statement: s.Text, Position: s.start}
}

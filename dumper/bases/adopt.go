package bases

import (
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Adopt gives a table the base that an earlier run of the same backup has read: with the floor of
// that run as this one's, every statement and row behind floor is received here too, and the rules
// make of the base whatever they would have made of it there. It is called before the first entry
// is received. The table counts as listed: it was there behind floor.
func (b *Bases) Adopt(n schema.Name, r TableRead, again []catalog.ReadAgain) {
	if !b.cfg.Selected(n) {
		return
	}
	s := b.name(n)
	s.listed = true
	r.definition = r.First
	s.read, s.progress, s.again = r, read, again
	b.setReadBase(s)
}

// noteTouches completes the row windows of adopted tables while their places go by: what is known
// of single rows is forgotten later (see touches).
func (b *Bases) noteTouches() {
	for _, n := range b.order {
		if n.complete() && n.present() && !n.touchesFinal {
			b.setRows(n)
		}
	}
}

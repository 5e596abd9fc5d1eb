package bases

import "github.com/pingcap/failpoint"

// findUnlisted is the second half of R1: a name that discovery did not list has base floor
// only if the first thing behind floor that names it makes it. Otherwise it was there, and
// needs a read or a tombstone.
func (b *Bases) findUnlisted() {
	var off bool
	failpoint.Inject("R1", func() { off = true })
	if off {
		return
	}
	for _, n := range b.order {
		if n.needed() || n.outside() || n.first != existed {
			continue
		}
		b.readAgainFrom(n, n.firstStart, n.firstEnd, "not listed by discovery, but it was there: "+n.firstWhy)
	}
}

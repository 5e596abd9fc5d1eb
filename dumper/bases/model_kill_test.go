package bases

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// mKilled is what a backup that may be killed has in its journal, and what came of that.
type mKilled struct {
	done  map[schema.Name][]mPast // reads of tables that were complete, oldest first
	parts map[schema.Name]*mRead  // reads that the present run may go on with
	kills int
	whole int // tables that a later run took over
	went  int // reads that it went on with
}

type mPast struct {
	result  TableRead
	content mContent
	again   []catalog.ReadAgain
}

// begins makes the rules' state at the first tick, that of the first run also for the runs that
// go on with it.
func (d *mDumper) begins() {
	d.bases = New(Config{
		First:          d.ticks[0].mark(),
		Selected:       func(n schema.Name) bool { return d.outside&bit(number(n)) == 0 },
		SelectedObject: func(catalog.ObjectKind, schema.Name) bool { return true },
		Locked:         true,
	})
}

// journal notes a complete read.
func (d *mDumper) journal(n schema.Name, r *mRead) {
	if d.killed == nil || !r.present {
		return
	}
	d.killed.done[n] = append(d.killed.done[n], mPast{result: r.result, content: d.content[number(n)], again: slices.Clone(r.want.Again)})
}

// mayBeKilled kills the backup a few times, once it has something to lose.
func (d *mDumper) mayBeKilled() {
	k := d.killed
	if k == nil || k.kills == 3 || d.bases == nil || d.finished || len(k.done) == 0 && len(d.reads) == 0 || d.n(10) > 0 {
		return
	}
	d.kill()
}

// kill ends the run; another one begins. Of a table the journal's newest complete read is adopted,
// or an older one, where the newest had not been written down, or none, or a part of one.
func (d *mDumper) kill() {
	d.note("        the backup is killed")
	k := d.killed
	k.kills++
	reads := d.reads
	d.begins()
	d.received, d.listing, d.reads, d.schemas = 0, 0, map[schema.Name]*mRead{}, map[string]*mRead{}
	d.content, d.charsets = [nNames]mContent{}, [nSchemas]int8{}
	k.parts = map[schema.Name]*mRead{}
	for _, n := range tableNames {
		if r := reads[n]; r != nil && r.want.Kind == WantTable && r.stage == readsChunks && len(r.want.Again) == 0 && d.n(4) > 0 {
			k.parts[n] = r
			continue
		}
		past := k.done[n]
		if len(past) == 0 {
			continue
		}
		i := len(past) - 1 - d.n(3)
		if i < 0 {
			continue
		}
		d.note("        %s is adopted", n)
		k.whole++
		d.bases.Adopt(n, past[i].result, past[i].again)
		d.content[number(n)] = past[i].content
	}
}

// goOn has a read go on with what the killed run's has left, if the table is what it was.
func (d *mDumper) goOn(r *mRead) bool {
	if d.killed == nil {
		return false
	}
	past := d.killed.parts[r.want.Name]
	delete(d.killed.parts, r.want.Name)
	if past == nil || len(r.want.Again) > 0 || !r.want.Behind.IsZero() || past.def != r.def ||
		!slices.ContainsFunc(past.chunks, func(c mChunk) bool { return c.done }) {
		return false
	}
	d.killed.went++
	d.note("        the read of %s goes on", r.want.Name)
	r.result, r.chunks, r.stage, r.present = past.result, slices.Clone(past.chunks), readsChunks, true
	d.bases.Opened(r.want, r.result.First, false)
	return true
}

// TestRulesConvergeOverKills: likewise where the backup is killed and gone on with, with the floor
// and the tables of its first run.
func TestRulesConvergeOverKills(t *testing.T) {
	first := seed()
	t.Logf("first seed %d", first)
	var sum mKilled
	killable := func(seed uint64, trace bool) (string, *mDumper) {
		w := newSource(rand.New(rand.NewPCG(seed, 0)))
		w.tracing = trace
		d := newDumper(w)
		d.killed = &mKilled{done: map[schema.Name][]mPast{}}
		return d.check(), d
	}
	for i := range uint64(*histories) {
		problem, d := killable(first+i, false)
		if problem != "" {
			_, d = killable(first+i, true)
			t.Fatalf("seed %d: %s\n%s", first+i, problem, strings.Join(d.trace[:min(len(d.trace), 300)], "\n"))
		}
		sum.kills, sum.whole, sum.went = sum.kills+d.killed.kills, sum.whole+d.killed.whole, sum.went+d.killed.went
	}
	t.Logf("%d histories, %d kills, %d tables adopted, %d reads gone on with", *histories, sum.kills, sum.whole, sum.went)
	if *histories >= 1000 && (sum.kills < *histories || sum.whole < *histories/5 || sum.went < *histories/10) {
		t.Error("the histories prove little")
	}
}

package progress

import (
	"sync"
	"sync/atomic"
	"time"
)

// Amount is work: rows, bytes, and items of which the phase's name says what they are (chunks,
// transactions, tables). Zero in a total means unknown.
type Amount struct {
	Rows, Bytes, Items int64
}

func (a Amount) add(b Amount) Amount {
	return Amount{Rows: a.Rows + b.Rows, Bytes: a.Bytes + b.Bytes, Items: a.Items + b.Items}
}

// Sink is told of the phases of a run. Safe for concurrent use; phases may overlap.
type Sink interface {
	Begin(name string, total Amount) Phase
}

// Phase is one piece of the run. Its methods return at once, may be called from several
// goroutines, and do nothing after End.
type Phase interface {
	Add(done Amount)
	SetTotal(total Amount)
	// Doing says what is being worked on now: a table, a position.
	Doing(what string)
	// Waits says why work stands still, until over is called: "for a lock on a.t". Several may
	// wait at once.
	Waits(why string) (over func())
	End()
}

// Discard is a Sink that nobody watches.
var Discard Sink = discard{}

type discard struct{}

func (discard) Begin(string, Amount) Phase { return discard{} }
func (discard) Add(Amount)                 {}
func (discard) SetTotal(Amount)            {}
func (discard) Doing(string)               {}
func (discard) Waits(string) func()        { return func() {} }
func (discard) End()                       {}

// Board is a Sink that remembers, for one that draws bars or prints lines. Create it with NewBoard.
type Board struct {
	now    func() time.Time
	waits  waits // of no phase
	mu     sync.Mutex
	phases []*tracked
}

// NewBoard makes an empty board. now is time.Now outside tests.
func NewBoard(now func() time.Time) *Board { return &Board{now: now, waits: waits{now: now}} }

// Begin implements Sink.
func (b *Board) Begin(name string, total Amount) Phase {
	p := &tracked{board: b, name: name, began: b.now(), waits: waits{now: b.now}}
	p.SetTotal(total)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.phases = append(b.phases, p)
	return p
}

// Waits is that of a Phase, for what all phases need: the store.
func (b *Board) Waits(why string) (over func()) { return b.waits.begin(why) }

// Waiting returns the reason for which the run has stood still longest, "" for none.
func (b *Board) Waiting() (why string, lasts time.Duration) { return b.waits.oldest() }

// Snapshot returns the state of all phases in the order in which they began.
func (b *Board) Snapshot() []Snapshot {
	b.mu.Lock()
	phases := b.phases[:len(b.phases):len(b.phases)]
	b.mu.Unlock()
	out := make([]Snapshot, len(phases))
	for i, p := range phases {
		out[i] = p.snapshot()
	}
	return out
}

// tracked is a phase of a Board. The counters are apart from the lock: they are the hot path.
type tracked struct {
	board              *Board
	name               string
	began              time.Time
	rows, bytes, items atomic.Int64
	ended              atomic.Bool
	waits              waits

	mu    sync.Mutex
	total Amount
	doing string
	end   time.Time
}

func (p *tracked) Add(done Amount) {
	if p.ended.Load() {
		return
	}
	p.rows.Add(done.Rows)
	p.bytes.Add(done.Bytes)
	p.items.Add(done.Items)
}

func (p *tracked) SetTotal(total Amount) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended.Load() {
		p.total = total
	}
}

func (p *tracked) Doing(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended.Load() {
		p.doing = what
	}
}

func (p *tracked) Waits(why string) (over func()) { return p.waits.begin(why) }

func (p *tracked) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended.CompareAndSwap(false, true) {
		p.end = p.board.now()
		p.doing = ""
	}
}

func (p *tracked) snapshot() Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Snapshot{
		Name: p.name, Doing: p.doing, Total: p.total, Ended: p.ended.Load(),
		Done: Amount{Rows: p.rows.Load(), Bytes: p.bytes.Load(), Items: p.items.Load()},
	}
	until := p.end
	if !s.Ended {
		until = p.board.now()
		s.Waiting, s.Waited = p.waits.oldest()
	}
	s.Elapsed = until.Sub(p.began)
	return s
}

// Snapshot is a phase at one instant.
type Snapshot struct {
	Name    string
	Doing   string // what is being worked on, "" where nobody said
	Waiting string // why work stands still, "" where it does not
	Waited  time.Duration
	Done    Amount
	Total   Amount // zero members are unknown
	Elapsed time.Duration
	Ended   bool
}

// Fraction returns how much is done, in [0, 1], by the first of bytes, rows and items whose
// total is known; ok is false where none is.
func (s Snapshot) Fraction() (fraction float64, ok bool) {
	for _, of := range [][2]int64{
		{s.Done.Bytes, s.Total.Bytes}, {s.Done.Rows, s.Total.Rows}, {s.Done.Items, s.Total.Items},
	} {
		if of[1] > 0 {
			// Totals are estimates while tables grow.
			return min(float64(of[0])/float64(of[1]), 1), true
		}
	}
	return 0, false
}

// Rate returns what was done per second, zero in the first instant.
func (s Snapshot) Rate() Amount {
	seconds := s.Elapsed.Seconds()
	if seconds <= 0 {
		return Amount{}
	}
	per := func(n int64) int64 { return int64(float64(n) / seconds) }
	return Amount{Rows: per(s.Done.Rows), Bytes: per(s.Done.Bytes), Items: per(s.Done.Items)}
}

// Left returns the time that the rest takes at the rate so far; ok is false where it is unknown.
func (s Snapshot) Left() (left time.Duration, ok bool) {
	fraction, ok := s.Fraction()
	if !ok || fraction <= 0 {
		return 0, false
	}
	return time.Duration(float64(s.Elapsed) * (1 - fraction) / fraction), true
}

// Sum adds up what all phases have done.
func Sum(snapshots []Snapshot) Amount {
	var sum Amount
	for _, s := range snapshots {
		sum = sum.add(s.Done)
	}
	return sum
}

package progress_test

import (
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tripod-db/tripod/internal/progress"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBoardCountsAcrossGoroutines(t *testing.T) {
	b := progress.NewBoard(time.Now)
	p := b.Begin("load", progress.Amount{Rows: 8000})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				p.Add(progress.Amount{Rows: 1, Bytes: 10})
				p.Doing("a.t")
				_ = b.Snapshot()
			}
		})
	}
	wg.Wait()
	s := b.Snapshot()[0]
	if s.Done != (progress.Amount{Rows: 8000, Bytes: 80000}) || s.Doing != "a.t" || s.Ended {
		t.Fatalf("the board shows %+v", s)
	}
	p.End()
	p.Add(progress.Amount{Rows: 1})
	p.Doing("b.t")
	if s := b.Snapshot()[0]; s.Done.Rows != 8000 || !s.Ended || s.Doing != "" {
		t.Fatalf("after its end the phase shows %+v", s)
	}
}

func TestRateAndTimeLeft(t *testing.T) {
	now := time.Unix(0, 0)
	b := progress.NewBoard(func() time.Time { return now })
	p := b.Begin("replay", progress.Amount{Bytes: 400})
	if _, ok := b.Snapshot()[0].Left(); ok {
		t.Fatal("a time left is told before anything was done")
	}
	p.Add(progress.Amount{Bytes: 100, Rows: 30})
	now = now.Add(10 * time.Second)
	s := b.Snapshot()[0]
	if r := s.Rate(); r != (progress.Amount{Bytes: 10, Rows: 3}) {
		t.Fatalf("rate %+v", r)
	}
	if left, ok := s.Left(); !ok || left != 30*time.Second {
		t.Fatalf("left %v, %v", left, ok)
	}
	p.Add(progress.Amount{Bytes: 900}) // more than the estimate
	if f, _ := b.Snapshot()[0].Fraction(); f != 1 {
		t.Fatalf("fraction %v", f)
	}
	p.End()
	now = now.Add(time.Hour)
	if s := b.Snapshot()[0]; s.Elapsed != 10*time.Second {
		t.Fatalf("the clock of an ended phase runs on: %v", s.Elapsed)
	}
	if sum := progress.Sum(b.Snapshot()); sum.Bytes != 1000 {
		t.Fatalf("sum %+v", sum)
	}
}

func TestUnknownTotal(t *testing.T) {
	b := progress.NewBoard(time.Now)
	p := b.Begin("archive", progress.Amount{})
	p.Add(progress.Amount{Items: 3})
	if _, ok := b.Snapshot()[0].Fraction(); ok {
		t.Fatal("a fraction of an unknown total")
	}
	p.SetTotal(progress.Amount{Items: 4})
	if f, ok := b.Snapshot()[0].Fraction(); !ok || f != 0.75 {
		t.Fatalf("fraction %v, %v", f, ok)
	}
}

func TestWaitsTellTheOldestReason(t *testing.T) {
	now := time.Unix(0, 0)
	b := progress.NewBoard(func() time.Time { return now })
	p := b.Begin("backup", progress.Amount{})
	lock := p.Waits("for a lock")
	now = now.Add(time.Second)
	memory := p.Waits("for memory")
	now = now.Add(time.Second)
	if s := b.Snapshot()[0]; s.Waiting != "for a lock" || s.Waited != 2*time.Second {
		t.Errorf("it waits %q for %v", s.Waiting, s.Waited)
	}
	lock()
	if s := b.Snapshot()[0]; s.Waiting != "for memory" || s.Waited != time.Second {
		t.Errorf("it waits %q for %v", s.Waiting, s.Waited)
	}
	memory()
	lock() // again
	if s := b.Snapshot()[0]; s.Waiting != "" {
		t.Errorf("it waits %q", s.Waiting)
	}
	over := b.Waits("for the store")
	if why, lasts := b.Waiting(); why != "for the store" || lasts != 0 {
		t.Errorf("the run waits %q for %v", why, lasts)
	}
	over()
	if why, _ := b.Waiting(); why != "" {
		t.Errorf("the run waits %q", why)
	}
	p.Waits("for nobody")
	p.End()
	if s := b.Snapshot()[0]; s.Waiting != "" {
		t.Errorf("an ended phase waits %q", s.Waiting)
	}
}

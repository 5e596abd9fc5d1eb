package main

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/tripod-db/tripod/internal/progress"
)

// redrawEvery is the rhythm of bars: smooth for the eye, nothing for a processor.
const redrawEvery = 150 * time.Millisecond

// screen is standard error, which the log and the progress share: plain lines, or, on a
// terminal, bars that stay at the bottom while the log's lines pass above them.
type screen struct {
	out     io.Writer
	canDraw bool

	mu      sync.Mutex
	drawing *mpb.Progress // nil while no bars are drawn
}

// newScreen finds out whether bars can be drawn: on a terminal that has a size and moves its cursor.
func newScreen(out io.Writer, env lookup) *screen {
	s := &screen{out: out}
	f, isFile := out.(*os.File)
	kind, _ := env("TERM")
	if !isFile || kind == "" || kind == "dumb" || !term.IsTerminal(int(f.Fd())) {
		return s
	}
	width, height, err := term.GetSize(int(f.Fd()))
	s.canDraw = err == nil && width > 0 && height > 0
	return s
}

// Write prints a whole line of the log, above the bars where there are some.
func (s *screen) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drawing != nil {
		if n, err := s.drawing.Write(line); err == nil {
			return n, nil
		}
	}
	return s.out.Write(line)
}

// draw shows the phases of a board until the returned function is called. All of them stay,
// those that have ended in one line.
func (s *screen) draw(board *progress.Board) (stop func()) {
	refresh, broken := make(chan any), make(chan any)
	container := mpb.New(mpb.WithOutput(s.out), mpb.WithManualRefresh(refresh), mpb.WithShutdownNotifier(broken))
	s.mu.Lock()
	s.drawing = container
	s.mu.Unlock()
	ending := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p := &painter{board: board, container: container}
		ticker := time.NewTicker(redrawEvery)
		defer ticker.Stop()
		redraw := func() {
			select {
			case refresh <- time.Now():
			case <-broken: // the terminal has gone
			}
		}
		for {
			select {
			case <-ticker.C:
				p.update()
				redraw()
			case <-ending:
				p.update()
				// A refresh is under way when its successor is taken, and done when the one after that
				// is: nothing that was written before may be lost.
				for range 4 {
					redraw()
				}
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(ending)
		<-ended
		s.mu.Lock()
		defer s.mu.Unlock()
		s.drawing = nil
		container.Shutdown()
	})
}

// painter has a bar for each phase of a board.
type painter struct {
	board     *progress.Board
	container *mpb.Progress
	bars      []*bar
}

// bar is the two lines of a phase: how far it is, and what it does or waits for.
type bar struct {
	mu    sync.Mutex
	state progress.Snapshot
	store string // what all phases wait for
}

// update takes over what the board says.
func (p *painter) update() {
	why, lasts := p.board.Waiting()
	store := waiting(why, lasts)
	for i, state := range p.board.Snapshot() {
		if i == len(p.bars) {
			b := &bar{state: state}
			if _, err := p.container.Add(0, b.filler((*bar).line), mpb.BarFillerTrim(), mpb.BarExtender(b.filler((*bar).status), false)); err != nil {
				return // the terminal has gone
			}
			p.bars = append(p.bars, b)
		}
		b := p.bars[i]
		b.mu.Lock()
		b.state, b.store = state, store
		b.mu.Unlock()
	}
}

// filler makes one of a bar's lines.
func (b *bar) filler(text func(*bar, int) string) mpb.BarFiller {
	return mpb.BarFillerFunc(func(w io.Writer, stat decor.Statistics) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		_, err := io.WriteString(w, text(b, stat.AvailableWidth))
		return err
	})
}

func (b *bar) line(width int) string { return phaseLine(b.state, width) }

// status is empty, and then no line, where there is nothing to say.
func (b *bar) status(width int) string {
	text := statusText(b.state, b.store)
	if text == "" {
		return ""
	}
	return cut("  "+text, width) + "\n"
}

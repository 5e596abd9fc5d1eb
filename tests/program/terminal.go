package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/creack/pty"
)

// Terminal is tripod with standard error on a terminal.
type Terminal struct {
	*Service
	Screen *Screen
	master *os.File
	shown  chan error
}

// StartOnTerminal starts tripod with standard error on a terminal of this size. The caller
// calls Finish.
func (p Program) StartOnTerminal(ctx context.Context, width, height int, args ...string) (*Terminal, error) {
	master, terminal, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("open a terminal: %w", err)
	}
	t := &Terminal{Screen: &Screen{Width: width, Height: height}, master: master, shown: make(chan error, 1)}
	err = pty.Setsize(master, &pty.Winsize{Rows: uint16(height), Cols: uint16(width)})
	if err == nil {
		t.Service, err = p.startWith(ctx, terminal, args...)
	}
	// The program has its own; when it ends, so does what the master gives.
	if err = errors.Join(err, terminal.Close()); err != nil {
		return nil, errors.Join(err, master.Close())
	}
	go func() {
		_, err := io.Copy(t.Screen, master)
		t.shown <- err
	}()
	return t, nil
}

// Finish waits until the program has ended and all that it has written is on the screen.
func (t *Terminal) Finish() (Outcome, error) {
	o := t.Wait()
	// The other end of a terminal that is closed gives an error, where a pipe would end.
	if err := <-t.shown; err != nil && !errors.Is(err, syscall.EIO) {
		return o, errors.Join(fmt.Errorf("read a terminal: %w", err), t.master.Close())
	}
	return o, t.master.Close()
}

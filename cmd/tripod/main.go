package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/tripod-db/tripod/internal/fault"
)

// version is set by the linker from the newest tag; a plain go build says "dev".
var version = "dev"

func main() {
	out := &lastWord{w: os.Stdout}
	ctx, stop := interruptible(context.Background(), func() {
		if asksJSON(os.Args[1:], os.LookupEnv) {
			out.say(nil, errInterrupted)
		}
	})
	code := run(ctx, os.Args[1:], streams{in: os.Stdin, out: out, err: os.Stderr}, os.LookupEnv)
	stop()
	os.Exit(code)
}

// lastWord passes on what is written, unless the last word has been said.
type lastWord struct {
	mu    sync.Mutex
	w     io.Writer
	begun bool // something was written
	said  bool
}

// Write implements io.Writer.
func (l *lastWord) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.said {
		return len(p), nil
	}
	l.begun = true
	return l.w.Write(p)
}

// say writes the JSON document of a process that ends now, where it has not written one.
func (l *lastWord) say(result any, f *fault.Error) {
	var document bytes.Buffer
	_ = printJSON(&document, result, f) // into memory
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.begun {
		l.said = true
		_, _ = l.w.Write(document.Bytes()) // there is nobody left to tell
	}
}

// interruptible returns a context that the first SIGINT or SIGTERM ends; the second one ends
// the process at once, with the exit code of an interruption, behind last.
func interruptible(parent context.Context, last func()) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan struct{})
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		select {
		case <-signals:
			cancel(errInterrupted)
		case <-done:
			return
		}
		select {
		case <-signals:
			last()
			os.Exit(exitInterrupted)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		<-finished
		cancel(nil)
	}
}

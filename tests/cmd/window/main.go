// Command window simulates the window: random histories of small tables, dumped in chunks while they
// change and restored by every rule. It ends with 1 when a real rule fails, or a naive one never.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/tripod-db/tripod/tests/window"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	c := window.Config{Log: os.Stdout}
	flag.IntVar(&c.Histories, "histories", 20_000, "that each rule is tried in")
	flag.Uint64Var(&c.Seed, "first", uint64(time.Now().UnixMicro()), "seed of the first history")
	seed := flag.Uint64("seed", 0, "tell the history of this seed, and what each rule makes of it")
	flag.Parse()
	one := false
	flag.Visit(func(f *flag.Flag) { one = one || f.Name == "seed" })
	server, err := window.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()
	if one {
		return window.Replay(ctx, server, *seed, os.Stdout)
	}
	fmt.Printf("first seed %d\n", c.Seed)
	r, err := window.Run(ctx, server, c)
	if r != nil {
		err = errors.Join(r.Write(os.Stdout), err)
	}
	if err != nil {
		return err
	}
	return r.Err()
}

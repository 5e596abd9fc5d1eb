// Command hold measures whether a backup blocks anybody: a source of 1 GB, an application that
// writes, a loop of ALTERs, a backup by the user with the fewest rights. It prints who held and
// who waited for how long, and ends with 1 when a bound is broken.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/tripod-db/tripod/tests/hold"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hold:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	c := hold.Config{Log: os.Stdout}
	flag.StringVar(&c.Binary, "tripod", "bin/tripod", "the program that is measured")
	flag.Int64Var(&c.Bytes, "bytes", hold.DefaultBytes, "of rows, at least")
	flag.IntVar(&c.Alters, "alters", hold.DefaultAlters, "ALTERs beside the backup, and as many alone")
	flag.DurationVar(&c.MaxHold, "max-hold", hold.DefaultMaxHold, "tripod's --max-hold")
	flag.IntVar(&c.Writers, "writers", hold.DefaultWriters, "sessions of the application")
	flag.IntVar(&c.Threads, "threads", hold.DefaultThreads, "tripod's --threads")
	flag.StringVar(&c.Dir, "dir", "", "folder for server and store (default: the temporary folder)")
	flag.Parse()
	r, err := hold.Run(ctx, c)
	if err != nil {
		return err
	}
	return r.Verdict(c, os.Stdout)
}

// Command mutants switches the rules of the watermarks, of DDL and of the restore off, one after the other, and
// prints for each which test fails, or with -histories how many random histories it takes until one
// fails. It ends with 1 when one of them goes unnoticed. Run it in the folder of go.mod.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/mutants"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var t mutants.Trials
	flag.IntVar(&t.Most, "histories", 0, "look for failures in random histories, at most so many a time, instead of running tests")
	flag.IntVar(&t.Times, "times", 5, "look so many times, each with other seeds")
	flag.IntVar(&t.Parallel, "parallel", 1, "search for so many mutants at once")
	flag.Uint64Var(&t.Seed, "seed", uint64(time.Now().UnixMicro()), "seed of the first history")
	flag.StringVar(&t.Only, "only", "", "the one failpoint that is tried, such as dumper/bases/W3")
	flag.Parse()
	if t.Most > 0 {
		mysqltest.InMemory() // no mutant is of what a sync is for
		return mutants.Histories(ctx, ".", t, os.Stdout)
	}
	return mutants.Run(ctx, ".", t.Only, os.Stdout)
}

// Command replayspeed measures the replay of a restore beside mysqlbinlog | mysql, and ends with 1
// when it takes more than a given share of its time, or more memory than it may.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/tripod-db/tripod/tests/replayspeed"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "replayspeed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	c := replayspeed.Config{Log: os.Stdout}
	flag.StringVar(&c.Binary, "tripod", "bin/tripod", "the program that is measured")
	flag.StringVar(&c.Sysbench, "sysbench", ".servers/sysbench/run", "the program that writes")
	flag.IntVar(&c.Tables, "tables", 4, "of sysbench")
	flag.IntVar(&c.Rows, "rows", 1_000_000, "of each table")
	flag.IntVar(&c.Transactions, "transactions", 60_000, "that are replayed")
	flag.IntVar(&c.Threads, "threads", 4, "of sysbench")
	flag.StringVar(&c.Memory, "memory", "512MiB", "tripod's --memory")
	flag.StringVar(&c.Dir, "dir", "", "folder for servers and store (default: the temporary folder)")
	least := flag.Float64("least", 5, "how many times as fast the replay has to be")
	flag.Parse()
	r, err := replayspeed.Run(ctx, c)
	if err != nil {
		return err
	}
	fmt.Printf("%d transactions, %d row changes, %.1f MB of log on %d tables of %d rows; --memory %s\n", r.Transactions, r.RowsWritten, float64(r.LogBytes)/1e6, c.Tables, c.Rows, c.Memory)
	fmt.Printf("tripod restore: replay %.1f s (load before it %.1f s), peak memory %.0f MB\n", r.Tripod, r.Load, float64(r.Peak)/1e6)
	fmt.Printf("mysqlbinlog | mysql: %.1f s, %.1f times as long\n", r.Peer, r.Ratio())
	if r.Ratio() < *least {
		return fmt.Errorf("the replay is %.1f times as fast, want %.1f", r.Ratio(), *least)
	}
	return nil
}

// Command history runs random histories against tripod: one by its seed, or many as a soak.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/history"
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
	c := history.Config{Log: os.Stdout}
	soak := flag.Int("soak", 0, "run this many histories of each setting, with consecutive seeds")
	setting := flag.String("settings", "mixed", "what the histories of a soak have in common, a,b or all (-list tells them)")
	parallel := flag.Int("parallel", 1, "so many histories of a soak at once, each on servers of its own")
	kills := flag.Int("kill-soak", 0, "kill archivers, backups, restores, sources and targets so many times")
	flag.Uint64Var(&c.Seed, "seed", uint64(time.Now().UnixMicro()), "seed of the history, or of the first one")
	flag.StringVar(&c.Kind, "kind", "", "kind of the servers (-list tells them; a soak goes by its setting)")
	flag.StringVar(&c.Into, "into", "", "kind of the server that is restored into; what the seed draws where none is given")
	flag.BoolVar(&c.GTID, "gtid", true, "source with GTIDs (one history; a soak goes by its setting)")
	flag.IntVar(&c.Transactions, "transactions", history.DefaultTransactions, "committed transactions, at least")
	flag.IntVar(&c.Changes, "changes", history.DefaultChanges, "DDL statements inside the backup, at least")
	flag.IntVar(&c.Stops, "stops", history.DefaultStops, "stop points that are restored and compared")
	flag.IntVar(&c.Rows, "rows", history.DefaultRows, "rows in a table before the history, about")
	flag.IntVar(&c.Tables, "tables", 0, "features with tables, at most; 0 for all that the seed draws")
	quick := flag.Bool("quick", false, "few tables with few rows, 120 transactions, 2 stop points and one further restore, compared as all are")
	flag.IntVar(&c.Writers, "writers", history.DefaultWriters, "concurrent writers")
	with := flag.String("features", "", "features that the history has whatever its seed draws, a,b or all")
	without := flag.String("without", "", "features that it has not, a,b or all (but those of -features)")
	list := flag.Bool("list", false, "list the features, and how many of a hundred seeds draw each")
	flag.StringVar(&c.Binary, "tripod", "bin/tripod-failpoints", "tripod, built with failpoints")
	flag.BoolVar(&c.GoOn, "go-on", false, "let a soak go on behind a failed history")
	flag.StringVar(&c.Keep, "keep", ".cache/histories", "folder that keeps a failed history's record, store and logs")
	flag.StringVar(&c.Failpoints, "failpoint", "", "one more failpoint, such as dumper/bases/W3=return(true): a rule switched off")
	flag.DurationVar(&c.Shrink, "shrink", history.DefaultShrink, "how long a failed history is made smaller; 0 for not")
	replay := flag.String("replay", "", "run this recorded history again, its statements one after the other")
	flag.Parse()
	if *list {
		fmt.Print(history.ListFeatures(), "\nkinds of servers:\n", history.ListKinds(), "\nsettings of a soak:\n", history.ListSettings())
		return nil
	}
	if *quick {
		c.Quick()
	}
	if c.With, err = history.ParseFeatures(*with); err != nil {
		return err
	}
	if c.Without, err = history.ParseFeatures(*without); err != nil {
		return err
	}
	if err = history.CheckKinds(c.Kind, c.Into); err != nil {
		return err
	}
	mysqltest.InMemory() // kills are of processes, never of the machine
	if *soak > 0 {
		c.Log = nil
		s := history.Soak{Config: c, Histories: *soak, Parallel: *parallel}
		if s.Settings, err = history.ParseSettings(*setting); err != nil {
			return err
		}
		return s.Run(ctx, os.Stdout)
	}
	fleet, err := history.NewFleet("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fleet.Stop(context.WithoutCancel(ctx))) }()
	if *replay != "" {
		if !given("shrink") {
			c.Shrink = 0
		}
		return history.ReplayFile(ctx, fleet, c, *replay, os.Stdout)
	}
	if *kills > 0 {
		c.Log = nil
		return history.KillSoak(ctx, fleet, c, *kills, true, os.Stdout)
	}
	fmt.Printf("seed %d\n", c.Seed)
	r, err := fleet.Run(ctx, c)
	fmt.Printf("%+v\n%s", r, r.Seconds())
	return err
}

// given tells whether a flag was set by the caller.
func given(name string) (found bool) {
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

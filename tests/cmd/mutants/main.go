// Command mutants switches the rules of the watermarks and of DDL off, one after the other, and
// prints for each which test fails. It ends with 1 when one of them goes unnoticed. Run it in
// the folder of go.mod.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/tripod-db/tripod/tests/mutants"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := mutants.Run(ctx, ".", os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// Package progress says how far a run has come: phases with rows, bytes and totals. Whoever
// works reports to a Sink; whoever shows draws from a Board, at its own pace.
//
// What may not happen here: terminals, output of any kind, goroutines, or work that waits for
// whoever watches.
package progress

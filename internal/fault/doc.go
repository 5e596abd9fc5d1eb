// Package fault is the error that an operator reads: what went wrong, what kind of
// failure it is, which exit code the process ends with, and the exact remedy.
//
// Every package may return a *fault.Error; only cmd turns it into output and an exit
// code. A fault is made where the remedy is known and wrapped unchanged on the way up
// (errors.As finds it). What may not happen here: formatting for a terminal, ending the
// process, or a code outside the table of the command line's contract.
package fault

// Package hold measures promise 1, "never blocks": a backup by the user with the fewest rights,
// beside an application that writes and a loop of ALTERs, judged by the server's own logs and
// by the clocks of those who wait.
//
// What may not happen here: a bound that is compared with nothing, or a measurement that
// leaves statements out because they are inconvenient.
package hold

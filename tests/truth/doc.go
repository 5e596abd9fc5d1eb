// Package truth takes what a server holds (definitions, objects, rows byte by byte) so that
// a restored server can be compared with its source. It asks the servers themselves and knows
// nothing of tripod. What may not happen here: a comparison that forgives.
package truth

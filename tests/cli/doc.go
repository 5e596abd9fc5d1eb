// Package cli holds tripod to the contract of its command line: exit codes, one clear line and
// a hint for whoever reads, one JSON document for whoever scripts, no stack trace, no password,
// and a next run that works. It has tests only.
//
// What may not happen here: knowledge of tripod's packages, or a refusal that is taken for
// right because it is some refusal.
package cli

// Package program builds tripod and runs it as its users do: a process with arguments, an
// environment of its own, exit code, stdout and stderr.
//
// What may not happen here: knowledge of tripod's packages, or a process that outlives the
// test that started it.
package program

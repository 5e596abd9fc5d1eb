// Package mutants proves that the tests of the rules can fail: for each rule it runs the test
// that is named for it twice, as it is and with the rule switched off by a failpoint. The
// first run has to pass, the second one has to fail. With [Histories] it counts how many random histories
// it takes until one fails with the rule off.
//
// What may not happen here: a test that was not run, or a build that failed, counted as a
// mutant that was caught; a history that held too little counted as one that failed.
package mutants

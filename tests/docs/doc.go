// Package docs holds the pages under docs/ to what is true: every command of the guide is run,
// in its order, against real servers; every member of a stored document is named in format.md;
// every test that museum.md and guarantees.md name is there.
//
// What may not happen here: a command of the guide that is left out, or one that it does not
// print.
package docs

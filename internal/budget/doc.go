// Package budget bounds what a run keeps in memory (promise 8): a weighted budget of bytes,
// which whoever wants to hold rows, events or chunk text acquires first.
//
// What may not happen here: an item that can never pass. One that is larger than the whole
// budget passes when nothing else is held, so the memory in use stays under the budget plus the
// largest single item.
package budget

// Package lanes brings row changes to the target in the replay: as fast as their tables allow, and each held to
// account.
//
// A Lane takes changes and, at a fence, has brought them to the target (R9). The Ordered lane keeps commit order on
// one connection and serves every table. The Keyed lane serves tables whose rows are told apart by the bytes of a
// key: of each row it keeps the last image, and writes what has gathered, a generation, by several connections. Lanes
// takes each change into the lane of its table.
//
// A Writer writes batches, each in one transaction with the notes of how far that brings the restore (package
// checkpoint), and only if every statement did what it had to (fact 11.9). Where one did not, it finds the row, which
// is the end of the restore, or a case for the list where the binlog shall win.
//
// Memory is the byte budget that the lanes share with everything else in a restore (promise 8).
//
// What may not happen here:
//
//   - A row behind its table's window that is written without account, but where a killed run may have written it.
//   - A note in another transaction than its rows, where the engine has transactions.
//   - Bytes that are held without a share of the budget.
//   - A decision whether a change is wanted, and by which rule: both come with it.
package lanes

// Package byhand restores a store with the commands of its own README.md and nothing else:
// bash, jq, zstd, mysql and mysqlbinlog, an account with the rights that the page names, and
// no tripod. So the page is true, and promise 7 holds.
//
// What may not happen here: a command that the page does not print, or a comparison by
// anything but the servers themselves.
package byhand

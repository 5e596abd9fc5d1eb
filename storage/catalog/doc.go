// Package catalog knows what lies where in a store: the keys of DESIGN section 7, the JSON
// of instance, manifest, intent, head, hole, lease and pin, and how to read and write them.
// It decides nothing: which backup serves a stop point, who may take a lease and what may be
// deleted is said elsewhere.
//
// Every document carries a version; one that is newer than this program is refused
// (ErrNewerVersion). What may not happen here: a key built by hand outside this package, or
// a listing of a whole store on the way to an archiver's first segment.
package catalog

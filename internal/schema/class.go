package schema

import "strings"

// Class says how a table is made exact (DESIGN section 4).
type Class string

// The classes. Their names stand in manifests.
const (
	Keyed            Class = "keyed"
	Snapshot         Class = "snapshot"
	PartialImage     Class = "partial image"
	NonTransactional Class = "non-transactional"
	Cascading        Class = "cascading"
	NoRows           Class = "no rows"
)

// Identity returns the key by which a row is told from every other: the primary key, or the
// first unique key over whole, stored, NOT NULL columns (no prefix, no expression: fact 11.6).
// ok is false where there is none; such a table is of class Snapshot.
func (t *Table) Identity() (key Key, ok bool) {
	for i := range t.Keys {
		if t.Keys[i].Unique && t.identifies(&t.Keys[i]) {
			return t.Keys[i], true
		}
	}
	return Key{}, false
}

// Identities returns all keys by which a row is told from every other; the first is Identity.
func (t *Table) Identities() []Key {
	var keys []Key
	for i := range t.Keys {
		if t.Keys[i].Unique && t.identifies(&t.Keys[i]) {
			keys = append(keys, t.Keys[i])
		}
	}
	return keys
}

func (t *Table) identifies(k *Key) bool {
	for _, p := range k.Parts {
		if p.Column == "" || p.Prefix > 0 {
			return false
		}
		c, _ := t.Column(p.Column)
		if c == nil || c.Nullable || c.Generated == Virtual {
			return false
		}
	}
	return len(k.Parts) > 0
}

// IdentityColumns returns the indexes, in Columns, of the identity's parts in key order.
func (t *Table) IdentityColumns() ([]int, bool) {
	k, ok := t.Identity()
	if !ok {
		return nil, false
	}
	cols := make([]int, len(k.Parts))
	for i, p := range k.Parts {
		_, cols[i] = t.Column(p.Column)
	}
	return cols, true
}

// SecondaryUnique tells whether a unique key other than the identity exists: rows may then
// stand in each other's way (fact 11).
func (t *Table) SecondaryUnique() bool {
	id, ok := t.Identity()
	for i := range t.Keys {
		if t.Keys[i].Unique && (!ok || t.Keys[i].Name != id.Name) {
			return true
		}
	}
	return false
}

// transactionalEngines commit and roll back with the binlog's transaction.
var transactionalEngines = []string{"InnoDB", "ROCKSDB", "TokuDB", "ndbcluster"}

// rowlessEngines keep their rows elsewhere, or nowhere: only the definition is backed up.
var rowlessEngines = []string{"MRG_MYISAM", "MERGE", "FEDERATED", "BLACKHOLE", "CONNECT", "SPIDER"}

// Class returns the class that the definition alone gives. PartialImage depends on row
// images and Cascading on what the server logs: those are the caller's to find.
func (t *Table) Class() Class {
	if oneOf(t.Engine, rowlessEngines) {
		return NoRows
	}
	if !oneOf(t.Engine, transactionalEngines) {
		return NonTransactional
	}
	if _, ok := t.Identity(); ok {
		return Keyed
	}
	return Snapshot
}

// lockedEngines are not transactional and keep the rows of a change from every reader, by their table
// lock, until the change is in the log (facts 12.1, 12.2). ARCHIVE does not: what it shows may come to
// the log any time later, so that no high watermark holds for its rows.
var lockedEngines = []string{"MyISAM", "MEMORY", "CSV"}

// LocksTable tells whether a table's rows can be read exactly behind a look at its table lock.
func (t *Table) LocksTable() bool { return oneOf(t.Engine, lockedEngines) }

// Children returns the tables of which a MERGE table shows the rows. Whoever changes rows of it changes
// theirs, and the log names the MERGE table alone.
func (t *Table) Children() []Name {
	if !oneOf(t.Engine, mergeEngines) {
		return nil
	}
	return t.Union
}

var mergeEngines = []string{"MRG_MYISAM", "MERGE"}

func oneOf(s string, list []string) bool {
	for _, v := range list {
		if strings.EqualFold(s, v) {
			return true
		}
	}
	return false
}

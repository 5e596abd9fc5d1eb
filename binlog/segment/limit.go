package segment

import (
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
)

// LimitKind says what an entry is that a replay may be unable to carry out.
type LimitKind string

// The kinds. They are facts about the log; whether a program can replay them is for its code
// (package limit), so a later one that learns to need not read any segment again.
const (
	// LimitXA: the commit of an XA transaction, in one phase or of one that was prepared. Earlier
	// versions wrote it; of those that they had not seen prepared it names no tables and no Prepare.
	LimitXA LimitKind = "xa"
	// LimitUnprepared: the commit of an XA transaction of which the archive does not hold the prepare.
	LimitUnprepared LimitKind = "xa without prepare"
	// LimitStatement: a statement whose result the log does not hold.
	LimitStatement LimitKind = "statement"
	// LimitFailed: a statement that is logged with an error and was carried out in part.
	LimitFailed LimitKind = "failed"
	// LimitNumbers: ALTER TABLE numbers the rows that are there. The numbers are known only where
	// the table has a key.
	LimitNumbers LimitKind = "numbers"
	// LimitText: a statement whose text is in no known character set.
	LimitText LimitKind = "text"
	// LimitPartialImage: a row image lacks columns. Earlier versions could not replay, and noted, that.
	LimitPartialImage LimitKind = "partial image"
	// LimitJSONDiff: a row image holds what changed in a JSON document instead of the document; likewise.
	LimitJSONDiff LimitKind = "json diff"
	// LimitReplaced: an UPDATE of a MariaDB whose images lack columns, which may be a REPLACE that set them to their defaults.
	LimitReplaced LimitKind = "replaced"
	// LimitRolledBack: the entry ends with ROLLBACK behind row changes.
	LimitRolledBack LimitKind = "rolled back"
	// LimitBare: a row without a single column, beside which a table without transactions may hold one more.
	LimitBare LimitKind = "row without columns"
	// LimitIncident: the server says that something is missing from its log here.
	LimitIncident LimitKind = "incident"
	// LimitContext: a statement with a variable of its session that is not known, behind which nothing could be read.
	LimitContext LimitKind = "context"
)

// Limit is an entry, or several, at which the range of the named tables may end. A program that
// does not know its kind has to take it as one that it cannot replay.
type Limit struct {
	// Start is where the entry starts in its file.
	Start uint64 `json:"start"`
	// Until is set where the Limit stands for others too of the same kind and tables: for any number
	// of entries between Start and the last of them, which starts at Until.
	Until uint64 `json:"until,omitempty"`
	// GTIDSet and Time are those of the Point at Start; GTIDSet is absent where it is very long.
	GTIDSet string      `json:"gtid_set,omitempty"`
	Time    binlog.Time `json:"time,omitzero"`

	Kind LimitKind `json:"kind"`
	// Verb and Reason describe a statement. Its text is not here: it may hold rows.
	Verb   string `json:"verb,omitempty"`
	Reason string `json:"reason,omitempty"`

	// Tables are those that the entry changes. Rows: what counts is their rows, else their definition.
	Tables []schema.Name `json:"tables,omitempty"`
	Rows   bool          `json:"rows,omitempty"`
	// Schemas: any table of these may be changed too; EveryTable: any table of the server. With
	// ByTriggers only if one of Tables has triggers.
	Schemas    []string `json:"schemas,omitempty"`
	EveryTable bool     `json:"every_table,omitempty"`
	ByTriggers bool     `json:"by_triggers,omitempty"`
	// Prepare is where the entry that prepared an XA transaction starts; absent if unknown.
	Prepare binlog.Position `json:"prepare,omitzero"`
}

// Last returns where the last of the entries starts.
func (l *Limit) Last() uint64 { return max(l.Start, l.Until) }

// Same tells whether two limits differ in nothing but their places.
func (l *Limit) Same(other *Limit) bool {
	return l.Kind == other.Kind && l.Verb == other.Verb && l.Reason == other.Reason && l.Rows == other.Rows &&
		l.EveryTable == other.EveryTable && l.ByTriggers == other.ByTriggers &&
		slices.Equal(l.Tables, other.Tables) && slices.Equal(l.Schemas, other.Schemas)
}

// MaxLimits is how many limits a list keeps one by one.
const MaxLimits = 256

// AddLimit adds a limit to the list of a file or segment, in which they come by Start. Behind the
// first MaxLimits, one that is like an earlier one is only counted in by that one's Until, and of
// the others every kind makes one that stands for every table.
func AddLimit(list []Limit, l Limit) []Limit {
	at := slices.IndexFunc(list, func(o Limit) bool { return o.Start == l.Start && o.Same(&l) })
	switch {
	case at >= 0:
		list[at].Until = max(list[at].Until, l.Until)
		return list
	case len(list) < MaxLimits:
		return append(list, l)
	}
	if extend(list, &l) {
		return list
	}
	l = Limit{Start: l.Start, Until: l.Until, GTIDSet: l.GTIDSet, Time: l.Time, Kind: l.Kind, EveryTable: true, Rows: true}
	if extend(list, &l) {
		return list
	}
	return append(list, l)
}

// extend lets the last limit of the list that is like l stand for l too.
func extend(list []Limit, l *Limit) bool {
	for i := range slices.Backward(list) {
		if list[i].Same(l) {
			list[i].Until = max(list[i].Until, l.Last())
			return true
		}
	}
	return false
}

package rewriter

import (
	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
)

// Rule says how a change is made into statements.
type Rule int

// The rules.
const (
	// Window is rule A of fact 11: the binlog wins. For changes inside a table's window, and
	// for changes that are known to differ (--on-divergence binlog-wins).
	Window Rule = iota + 1
	// Account is the rule behind the window: every change finds exactly the row it speaks of.
	Account
	// Loose is Window for rows that a transaction changed which was left out; it holds for keyless
	// tables too, as far as can be.
	Loose
)

// RuleFor returns the rule of a change that lies on that side of its table's row window.
func RuleFor(side binlog.Side) Rule {
	failpoint.Inject("R7", func() { side = binlog.After })
	if side == binlog.Inside {
		return Window
	}
	return Account
}

// verb is the kind of SQL that a piece becomes.
type verb int

const (
	verbInsert verb = iota + 1
	verbReplace
	verbDelete // by identity, inside IN (...)
	verbOther  // a complete statement
)

// Uncounted is the count of a statement that may affect any number of rows.
const Uncounted = -1

// Origin says where a change comes from, for messages and for the position kept on the target.
type Origin struct {
	Entry binlog.Position // start of the log entry
	GTID  binlog.GTID
	Row   uint64 // number of the row change inside its entry, from 0
}

// String prints the position and, where there is one, the GTID.
func (o Origin) String() string {
	if o.GTID.IsZero() {
		return o.Entry.String()
	}
	return o.Entry.String() + " (" + o.GTID.String() + ")"
}

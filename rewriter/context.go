package rewriter

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog/event"
)

// Variable is a session variable with its value as an SQL expression.
type Variable struct {
	Name  string
	Value string
}

// Unlogged is what holds for the statements of a source whose log does not say it.
type Unlogged struct {
	// ExplicitTimestamps is explicit_defaults_for_timestamp; nil where each statement that needs it
	// says so.
	ExplicitTimestamps *bool
	// CollationUTF8MB4 is the number of the collation that utf8mb4 alone stands for; 0 likewise.
	CollationUTF8MB4 uint16
}

// UnloggedBy returns what the log of a server, and what it prints of its routines, leave out. MySQL before
// 8.0 knew another collation for utf8mb4 alone, and before 5.7 its statements did not carry
// explicit_defaults_for_timestamp.
func UnloggedBy(mysql bool, major, minor int, explicitTimestamps bool) Unlogged {
	var u Unlogged
	if mysql {
		u.CollationUTF8MB4 = CollationUTF8MB4
	}
	if mysql && major < 8 {
		u.CollationUTF8MB4 = collationUTF8MB4Old
	}
	if mysql && (major < 5 || major == 5 && minor < 7) {
		u.ExplicitTimestamps = &explicitTimestamps
	}
	return u
}

// CollationUTF8MB4 is the collation id of utf8mb4's own default, as a client character set.
const CollationUTF8MB4 = 255

// collationUTF8MB4Old is the same of servers that do not know that one (MySQL before 8.0).
const collationUTF8MB4Old = 45

// ContextOf returns the session variables that a logged statement needs (R10, fact 8.13).
// converted tells that the text that will be sent is UTF-8 rather than the bytes of the log.
// Variables that the log does not give and that change nothing when they are missing are left out.
// foreign_key_checks is always 0: what the source accepted with it is accepted without (fact 4.7).
// What a target does not know, Fit takes out.
func ContextOf(q *event.Query, converted bool, unlogged Unlogged) []Variable {
	c := &q.Context
	vars := []Variable{
		{variableMode, strconv.FormatUint(sqlMode(c), 10)},
		{"foreign_key_checks", "0"},
		{"unique_checks", onOff(c.Flags2 == nil || *c.Flags2&event.Flags2RelaxedUniqueChecks == 0)},
		{"timestamp", timestamp(q)},
		{"time_zone", timeZone(c.TimeZone)},
		{"auto_increment_increment", number16(c.AutoIncrement, 1)},
		{"auto_increment_offset", number16(c.AutoIncrementOffset, 1)},
	}
	client := c.ClientCharset
	if converted || client == 0 {
		client = CollationUTF8MB4
	}
	vars = append(vars, Variable{variableClient, strconv.Itoa(int(client))})
	if c.ConnectionCollation != 0 {
		vars = append(vars, Variable{"collation_connection", strconv.Itoa(int(c.ConnectionCollation))})
	}
	if c.ServerCollation != 0 {
		vars = append(vars, Variable{"collation_server", strconv.Itoa(int(c.ServerCollation))})
	}
	if c.LCTimeNames != nil {
		vars = append(vars, Variable{"lc_time_names", number16(c.LCTimeNames, 0)})
	}
	if explicit := cmp.Or(c.ExplicitDefaultsForTimestamp, unlogged.ExplicitTimestamps); explicit != nil {
		vars = append(vars, Variable{variableTimestamps, onOff(*explicit)})
	}
	if collation := cmp.Or(c.DefaultCollationForUTF8MB4, unlogged.CollationUTF8MB4); collation != 0 {
		vars = append(vars, Variable{variableUTF8MB4, strconv.Itoa(int(collation))})
	}
	if c.DefaultTableEncryption != nil {
		vars = append(vars, Variable{variableEncryption, onOff(*c.DefaultTableEncryption)})
	}
	failpoint.Inject("R10", func() { vars = nil })
	return vars
}

func sqlMode(c *event.Context) uint64 {
	if c.SQLMode == nil {
		return 0
	}
	return *c.SQLMode
}

func timestamp(q *event.Query) string {
	if q.Context.Micros == nil {
		return strconv.FormatUint(uint64(q.Timestamp), 10)
	}
	return fmt.Sprintf("%d.%06d", q.Timestamp, *q.Context.Micros)
}

// timeZone: the log gives it only where the statement used it (fact 8.11).
func timeZone(logged string) string {
	if logged == "" {
		return "'+00:00'"
	}
	return QuoteString(logged)
}

func number16(n *uint16, missing uint16) string {
	if n == nil {
		return strconv.Itoa(int(missing))
	}
	return strconv.Itoa(int(*n))
}

func onOff(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// QuoteString prints a string literal that means the same under every sql_mode and client
// character set that is a superset of ASCII.
func QuoteString(s string) string {
	if strings.ContainsAny(s, "'\\\x00") {
		return fmt.Sprintf("_utf8mb4 x'%x'", s)
	}
	return "'" + s + "'"
}

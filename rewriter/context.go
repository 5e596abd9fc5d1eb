package rewriter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/binlog/event"
)

// Variable is a session variable with its value as an SQL expression.
type Variable struct {
	Name  string
	Value string
}

// sqlModeBits are the bits of sql_mode that servers from 8.0 on know. What older servers log
// beyond them (the bits of DB2, ORACLE, NO_AUTO_CREATE_USER and so on) is refused there with
// error 3899, and none of it changes what a CREATE or ALTER means.
const sqlModeBits uint64 = 0x1EFFC00FF

// removedModes are the names of the bits beyond sqlModeBits.
var removedModes = []string{"POSTGRESQL", "ORACLE", "MSSQL", "DB2", "MAXDB", "NO_KEY_OPTIONS", "NO_TABLE_OPTIONS",
	"NO_FIELD_OPTIONS", "MYSQL323", "MYSQL40", "NO_AUTO_CREATE_USER"}

// CollationUTF8MB4 is the collation id of utf8mb4's own default, as a client character set.
const CollationUTF8MB4 = 255

// ContextOf returns the session variables that a logged statement needs (R10, fact 8.13).
// converted tells that the text that will be sent is UTF-8 rather than the bytes of the log.
// Variables that the log does not give and that change nothing when they are missing are left out.
// foreign_key_checks is always 0: what the source accepted with it is accepted without (fact 4.7).
func ContextOf(q *event.Query, converted bool) []Variable {
	c := &q.Context
	vars := []Variable{
		{"sql_mode", strconv.FormatUint(sqlMode(c), 10)},
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
	vars = append(vars, Variable{"character_set_client", strconv.Itoa(int(client))})
	if c.ConnectionCollation != 0 {
		vars = append(vars, Variable{"collation_connection", strconv.Itoa(int(c.ConnectionCollation))})
	}
	if c.ServerCollation != 0 {
		vars = append(vars, Variable{"collation_server", strconv.Itoa(int(c.ServerCollation))})
	}
	if c.LCTimeNames != nil {
		vars = append(vars, Variable{"lc_time_names", number16(c.LCTimeNames, 0)})
	}
	if c.ExplicitDefaultsForTimestamp != nil {
		vars = append(vars, Variable{"explicit_defaults_for_timestamp", onOff(*c.ExplicitDefaultsForTimestamp)})
	}
	if c.DefaultCollationForUTF8MB4 != 0 {
		vars = append(vars, Variable{"default_collation_for_utf8mb4", strconv.Itoa(int(c.DefaultCollationForUTF8MB4))})
	}
	if c.DefaultTableEncryption != nil {
		vars = append(vars, Variable{"default_table_encryption", onOff(*c.DefaultTableEncryption)})
	}
	return vars
}

func sqlMode(c *event.Context) uint64 {
	if c.SQLMode == nil {
		return 0
	}
	return *c.SQLMode & sqlModeBits
}

// KnownModes drops from a list as @@sql_mode prints it what servers from 8.0 on refuse.
func KnownModes(list string) string {
	var kept []string
	for mode := range strings.SplitSeq(list, ",") {
		if mode != "" && !slices.Contains(removedModes, strings.ToUpper(mode)) {
			kept = append(kept, mode)
		}
	}
	return strings.Join(kept, ",")
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

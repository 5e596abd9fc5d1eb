package rewriter

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
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
	// MariaDB: its flags say what others have variables for, and some bits of its sql_mode are others.
	MariaDB bool
}

// UnloggedBy returns what the log of a server, and what it prints of its routines, leave out. MySQL before
// 8.0 knew another collation for utf8mb4 alone, and before 5.7 its statements did not carry
// explicit_defaults_for_timestamp. MariaDB never had another collation for utf8mb4 alone than those had.
func UnloggedBy(mysql bool, major, minor int, explicitTimestamps bool) Unlogged {
	u := Unlogged{MariaDB: !mysql, CollationUTF8MB4: collationUTF8MB4Old}
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
		{variableMode, sqlMode(c, unlogged.MariaDB)},
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
	vars = append(vars, Variable{variableClient, clientCharset(client, unlogged.MariaDB)})
	if c.ConnectionCollation != 0 {
		vars = append(vars, Variable{variableConnection, collation(c.ConnectionCollation, unlogged.MariaDB)})
	}
	if c.ServerCollation != 0 {
		vars = append(vars, Variable{variableServer, collation(c.ServerCollation, unlogged.MariaDB)})
	}
	if c.LCTimeNames != nil {
		vars = append(vars, Variable{"lc_time_names", number16(c.LCTimeNames, 0)})
	}
	explicit := cmp.Or(c.ExplicitDefaultsForTimestamp, unlogged.ExplicitTimestamps)
	if unlogged.MariaDB && c.Flags2 != nil {
		set := *c.Flags2&flags2ExplicitTimestamps != 0
		explicit = &set
		vars = append(vars, Variable{variableIfExists, onOff(*c.Flags2&flags2IfExists != 0)})
	}
	if explicit != nil {
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

// Bits of the flags that MariaDB alone logs (measured on 10.11).
const (
	flags2ExplicitTimestamps = 1 << 24
	flags2IfExists           = 1 << 28
)

// collation prints a collation of the source: by its number, which every server knows under one name or another, or by
// its name where MySQL does not mean the same by the number.
func collation(id uint16, mariadb bool) string {
	if mariadb {
		own, ok := schema.MariaDBCollationByID(id)
		if other, _ := schema.CollationByID(id); ok && other.Name != own.Name {
			return QuoteString(own.Name)
		}
	}
	return strconv.Itoa(int(id))
}

// clientCharset prints a client's character set, which servers log as one of its collations.
func clientCharset(id uint16, mariadb bool) string {
	if _, shared := schema.CollationByID(id); mariadb && !shared {
		if c, ok := schema.CharsetOfCollation(id); ok {
			return QuoteString(c.Name)
		}
	}
	return strconv.Itoa(int(id))
}

// sqlMode prints the mode as a number. The bits above 32 of MariaDB's mean something else to MySQL: they are
// printed by their names, beside the bits below by theirs.
func sqlMode(c *event.Context, mariadb bool) string {
	if c.SQLMode == nil {
		return "0"
	}
	mode := *c.SQLMode
	if !mariadb || mode <= modesBefore8 {
		return strconv.FormatUint(mode, 10)
	}
	var names []string
	for bit, name := range mariadbModes {
		if mode&(1<<bit) != 0 {
			names = append(names, name)
		}
	}
	return "'" + strings.Join(names, ",") + "'"
}

// mariadbModes are the names of MariaDB's modes, by their bits.
var mariadbModes = [...]string{
	"REAL_AS_FLOAT", "PIPES_AS_CONCAT", "ANSI_QUOTES", "IGNORE_SPACE", "IGNORE_BAD_TABLE_OPTIONS", "ONLY_FULL_GROUP_BY", "NO_UNSIGNED_SUBTRACTION",
	"NO_DIR_IN_CREATE", "POSTGRESQL", "ORACLE", "MSSQL", "DB2", "MAXDB", "NO_KEY_OPTIONS", "NO_TABLE_OPTIONS", "NO_FIELD_OPTIONS", "MYSQL323", "MYSQL40", "ANSI",
	"NO_AUTO_VALUE_ON_ZERO", "NO_BACKSLASH_ESCAPES", "STRICT_TRANS_TABLES", "STRICT_ALL_TABLES", "NO_ZERO_IN_DATE", "NO_ZERO_DATE", "ALLOW_INVALID_DATES",
	"ERROR_FOR_DIVISION_BY_ZERO", "TRADITIONAL", "NO_AUTO_CREATE_USER", "HIGH_NOT_PRECEDENCE", "NO_ENGINE_SUBSTITUTION", "PAD_CHAR_TO_FULL_LENGTH",
	"EMPTY_STRING_IS_NULL", "SIMULTANEOUS_ASSIGNMENT", "TIME_ROUND_FRACTIONAL",
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

package rewriter

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// Variables that not every target knows, or knows by other values.
const (
	variableMode       = "sql_mode"
	variableClient     = "character_set_client"
	variableTimestamps = "explicit_defaults_for_timestamp"
	variableUTF8MB4    = "default_collation_for_utf8mb4"
	variableEncryption = "default_table_encryption"
	variableServer     = "collation_server"
	variableConnection = "collation_connection"
	variableIfExists   = "sql_if_exists"
)

// modesOf8 are the bits of sql_mode that MySQL from 8.0 on knows. What older servers log beyond them
// (the bits of DB2, ORACLE, NO_AUTO_CREATE_USER and so on) is refused there with error 3899, and none
// of it changes what a CREATE or ALTER means. Those before 8.0 know none beyond 32, and MariaDB means other
// things by them, which ContextOf prints by name.
const (
	modesOf8      uint64 = 0x1EFFC00FF
	modesBefore8  uint64 = 0xFFFFFFFF
	lastModeOfOld        = "TIME_TRUNCATE_FRACTIONAL"
)

// removedModes are the names of the bits beyond modesOf8.
var removedModes = []string{"IGNORE_BAD_TABLE_OPTIONS", "EMPTY_STRING_IS_NULL", "SIMULTANEOUS_ASSIGNMENT", "TIME_ROUND_FRACTIONAL", "POSTGRESQL", "ORACLE", "MSSQL", "DB2", "MAXDB", "NO_KEY_OPTIONS", "NO_TABLE_OPTIONS",
	"NO_FIELD_OPTIONS", "MYSQL323", "MYSQL40", "NO_AUTO_CREATE_USER"}

// Knows is what a target takes of a statement's context.
type Knows struct {
	// Modern: MySQL from 8.0 on. It has dropped some modes of sql_mode, and has variables that no
	// other server has.
	Modern bool
	// FixedTimestamps: explicit_defaults_for_timestamp cannot be changed (5.6).
	FixedTimestamps bool
	// MariaDB has modes and variables of its own.
	MariaDB bool
}

// Fit takes out of a context what the target does not know and what means nothing there.
func (k Knows) Fit(variables []Variable) []Variable {
	var fitting []Variable
	for _, v := range variables {
		switch v.Name {
		case variableUTF8MB4, variableEncryption:
			if !k.Modern {
				continue // one collation for utf8mb4, no encryption by default
			}
		case variableIfExists:
			if !k.MariaDB {
				continue
			}
		case variableTimestamps:
			if k.FixedTimestamps {
				continue
			}
		case variableServer:
			// It decides about CREATE DATABASE alone, which is carried out with its collation spelled.
			if v.Value == strconv.Itoa(CollationUTF8MB4) && !k.Modern || k.lacks(v.Value) {
				continue
			}
		case variableMode:
			v.Value = k.mode(v.Value)
		case variableClient:
			if v.Value == strconv.Itoa(CollationUTF8MB4) && !k.Modern {
				v.Value = strconv.Itoa(collationUTF8MB4Old)
			}
		}
		fitting = append(fitting, v)
	}
	return fitting
}

// FitTable is Fit for a statement on a table: of its connection's collation only the literals of
// defaults and comments are, which are stored in the column's.
func (k Knows) FitTable(variables []Variable) []Variable {
	fitting := k.Fit(variables)
	for i, v := range fitting {
		switch {
		case v.Name != variableConnection:
		case v.Value == strconv.Itoa(CollationUTF8MB4) && !k.Modern:
			fitting[i].Value = strconv.Itoa(collationUTF8MB4Old)
		case k.lacks(v.Value): // any other of its character set
			charset, _, _ := strings.Cut(strings.Trim(v.Value, "'"), "_")
			if set, ok := schema.CharsetByName(charset); ok {
				c, _ := schema.CollationByName(set.Default)
				fitting[i].Value = strconv.Itoa(int(c.ID))
			}
			if charset == "utf8mb4" {
				fitting[i].Value = strconv.Itoa(collationUTF8MB4Old)
			}
		}
	}
	return fitting
}

// lacks tells whether a collation is one of MariaDB's own, which ContextOf prints by their names.
func (k Knows) lacks(collation string) bool { return !k.MariaDB && strings.HasPrefix(collation, "'") }

// mode takes a sql_mode as the log has it, a number, or as servers print it, a quoted list.
func (k Knows) mode(value string) string {
	known := modesBefore8
	if k.Modern {
		known = modesOf8
	}
	if bits, err := strconv.ParseUint(value, 10, 64); err == nil {
		return strconv.FormatUint(bits&known, 10)
	}
	var kept []string
	for mode := range strings.SplitSeq(strings.Trim(value, "'"), ",") {
		unknown := strings.EqualFold(mode, lastModeOfOld)
		switch {
		case k.Modern:
			unknown = slices.Contains(removedModes, strings.ToUpper(mode))
		case !k.MariaDB:
			unknown = unknown || slices.Contains(mariadbModes[32:], strings.ToUpper(mode))
		}
		if mode != "" && !unknown {
			kept = append(kept, mode)
		}
	}
	return "'" + strings.Join(kept, ",") + "'"
}

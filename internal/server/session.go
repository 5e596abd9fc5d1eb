package server

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/internal/fault"
)

// setting is one session variable that every connection sets and reads back.
type setting struct {
	names []string // the variable's names on servers old and new
	want  []string // the spellings in which servers show the value
	// missing: servers exist that do not know the variable, and there is nothing to fear from it there.
	missing bool
}

// noLimit is the greatest value of the limits that are 64-bit numbers.
const noLimit = "18446744073709551615"

// commonSession is set on every connection. The executable comments keep servers that do not
// know a variable from seeing it; isolation has two names, so it is set by its statement.
//
//   - completion_type: CHAIN would leave a transaction open behind each COMMIT (promise 1).
//   - NAMES comes first and alone: a global character_set_connection of utf16 would garble the
//     literals behind it.
//   - sql_if_exists makes every DROP of MariaDB one that says nothing where there is nothing.
//   - wait_timeout, net_write_timeout: a short global one would cut connections that wait for
//     room in the store, and the default of 8 hours one that waits for the reading of a large table. The value
//     is the greatest one that every platform takes, 24 days.
const commonSession = "time_zone='+00:00', autocommit=1, completion_type=0," +
	" sql_select_limit=" + noLimit + ", sql_big_selects=1, sql_safe_updates=0, sql_auto_is_null=0, sql_quote_show_create=1," +
	" wait_timeout=2147483, net_write_timeout=600" +
	" /*!50708 , max_execution_time=0 */ /*M!100101 , max_statement_time=0 */ /*!80013 , use_secondary_engine=OFF */" +
	" /*!80030 , show_gipk_in_create_table_and_information_schema=ON */ /*M!100502 , sql_if_exists=0 */;" +
	" SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE;"

// sourceSession is DESIGN section 4, "Reading is exact". lock_wait_timeout=1: our look at a
// table never waits longer behind somebody's ALTER, and holds nobody up (facts 3.2, 3.3). The mode changes nothing that
// is read but in CSV tables, whose text is parsed for each reader: without ALLOW_INVALID_DATES one with 31 February in it
// is told to be crashed (error 1194).
const sourceSession = "SET NAMES binary; SET sql_mode='ALLOW_INVALID_DATES', lock_wait_timeout=1, innodb_lock_wait_timeout=1, " + commonSession

// targetSession is what loading and replaying begin with (DESIGN section 8); each replayed
// statement brings its own context. Locks are waited for as long as the server likes.
//
//   - check_constraint_checks: a row that the source's own session let in is let in again.
//   - default_storage_engine: a table that the log makes without ENGINE is one of InnoDB, as on the source.
//   - old_mode: utf8 in a statement is utf8mb3, as on the sources that preflight lets in.
const targetSession = "SET NAMES utf8mb4; SET sql_mode='" + targetMode + "', foreign_key_checks=0, default_storage_engine=InnoDB" +
	" /*M!100201 , check_constraint_checks=0 */ /*M!100601 , old_mode='" + targetOldMode + "' */, " + commonSession

const targetOldMode = "UTF8_IS_UTF8MB3"

const targetMode = "NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES,ALLOW_INVALID_DATES"

func names(n ...string) []string { return n }

var commonSettings = []setting{
	{names: names("time_zone"), want: names("+00:00")},
	{names: names("autocommit"), want: names("ON", "1")},
	{names: names("sql_select_limit"), want: names(noLimit)},
	{names: names("sql_big_selects"), want: names("ON", "1")},
	{names: names("sql_safe_updates"), want: names("OFF", "0")},
	{names: names("sql_auto_is_null"), want: names("OFF", "0")},
	{names: names("sql_quote_show_create"), want: names("ON", "1")},
	{names: names("completion_type"), want: names("NO_CHAIN", "0")},
	{names: names("transaction_isolation", "tx_isolation"), want: names("REPEATABLE-READ")},
	{names: names("max_execution_time"), want: names("0"), missing: true},
	{names: names("max_statement_time"), want: names("0.000000", "0"), missing: true},
	{names: names("use_secondary_engine"), want: names("OFF"), missing: true},
	{names: names("show_gipk_in_create_table_and_information_schema"), want: names("ON"), missing: true},
	{names: names("sql_if_exists"), want: names("OFF", "0"), missing: true},
}

var sourceSettings = append([]setting{
	{names: names("character_set_client"), want: names("binary")},
	{names: names("character_set_connection"), want: names("binary")},
	// SET NAMES binary stops all conversion; servers show NULL as an empty value.
	{names: names("character_set_results"), want: names("binary", "")},
	{names: names("sql_mode"), want: names("ALLOW_INVALID_DATES")},
	{names: names("lock_wait_timeout"), want: names("1")},
	{names: names("innodb_lock_wait_timeout"), want: names("1")},
}, commonSettings...)

var targetSettings = append([]setting{
	{names: names("character_set_client"), want: names("utf8mb4")},
	{names: names("character_set_connection"), want: names("utf8mb4")},
	{names: names("character_set_results"), want: names("utf8mb4")},
	{names: names("sql_mode"), want: names(targetMode)},
	{names: names("foreign_key_checks"), want: names("OFF", "0")},
	{names: names("default_storage_engine"), want: names("InnoDB")},
	{names: names("check_constraint_checks"), want: names("OFF", "0"), missing: true},
	{names: names("old_mode"), want: names(targetOldMode), missing: true},
}, commonSettings...)

// sessionStatements returns the statements that a new connection of the role sends as one: the
// settings, then two results to check: who answers, and the settings as they are.
func sessionStatements(role Role) string {
	set, settings := sourceSession, sourceSettings
	if role == Target {
		set, settings = targetSession, targetSettings
	}
	var list []string
	for _, s := range settings {
		for _, name := range s.names {
			list = append(list, "'"+name+"'")
		}
	}
	return set + " SELECT CONNECTION_ID(), VERSION(), @@server_id, @@hostname, @@port;" +
		" SHOW SESSION VARIABLES WHERE Variable_name IN ('server_uuid', " + strings.Join(list, ", ") + ")"
}

// session is what a new connection answers to sessionStatements.
type session struct {
	threadID  uint32
	version   string
	replicaID string // identity of a server without a uuid
	variables map[string]string
}

// identity returns the server's uuid; where there is none (MariaDB) server id, host name and port.
func (s session) identity() string {
	if uuid := s.variables["server_uuid"]; uuid != "" {
		return uuid
	}
	return s.replicaID
}

// check compares the settings with what was asked for.
func (s session) check(role Role) error {
	settings := sourceSettings
	if role == Target {
		settings = targetSettings
	}
	for _, want := range settings {
		if err := s.checkOne(want); err != nil {
			return err
		}
	}
	return nil
}

func (s session) checkOne(want setting) error {
	for _, name := range want.names {
		value, known := s.variables[name]
		if !known {
			continue
		}
		for _, w := range want.want {
			if strings.EqualFold(value, w) {
				return nil
			}
		}
		return fault.New(fault.CodeFailed, fault.KindSource,
			"connect to the server itself: something between it and tripod changes session settings",
			"set up the session: %s is %q although it was set to %q", name, value, want.want[0])
	}
	if want.missing {
		return nil
	}
	return fmt.Errorf("set up the session: the server has no variable %s", want.names[0])
}

// newSession reads the two results of sessionStatements.
func newSession(who, settings [][]string) (session, error) {
	if len(who) != 1 || len(who[0]) != 5 {
		return session{}, errors.New("the server did not say who it is")
	}
	id, err := strconv.ParseUint(who[0][0], 10, 64)
	if err != nil {
		return session{}, fmt.Errorf("read the connection's id: %w", err)
	}
	s := session{
		threadID:  uint32(id),
		version:   who[0][1],
		replicaID: ReplicaIdentity(who[0][2], who[0][3], who[0][4]),
		variables: make(map[string]string, len(settings)),
	}
	for _, row := range settings {
		s.variables[strings.ToLower(row[0])] = row[1]
	}
	return s, nil
}

package server

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Flavors of servers.
const (
	FlavorMySQL   = "mysql"
	FlavorMariaDB = "mariadb"
)

// Facts are what a server said of itself when it was opened. Settings that the server does not
// have are empty or zero.
type Facts struct {
	Flavor              string // FlavorMySQL or FlavorMariaDB
	Version             string // as the server spells it
	Major, Minor, Patch int
	// ServerUUID is the identity of W6: server_uuid, on MariaDB server id, host name and port.
	ServerUUID  string
	ServerID    uint32
	CurrentUser string // CURRENT_USER(): user@host of the account that was matched

	LowerCaseTableNames int
	CharacterSetServer  string
	CollationServer     string
	TimeZone            string // @@global.time_zone
	SystemTimeZone      string

	LogBin            bool
	BinlogFormat      string // ROW, STATEMENT, MIXED
	RowImage          string // FULL, NOBLOB, MINIMAL
	RowValueOptions   string // "" or PARTIAL_JSON
	RowMetadata       string // MINIMAL, FULL, NO_LOG
	BinlogChecksum    string
	MaxBinlogSize     uint64
	BinlogExpire      uint64 // seconds until a binlog file may be purged; 0 for never
	SyncBinlog        uint64
	FlushLogAtCommit  uint64 // innodb_flush_log_at_trx_commit
	GTIDMode          string // ON, OFF, ON_PERMISSIVE, OFF_PERMISSIVE
	LogReplicaUpdates bool
	NativeForeignKeys bool // innodb_native_foreign_keys: cascades are not logged (fact 4.2)
	MaxAllowedPacket  uint64
	LocalInfile       bool
	TrustFunctions    bool // log_bin_trust_function_creators
	RequirePrimaryKey bool // sql_require_primary_key
	InvisibleKey      bool // sql_generate_invisible_primary_key
	EventScheduler    string
	PartialRevokes    bool
	// ExplicitTimestamps is explicit_defaults_for_timestamp: whether a TIMESTAMP column is as it is spelled.
	ExplicitTimestamps bool
	DefaultEngine      string
	ReadOnly           bool // read_only or super_read_only

	// What only MariaDB has.
	EncryptBinlog   bool   // encrypt_binlog
	OldMode         string // old_mode: whether utf8 in a statement is utf8mb3
	Cluster         bool   // wsrep_on: a node of Galera
	SecureTimestamp string // secure_timestamp: who may set timestamp, NO means everybody
}

// AtLeast tells whether the version is major.minor.patch or newer, of any flavor.
func (f Facts) AtLeast(major, minor, patch int) bool {
	if f.Major != major {
		return f.Major > major
	}
	if f.Minor != minor {
		return f.Minor > minor
	}
	return f.Patch >= patch
}

// GTIDs tells whether every transaction has a GTID.
func (f Facts) GTIDs() bool { return f.GTIDMode == "ON" }

// BinlogStatus returns the statement that shows the current file and offset of the log; it
// needs REPLICATION CLIENT. MySQL renamed it in 8.2 and dropped the old name in 8.4.
func (f Facts) BinlogStatus() string {
	if f.Flavor == FlavorMySQL && f.AtLeast(8, 2, 0) {
		return "SHOW BINARY LOG STATUS"
	}
	return "SHOW MASTER STATUS"
}

// Identity returns the expression whose value is ServerUUID: by it every connection says which server
// answers (W6). MariaDB has no uuid.
func (f Facts) Identity() string {
	if f.Flavor == FlavorMariaDB {
		return "CONCAT(@@global.server_id, '@', @@hostname, ':', @@port)"
	}
	return "@@server_uuid"
}

// factVariables are the global variables that readFacts asks for.
const factVariables = "'server_id','server_uuid','hostname','port','lower_case_table_names','character_set_server','collation_server'," +
	"'time_zone','system_time_zone','log_bin','binlog_format','binlog_row_image','binlog_row_value_options','binlog_row_metadata'," +
	"'binlog_checksum','max_binlog_size','binlog_expire_logs_seconds','binlog_expire_logs_auto_purge','expire_logs_days','sync_binlog','innodb_flush_log_at_trx_commit'," +
	"'gtid_mode','log_replica_updates','log_slave_updates','innodb_native_foreign_keys','max_allowed_packet','local_infile'," +
	"'log_bin_trust_function_creators','sql_require_primary_key','sql_generate_invisible_primary_key','event_scheduler'," +
	"'explicit_defaults_for_timestamp','partial_revokes','default_storage_engine','read_only','super_read_only'," +
	"'encrypt_binlog','old_mode','wsrep_on','secure_timestamp'"

// readFacts asks the server. It takes any account: none of this needs a privilege (fact 3.9).
func (s *Server) readFacts(ctx context.Context) (Facts, error) {
	var f Facts
	if err := s.db.QueryRowContext(ctx, "SELECT VERSION(), CURRENT_USER()").Scan(&f.Version, &f.CurrentUser); err != nil {
		return Facts{}, fmt.Errorf("read the server's version: %w", err)
	}
	rows, err := s.db.QueryContext(ctx, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ("+factVariables+")")
	if err != nil {
		return Facts{}, fmt.Errorf("read the server's settings: %w", err)
	}
	defer rows.Close()
	v := variables{}
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return Facts{}, fmt.Errorf("read the server's settings: %w", err)
		}
		v[strings.ToLower(name)] = value
	}
	if err := rows.Err(); err != nil {
		return Facts{}, fmt.Errorf("read the server's settings: %w", err)
	}
	f.setVersion()
	f.setVariables(v)
	return f, nil
}

// setVersion reads 9.7.4, 8.0.36-28, 10.11.19-MariaDB-log, and 5.5.5-10.4.2-MariaDB, the prefix that old replicas wanted.
func (f *Facts) setVersion() {
	f.Flavor = FlavorMySQL
	text := f.Version
	if strings.Contains(strings.ToLower(text), "mariadb") {
		f.Flavor = FlavorMariaDB
		text = strings.TrimPrefix(text, "5.5.5-")
	}
	end := strings.IndexFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end >= 0 {
		text = text[:end]
	}
	numbers := strings.Split(text, ".")
	for i, n := range []*int{&f.Major, &f.Minor, &f.Patch} {
		if i < len(numbers) {
			*n, _ = strconv.Atoi(numbers[i]) // digits only; an overflow is no version
		}
	}
}

func (f *Facts) setVariables(v variables) {
	f.ServerID = uint32(v.number("server_id"))
	f.ServerUUID = v["server_uuid"]
	if f.ServerUUID == "" {
		f.ServerUUID = ReplicaIdentity(v["server_id"], v["hostname"], v["port"])
	}
	f.LowerCaseTableNames = int(v.number("lower_case_table_names"))
	f.CharacterSetServer, f.CollationServer = v["character_set_server"], v["collation_server"]
	f.TimeZone, f.SystemTimeZone = v["time_zone"], v["system_time_zone"]
	f.LogBin = v.on("log_bin")
	f.BinlogFormat = strings.ToUpper(v["binlog_format"])
	f.RowImage = strings.ToUpper(v["binlog_row_image"])
	f.RowValueOptions = strings.ToUpper(v["binlog_row_value_options"])
	f.RowMetadata = strings.ToUpper(v["binlog_row_metadata"])
	f.BinlogChecksum = strings.ToUpper(v["binlog_checksum"])
	f.MaxBinlogSize = v.number("max_binlog_size")
	f.BinlogExpire = v.number("binlog_expire_logs_seconds")
	if f.BinlogExpire == 0 {
		const day = 24 * 60 * 60
		f.BinlogExpire = uint64(v.fraction("expire_logs_days") * day)
	}
	if strings.EqualFold(v["binlog_expire_logs_auto_purge"], "OFF") {
		f.BinlogExpire = 0
	}
	f.SyncBinlog = v.number("sync_binlog")
	f.FlushLogAtCommit = v.number("innodb_flush_log_at_trx_commit")
	f.GTIDMode = strings.ToUpper(v["gtid_mode"])
	f.LogReplicaUpdates = v.on("log_replica_updates") || v.on("log_slave_updates")
	f.NativeForeignKeys = v.on("innodb_native_foreign_keys")
	f.MaxAllowedPacket = v.number("max_allowed_packet")
	f.LocalInfile = v.on("local_infile")
	f.TrustFunctions = v.on("log_bin_trust_function_creators")
	f.RequirePrimaryKey = v.on("sql_require_primary_key")
	f.InvisibleKey = v.on("sql_generate_invisible_primary_key")
	f.EventScheduler = strings.ToUpper(v["event_scheduler"])
	f.PartialRevokes = v.on("partial_revokes")
	f.ExplicitTimestamps = v.on("explicit_defaults_for_timestamp")
	f.DefaultEngine = v["default_storage_engine"]
	f.ReadOnly = v.on("read_only") || v.on("super_read_only")
	f.EncryptBinlog = v.on("encrypt_binlog")
	f.OldMode = strings.ToUpper(v["old_mode"])
	f.Cluster = v.on("wsrep_on")
	f.SecureTimestamp = strings.ToUpper(v["secure_timestamp"])
}

// ReplicaIdentity stands for a uuid where the server has none (W6, MariaDB).
func ReplicaIdentity(serverID, hostname, port string) string {
	return serverID + "@" + hostname + ":" + port
}

type variables map[string]string

func (v variables) on(name string) bool { return strings.EqualFold(v[name], "ON") || v[name] == "1" }

// fraction is number for what MariaDB counts in parts of a day.
func (v variables) fraction(name string) float64 {
	n, err := strconv.ParseFloat(v[name], 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// number returns 0 for what is absent or no number: then the setting is unknown.
func (v variables) number(name string) uint64 {
	n, err := strconv.ParseUint(v[name], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

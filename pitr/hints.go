package pitr

import "github.com/tripod-db/tripod/internal/server"

// statementHints are the remedies for errors of replayed and created definitions, by number.
var statementHints = map[uint16]string{
	1061: "the source had an index of this name for a foreign key and dropped it by itself, when another index could serve, which no client can see:" +
		" restore from a backup made after this statement, or --exclude the table",
	1115: "the target does not know the character set: restore into a server at least as new as the source",
	1273: "the target does not know the collation: restore into a server at least as new as the source",
	1286: "the target does not have the storage engine: install it there, or --exclude the table",
	1298: "the target does not know the time zone: load the tables with mysql_tzinfo_to_sql there",
	1418: "on the target: SET GLOBAL log_bin_trust_function_creators = ON",
	1419: "on the target: SET GLOBAL log_bin_trust_function_creators = ON",
	3121: "the source keeps the table in a directory of its own (DATA DIRECTORY): let the target use that one (innodb_directories, and a restart), or --exclude the table",
	3185: "the source's tables are encrypted: configure a keyring on the target",
	3510: "the target does not have the tablespace: CREATE TABLESPACE there, or --exclude the table",
	3750: "on the target: SET GLOBAL sql_require_primary_key = OFF",
	3161: "the target forbids the storage engine (disabled_storage_engines)",
}

// statementHint returns the remedy for a statement that the target refused.
func statementHint(err error) string {
	if hint, ok := statementHints[server.ErrorNumber(err)]; ok {
		return hint
	}
	return "the source accepted this statement: compare the versions and settings of both servers"
}

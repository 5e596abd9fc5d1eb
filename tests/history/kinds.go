package history

import "github.com/tripod-db/tripod/internal/mysqltest"

// withoutStatistics spares a server the writing of statistics at each change of a definition.
const withoutStatistics = "--innodb-stats-persistent=OFF"

// kinds are all there are; the first is the usual one.
var kinds = []Kind{
	{
		Name: "9.7", Doc: "MySQL 9.7", server: mysqltest.MySQL97, into: []string{"9.7"},
		// Whoever builds an index spins until the threads have begun that read rows for it, four of them even for a table of ten rows.
		cheaper: []string{withoutStatistics, "--innodb-ddl-threads=1", "--innodb-parallel-read-threads=1"},
		watched: []string{"--performance-schema-max-sql-text-length=16384"},
		status:  "SHOW BINARY LOG STATUS", statusColumns: 5, gtids: "@@GLOBAL.gtid_executed",
		anyDefiner: "SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER, SYSTEM_USER",
		probed:     ", information_schema_stats_expiry=0", spatialReferences: true,
		reader: mysqltest.MySQL97, readerName: "mysqlbinlog",
	},
	{
		Name: "5.6", Doc: "MySQL 5.6, restored into 5.6 or 9.7", server: mysqltest.MySQL56, into: []string{"5.6", "9.7"},
		lacks: map[string]string{
			"documents": "no JSON, no generated columns", "types/tags": "no JSON, no keys over expressions", "types/computed": "no generated columns",
			"compression": "no compressed transactions", "full-metadata": "no binlog_row_metadata", "json-diffs": "no JSON", "native-keys": "its foreign keys know no other way",
			"users": "they are not backed up there", "slow-commits": "nothing delays them there", "large-events": "a row takes a tenth of the redo log at most",
		},
		lacksWithGTIDs: map[string]string{"ctas": "CREATE TABLE .. SELECT is refused", "temporary": "they are refused in transactions"},
		spelled: []string{
			"utf8mb4_0900_ai_ci", "utf8mb4_unicode_ci", "utf8mb3", "utf8", ", v VECTOR(3)", "", "JSON", "TEXT", " INVISIBLE", "",
			" SRID 4326", "", " SRID 3857", "", " SRID 0", "", " ROW_FORMAT=FIXED", "", ", SPATIAL KEY k_q (q)", "", ", SPATIAL KEY k_p (p)", "",
			", `удвоено` INT GENERATED ALWAYS AS (`с.точкой` * 2) STORED", "",
			// It was seen to show no such key any more, when the parent had been renamed.
			", CONSTRAINT `外键` FOREIGN KEY (`it's`) REFERENCES `shop`.`таблица №1` (`ключ`) ON DELETE SET NULL", "",
		},
		cheaper:  []string{withoutStatistics},
		unlogged: []string{"xa"}, // nothing is, until it is committed as any other
		// Other than later ones it remembers no statements by itself. It keeps the first 1,024 bytes of each.
		watched: []string{"--performance-schema-consumer-events-statements-history=ON"},
		status:  "SHOW MASTER STATUS", statusColumns: 5, gtids: "@@GLOBAL.gtid_executed",
		wholeSeconds: true, anyDefiner: "SUPER", noRename: true, heldXA: true, countersOfParts: true, updatesLeaveCounters: true, hidesCascades: true,
		reader: mysqltest.MySQL97, readerName: "mysqlbinlog", // it brings no programs
	},
	{
		Name: "mariadb", Doc: "MariaDB 10.11", server: mysqltest.MariaDB1011, into: []string{"mariadb"},
		lacks: map[string]string{
			"types/tags": "no keys over expressions", "types/computed": "no keys over expressions",
			"compression": "its own compresses single events", "full-metadata": "its metadata are printed otherwise", "json-diffs": "JSON is text", "native-keys": "its foreign keys know no other way",
			"users": "they are not backed up there", "slow-commits": "what delays them there does so in front of the log", "rows-query": "its annotations are no such events",
			"row-images": "a REPLACE of some columns, and what a trigger or a view changed, ends the range of its table: the histories draw both",
		},
		spelled: []string{
			"utf8mb4_0900_ai_ci", "utf8mb4_unicode_ci", ", v VECTOR(3)", "", " SRID 4326", "", " SRID 3857", "", " SRID 0", "", ", KEY k_f ((n + 1))", "",
		},
		watched: []string{
			"--performance-schema-consumer-events-statements-current=ON", "--performance-schema-consumer-events-statements-history=ON",
			"--performance-schema-max-sql-text-length=16384",
		},
		cheaper: []string{withoutStatistics},
		status:  "SHOW MASTER STATUS", statusColumns: 4, gtids: "@@GLOBAL.gtid_binlog_pos",
		wholeSeconds: true, anyDefiner: "SET USER", heldXA: true, hidesCascades: true, lateCheckpoints: true, replaces: true,
		reader: mysqltest.MariaDB1011, readerName: "mariadb-binlog",
	},
}

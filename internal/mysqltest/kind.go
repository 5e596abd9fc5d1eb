package mysqltest

import "path/filepath"

// Kind is one of the servers that make servers installs. The zero value is MySQL 9.7.
type Kind int

// The servers. What each needs to know of its kind stands in kinds.
const (
	MySQL97 Kind = iota
	MySQL56
	MariaDB1011
)

// Kinds are all servers, for tests that hold on each.
var Kinds = []Kind{MySQL97, MySQL56, MariaDB1011}

func (k Kind) String() string { return kinds[k].folder }

// traits are what starting and handling a server of one kind takes.
type traits struct {
	// folder under .servers, made by scripts/servers.sh.
	folder string
	// program is the server's, in the folder's bin.
	program string
	// variable is the environment variable by which a user makes tests run against a server of their own.
	variable string
	// share is where the server's own files lie below its folder, base what it is told to be its base folder.
	share, base string
	// bootstrap are the scripts, in share, that make a data directory; none: the server knows by itself.
	bootstrap []string
	// fileArgs are options for every call that other kinds do not know.
	common []string
	// runArgs are options of a running server that other kinds do not know, or that make it like MySQL 9.7, whose
	// defaults are what tests expect: rows in the binlog, which is synced at each commit.
	run []string
	// gtidArgs are the options that switch GTIDs on; noGTIDArgs those that switch them off.
	gtid, noGTID []string
	// backupGrants are the privileges, on *.*, of the least user that tripod backs up with.
	backupGrants []string
}

// kinds holds the traits of each [Kind].
var kinds = [...]traits{
	MySQL97: {
		folder: "mysql-9.7", program: "mysqld", variable: "TRIPOD_TEST_MYSQLD",
		share: "usr/share/mysql", base: "usr",
		common: []string{
			// The folder compiled into Debian's server does not exist in a private root, and without it mysqld
			// refuses to start.
			"--secure-file-priv=",
			"--innodb-redo-log-capacity=64M",
			"--innodb-doublewrite-pages=8", // another of the buffers of commonArgs
		},
		run:          []string{"--mysqlx=OFF"},
		gtid:         []string{"--gtid-mode=ON", "--enforce-gtid-consistency=ON"},
		noGTID:       []string{"--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"},
		backupGrants: []string{"SELECT", "SHOW VIEW", "TRIGGER", "EVENT", "SHOW_ROUTINE", "REPLICATION CLIENT", "REPLICATION SLAVE"},
	},
	MySQL56: {
		folder: "mysql-5.6", program: "mysqld", variable: "TRIPOD_TEST_MYSQLD_5_6",
		share: "share", base: ".",
		bootstrap:    []string{"mysql_system_tables.sql", "mysql_system_tables_data.sql"},
		common:       []string{"--innodb-log-file-size=32M"},
		run:          []string{"--binlog-format=ROW", "--sync-binlog=1"},
		gtid:         []string{"--gtid-mode=ON", "--enforce-gtid-consistency=ON", "--log-slave-updates"},
		backupGrants: []string{"SELECT", "SHOW VIEW", "TRIGGER", "EVENT", "REPLICATION CLIENT", "REPLICATION SLAVE"},
	},
	MariaDB1011: {
		folder: "mariadb-10.11", program: "mariadbd", variable: "TRIPOD_TEST_MARIADBD",
		share: "usr/share/mysql", base: "usr",
		bootstrap: []string{
			"mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql",
			"maria_add_gis_sp_bootstrap.sql", "mysql_sys_schema.sql",
		},
		common: []string{"--innodb-log-file-size=64M"},
		run:    []string{"--binlog-format=ROW", "--sync-binlog=1"},
		// GTIDs are always there.
		backupGrants: []string{"SELECT", "SHOW VIEW", "TRIGGER", "EVENT", "BINLOG MONITOR", "REPLICATION SLAVE"},
	},
}

// fileArgs are the options that tell a server in a private root where its own files are.
func (i Install) fileArgs() []string {
	if i.root == "" {
		return nil
	}
	of := kinds[i.Kind]
	share := filepath.Join(i.root, of.share)
	return []string{
		"--basedir=" + filepath.Join(i.root, of.base),
		"--lc-messages-dir=" + share,
		"--character-sets-dir=" + filepath.Join(share, "charsets"),
		"--plugin-dir=" + filepath.Join(i.root, "usr", "lib", "mysql", "plugin"),
	}
}

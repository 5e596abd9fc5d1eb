package mysqltest

import (
	"fmt"
	"os"
	"path/filepath"
)

// Options say what kind of server [Install.Start] starts. The zero value is a source without GTIDs, as durable as MySQL's
// own defaults.
type Options struct {
	// Kind is which server it is.
	Kind Kind
	// Dir is the folder in which the server's folder is made; empty: the operating system's temporary folder.
	Dir string
	// GTID switches gtid_mode and enforce_gtid_consistency on. MariaDB has its GTIDs always.
	GTID bool
	// Port is the TCP port on 127.0.0.1; 0: a free one, which stays the server's own through kill and restart.
	Port int
	// Relaxed does without fsync at commit (sync_binlog=0, innodb_flush_log_at_trx_commit=2). What is committed
	// survives a kill of the server all the same, only not one of the machine.
	Relaxed bool
	// LocalInfile allows LOAD DATA LOCAL.
	LocalInfile bool
	// TrustFunctionCreators lets users without SUPER create functions and triggers although the binlog is on.
	TrustFunctionCreators bool
	// PerformanceSchema is off by default: it doubles the memory of a small server. log_status answers without it.
	PerformanceSchema bool
	// InitArgs are mysqld options that hold from the creation of the data directory on, such as
	// --lower-case-table-names=1. There is a template for each combination.
	InitArgs []string
	// ExtraArgs are further mysqld options; they win over those made from the fields above.
	ExtraArgs []string
}

// switchArg renders a boolean mysqld option.
func switchArg(name string, on bool) string {
	if on {
		return "--" + name + "=ON"
	}
	return "--" + name + "=OFF"
}

// commonArgs are the options of every mysqld call, also of the one that creates a data directory.
func (i Install) commonArgs(datadir string) []string {
	args := []string{"--no-defaults"}
	args = append(args, i.fileArgs()...)
	if os.Getuid() == 0 {
		args = append(args, "--user=root")
	}
	args = append(args, kinds[i.Kind].common...)
	return append(args,
		"--datadir="+datadir,
		"--innodb-buffer-pool-size=64M",
		"--innodb-buffer-pool-dump-at-shutdown=OFF",
		"--innodb-buffer-pool-load-at-startup=OFF",
		// Buffers that every start fills, small: with these it touches some 80 MB less. What is written, and how durably,
		// stays the same.
		"--innodb-log-buffer-size=4M",
		"--innodb-read-io-threads=1",
		"--innodb-write-io-threads=1",
	)
}

// serverArgs are the options of a running server whose files are in home.
func (i Install) serverArgs(home, socket string, port int, o Options) []string {
	args := append(i.commonArgs(filepath.Join(home, dataFolder)),
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--port=%d", port),
		"--socket="+socket,
		"--pid-file="+filepath.Join(home, "mysqld.pid"),
		"--log-error="+filepath.Join(home, errorLog),
		"--tmpdir="+filepath.Join(home, tmpFolder),
		// Ports are unique on this machine, so server ids are.
		fmt.Sprintf("--server-id=%d", port),
		"--log-bin="+binlogBase,
		switchArg("local-infile", o.LocalInfile),
		switchArg("log-bin-trust-function-creators", o.TrustFunctionCreators),
		switchArg("performance-schema", o.PerformanceSchema),
	)
	of := kinds[i.Kind]
	args = append(args, of.run...)
	if o.GTID {
		args = append(args, of.gtid...)
	} else {
		args = append(args, of.noGTID...)
	}
	if o.Relaxed {
		args = append(args, "--sync-binlog=0", "--innodb-flush-log-at-trx-commit=2")
	}
	args = append(args, o.InitArgs...)
	return append(args, o.ExtraArgs...)
}

package hold

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/program"
)

func TestMain(m *testing.M) { mysqltest.Main(m) }

// What the measurement of 1 GB demands (make hold), on less.
func TestBackupHoldsNobodyUp(t *testing.T) {
	folder := t.TempDir()
	binary, err := program.Build(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	c := Config{Binary: binary, Bytes: 50 << 20, Alters: 10, MaxHold: DefaultMaxHold, Writers: DefaultWriters, Threads: DefaultThreads, Dir: folder, Log: &log}
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	if err := r.Verdict(c, &log); err != nil {
		t.Error(err)
	}
	t.Log("\n" + log.String())
}

const slowText = `/path/mysqld, Version: 9.7.4. started with:
Tcp port: 1  Unix socket: /s
Time                 Id Command    Argument
# Time: 2026-11-20T12:00:02.500000Z
# User@Host: tripod_backup[tripod_backup] @ localhost [127.0.0.1]  Id:    12
# Query_time: 0.000100  Lock_time: 0.000000 Rows_sent: 0  Rows_examined: 0 Thread_id: 12 Errno: 0 Killed: 0 Bytes_received: 0 Bytes_sent: 11 Start: 2026-11-20T12:00:00.000000Z End: 2026-11-20T12:00:00.000100Z
use shop;
SET timestamp=1795176000;
START TRANSACTION;
# User@Host: tripod_backup[tripod_backup] @ localhost [127.0.0.1]  Id:    12
# Query_time: 2.400000  Lock_time: 0.000000 Rows_sent: 9  Rows_examined: 9 Thread_id: 12 Errno: 0 Killed: 0 Bytes_received: 0 Bytes_sent: 11 Start: 2026-11-20T12:00:00.100000Z End: 2026-11-20T12:00:02.500000Z
SET timestamp=1795176000;
/* a remark */ SELECT a
FROM t;
# Time: 2026-11-20T12:00:03.500000Z
# User@Host: root[root] @ localhost []  Id:    13
# Query_time: 9.000000  Lock_time: 0.000000 Rows_sent: 0  Rows_examined: 0 Thread_id: 13 Errno: 0 Killed: 0 Bytes_received: 0 Bytes_sent: 11 Start: 2026-11-20T12:00:00.000000Z End: 2026-11-20T12:00:09.000000Z
SET timestamp=1795176000;
# administrator command: Binlog Dump GTID;
# Time: 2026-11-20T12:00:04.500000Z
# User@Host: tripod_backup[tripod_backup] @ localhost [127.0.0.1]  Id:    12
# Query_time: 0.000100  Lock_time: 0.000000 Rows_sent: 0  Rows_examined: 0 Thread_id: 12 Errno: 0 Killed: 0 Bytes_received: 0 Bytes_sent: 11 Start: 2026-11-20T12:00:03.000000Z End: 2026-11-20T12:00:03.000100Z
SET timestamp=1795176003;
SET SESSION x = 1;
`

func TestSlowLog(t *testing.T) {
	var got []statement
	if err := slowLog(strings.NewReader(slowText), func(s statement) { got = append(got, s) }); err != nil {
		t.Fatal(err)
	}
	var short []string
	for _, s := range got {
		short = append(short, s.user+" "+s.thread+" "+s.verb()+" "+s.took().String())
	}
	want := "tripod_backup 12 START 100µs; tripod_backup 12 SELECT 2.4s; tripod_backup 12 SET 100µs"
	if strings.Join(short, "; ") != want {
		t.Errorf("read %q, want %q", strings.Join(short, "; "), want)
	}
}

func TestLockStatements(t *testing.T) {
	const text = "2026-11-20T12:00:00.000000Z\t   12 Connect\ttripod_backup@localhost on  using TCP/IP\n" +
		"2026-11-20T12:00:00.000000Z\t   13 Connect\troot@localhost on  using Socket\n" +
		"2026-11-20T12:00:00.000000Z\t   13 Query\tFLUSH TABLES\n" +
		"2026-11-20T12:00:01.000000Z\t   12 Query\tSELECT 'FLUSH', clock\n  FROM locks\n" +
		"2026-11-20T12:00:02.000000Z\t   12 Query\tSET x = 1; LOCK TABLES t READ\n" +
		"2026-11-20T12:00:02.000000Z\t   12 Query\tflush tables with read lock\n" +
		"2026-11-20T12:00:02.000000Z\t   12 Binlog Dump GTID\tLog: '' Pos: 4\n"
	found, lines, err := lockStatements(strings.NewReader(text), "tripod_backup")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 || lines != 5 {
		t.Errorf("found %q in %d lines", found, lines)
	}
}

// Every bound has to be able to break.
func TestVerdictTellsBrokenBounds(t *testing.T) {
	c := Config{MaxHold: 2 * time.Second, Bytes: 100}
	second := durations{count: 1, longest: time.Second}
	kept := Report{Backups: 1, BytesRead: 100, Logged: 1, Statements: second, Transactions: second, AltersAlone: second, Alters: second, ApplicationAlone: second, Application: second}
	if err := kept.Verdict(c, &strings.Builder{}); err != nil {
		t.Errorf("kept bounds are told to be broken: %v", err)
	}
	long := durations{count: 1, longest: 4 * time.Second, what: "this one"}
	for name, change := range map[string]func(*Report){
		"statement":   func(r *Report) { r.Statements = long },
		"transaction": func(r *Report) { r.Transactions = long },
		"ALTER":       func(r *Report) { r.Alters = long },
		"application": func(r *Report) { r.Application = long },
		"FLUSH":       func(r *Report) { r.Locking = []string{"FLUSH TABLES"} },
		"bytes":       func(r *Report) { r.BytesRead = 99 },
		"nothing":     func(r *Report) { r.Statements = durations{} },
		"general log": func(r *Report) { r.Logged = 0 },
	} {
		broken := kept
		change(&broken)
		if err := broken.Verdict(c, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := kept.Verdict(c, os.NewFile(^uintptr(0), "closed")); err == nil {
		t.Error("a table that cannot be printed is no error")
	}
}

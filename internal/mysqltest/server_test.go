package mysqltest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func query(t *testing.T, s *Server, text string) string {
	t.Helper()
	var value string
	if err := s.Root().QueryRowContext(t.Context(), text).Scan(&value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

func TestSourceIsWhatTheOptionsSay(t *testing.T) {
	s := Source(t)
	for text, want := range map[string]string{
		"SELECT @@gtid_mode":          "ON",
		"SELECT @@log_bin":            "1",
		"SELECT @@sync_binlog":        "1",
		"SELECT @@binlog_format":      "ROW",
		"SELECT @@binlog_row_image":   "FULL",
		"SELECT @@local_infile":       "0",
		"SELECT @@bind_address":       "127.0.0.1",
		"SELECT @@performance_schema": "0",
		"SELECT CURRENT_USER()":       "root@localhost",
	} {
		if got := query(t, s, text); got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
	if got := query(t, s, "SELECT VERSION()"); !strings.HasPrefix(got, s.Install().Version) {
		t.Errorf("the server is %s, its program says %s", got, s.Install().Version)
	}
	if without := Take(t, Options{}); query(t, without, "SELECT @@gtid_mode") != "OFF" {
		t.Error("gtid_mode is on without Options.GTID")
	}
}

func TestKillKeepsWhatWasCommitted(t *testing.T) {
	s := Source(t)
	Exec(t, s, "CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)")
	port, uuid := s.Port(), query(t, s, "SELECT @@server_uuid")
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if s.Alive() || s.PID() != 0 {
		t.Fatal("the server lives after Kill")
	}
	if err := s.Root().PingContext(t.Context()); err == nil {
		t.Fatal("the server answers after Kill")
	}
	if err := s.Restart(t.Context(), "--max-connections=77"); err != nil {
		t.Fatal(err)
	}
	if got := query(t, s, "SELECT COUNT(*) FROM d.t"); got != "1" {
		t.Errorf("%s rows after a crash, want 1", got)
	}
	if got := query(t, s, "SELECT @@server_uuid"); got != uuid || s.Port() != port {
		t.Errorf("another server came back: %s on %d, was %s on %d", got, s.Port(), uuid, port)
	}
	if got := query(t, s, "SELECT @@max_connections"); got != "77" {
		t.Errorf("Restart lost its option: max_connections is %s", got)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := query(t, s, "SELECT @@max_connections"); got != "77" {
		t.Errorf("a later Restart lost the option: max_connections is %s", got)
	}
}

func TestFreezeAndThaw(t *testing.T) {
	s := Source(t)
	if err := s.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var one int
	if err := s.Root().QueryRowContext(ctx, "SELECT 1").Scan(&one); err == nil {
		t.Error("a frozen server answers")
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	if got := query(t, s, "SELECT 1"); got != "1" {
		t.Errorf("got %s", got)
	}
}

func TestStopLeavesNothing(t *testing.T) {
	install, err := Find(MySQL97)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s, err := install.Start(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	pid := s.PID()
	if !strings.HasPrefix(s.DataDir(), dir) {
		t.Errorf("data in %s, want it in %s", s.DataDir(), dir)
	}
	for range 2 {
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if exists(filepath.Join("/proc", itoa(pid))) {
		t.Errorf("process %d lives", pid)
	}
	if err := s.Restart(t.Context()); err == nil {
		t.Error("a stopped server restarts")
	}
}

func TestStartFailsWithTheServersWords(t *testing.T) {
	install, err := Find(MySQL97)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, err = install.Start(t.Context(), Options{Dir: dir, ExtraArgs: []string{"--no-such-option"}})
	if err == nil || !strings.Contains(err.Error(), "no-such-option") {
		t.Errorf("got %v, want an error that names the option", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestSocketOfALongFolder(t *testing.T) {
	install, err := Find(MySQL97)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := install.Start(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	config := s.Config(Root, "")
	config.Net, config.Addr = "unix", s.Socket()
	db := open(t, config)
	if err := db.PingContext(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if exists(filepath.Dir(s.Socket())) {
		t.Errorf("%s is left behind", filepath.Dir(s.Socket()))
	}
}

func TestBinlogFiles(t *testing.T) {
	s := Source(t)
	Exec(t, s, "FLUSH BINARY LOGS", "FLUSH BINARY LOGS")
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	files, err := s.BinlogFiles()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		if !exists(file) {
			t.Errorf("%s does not exist", file)
		}
		names = append(names, filepath.Base(file))
	}
	if got := strings.Join(names, " "); got != "binlog.000001 binlog.000002 binlog.000003" {
		t.Errorf("got %s", got)
	}
}

func TestInitArgsHaveATemplateOfTheirOwn(t *testing.T) {
	s := Take(t, Options{InitArgs: []string{"--lower-case-table-names=1"}})
	if got := query(t, s, "SELECT @@lower_case_table_names"); got != "1" {
		t.Errorf("lower_case_table_names is %s", got)
	}
}

package pitr

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

// TestCheckTarget: what every restore would be refused for is an error, what hangs on the backup
// a warning; the GRANT that is told, carried out as it stands, is the remedy.
func TestCheckTarget(t *testing.T) {
	s := newStoryWith(t, mysqltest.Options{Relaxed: true, ExtraArgs: []string{
		"--sql-require-primary-key=ON", "--sql-generate-invisible-primary-key=ON", "--max-allowed-packet=1M", "--event-scheduler=ON", "--local-infile=OFF", "--max-error-count=0", "--log-bin-trust-function-creators=OFF"}})
	check := func() map[string]Finding {
		t.Helper()
		into := s.open(s.dest, mysqltest.RestoreUser, server.Target) // grants and facts are of the moment of opening
		list, err := CheckTarget(t.Context(), into)
		s.must(err)
		found := map[string]Finding{}
		for _, f := range list {
			found[f.ID] = f
		}
		return found
	}
	wants := func(found map[string]Finding, id string, level Level, remedy string) {
		t.Helper()
		if f, ok := found[id]; !ok || f.Level != level || !strings.Contains(f.Remedy, remedy) {
			t.Errorf("%s: %+v, want %s with %q", id, f, level, remedy)
		}
	}
	found := check()
	wants(found, "version", LevelInfo, "")
	wants(found, "grants", LevelError, "ON `SCHEMA`.* TO 'tripod_restore'@'%'")
	wants(found, "sql_require_primary_key", LevelWarning, "OFF")
	wants(found, "sql_generate_invisible_primary_key", LevelWarning, "OFF")
	wants(found, "max_allowed_packet", LevelWarning, "67108864")
	wants(found, "log_bin_trust_function_creators", LevelWarning, "ON")
	wants(found, "event_scheduler", LevelWarning, "--events disable")
	wants(found, "local_infile", LevelWarning, "ON")
	wants(found, "time_zones", LevelWarning, "mysql_tzinfo_to_sql")
	wants(found, "max_error_count", LevelWarning, "DEFAULT")

	mysqltest.Exec(t, s.dest, "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES ON `sh\\_op`.* TO 'tripod_restore'@'%'", "SET GLOBAL super_read_only=ON")
	found = check()
	wants(found, "grants", LevelWarning, "ON `sh\\_op`.* TO 'tripod_restore'@'%'")
	wants(found, "read_only", LevelError, "OFF")
	mysqltest.Exec(t, s.dest, "SET GLOBAL super_read_only=OFF", "SET GLOBAL read_only=OFF", found["grants"].Remedy)
	found = check()
	if f, ok := found["grants"]; ok {
		t.Errorf("behind the GRANT: %+v", f)
	}
	if f := found["schemas"]; !strings.Contains(f.Message, "`sh\\_op`.*") {
		t.Errorf("%+v", f)
	}
}

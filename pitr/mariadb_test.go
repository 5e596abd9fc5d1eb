package pitr

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

// TestTargetFactsOfMariaDB: what plan goes by, asked of a MariaDB with the rights of an ordinary account.
func TestTargetFactsOfMariaDB(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true, ExtraArgs: []string{"--secure-timestamp=YES"}})
	u, err := s.CreateRestoreUser(t.Context(), "d")
	if err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, s, "CREATE DATABASE d", "CREATE TABLE d.p (id INT PRIMARY KEY)", "CREATE TABLE d.t (id INT PRIMARY KEY, p INT, CONSTRAINT c CHECK (id > 0), CONSTRAINT f FOREIGN KEY (p) REFERENCES d.p (id))",
		"CREATE VIEW d.v AS SELECT 1", "CREATE SEQUENCE d.s", "CREATE PROCEDURE d.pr() SELECT 1")
	a, err := server.ParseURL(s.URL(u))
	if err != nil {
		t.Fatal(err)
	}
	a.Password = server.NewSecret(u.Password)
	srv, err := server.Open(t.Context(), a, server.Target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	f, err := gatherTarget(t.Context(), srv, []string{"d"}, []string{"Nowhere/Land"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"utf8mb4_uca1400_ai_ci", "latin1_nopad_bin", "utf8_bin", "utf8mb3_bin"} {
		if !f.collations[name] {
			t.Errorf("the collation %s is not known", name)
		}
	}
	if f.collations["utf8mb4_0900_ai_ci"] || !f.charsets["utf8mb3"] || !f.charsets["utf8"] || !f.hasEngine("aria") || len(f.unknownZones) != 1 {
		t.Errorf("collations, character sets, engines, zones: %v %v %v %v", f.collations["utf8mb4_0900_ai_ci"], f.charsets, f.engines, f.unknownZones)
	}
	if len(f.objects) != 5 || len(f.constraints) != 2 {
		t.Errorf("objects %v, constraints %v", f.objects, f.constraints)
	}
	found := map[string]Level{}
	for _, finding := range checkAnyTarget(f) {
		found[finding.ID] = finding.Level
	}
	if found["secure_timestamp"] != LevelWarning || found["log_bin_trust_function_creators"] != LevelWarning || found["grants"] != "" {
		t.Errorf("findings %v", found)
	}
	for _, finding := range checkTarget(&Plan{}, f, &needs{}) {
		if finding.ID == "secure_timestamp" && finding.Level == LevelError {
			return
		}
	}
	t.Error("a restore is not refused where statements cannot be carried out at their time")
}

package mysqltest

import (
	"context"
	"testing"
)

func TestCloneHasTheDataAndAnIdentityOfItsOwn(t *testing.T) {
	s := Source(t)
	Exec(t, s, "CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)")
	for _, same := range []bool{false, true} {
		clone, err := s.Clone(t.Context(), CloneOptions{SameIdentity: same})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := clone.Stop(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		})
		if got := query(t, clone, "SELECT COUNT(*) FROM d.t"); got != "1" {
			t.Errorf("%s rows in the clone, want 1", got)
		}
		uuid, origin := query(t, clone, "SELECT @@server_uuid"), query(t, s, "SELECT @@server_uuid")
		if (uuid == origin) != same {
			t.Errorf("SameIdentity %v: server_uuid %s, the origin's is %s", same, uuid, origin)
		}
		if clone.Port() == s.Port() || clone.DataDir() == s.DataDir() {
			t.Error("the clone shares port or data with its origin")
		}
	}
	if got := query(t, s, "SELECT COUNT(*) FROM d.t"); got != "1" {
		t.Errorf("%s rows in the origin after the clone, want 1", got)
	}
}

package dumper

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// Users that come and go while they are read: the backup has them as they were at one place of the log, in whose
// window no statement about them lies, and no stop point before the last of those is promised.
func TestUsersAreReadAtOnePlaceOfTheLog(t *testing.T) {
	for _, gtid := range []bool{true, false} {
		t.Run(fmt.Sprintf("gtid=%v", gtid), func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: gtid, Relaxed: true})
			s.exec(append([]string{"CREATE DATABASE d", "CREATE USER always IDENTIFIED BY 'secret'"}, fill("d.t", 35)...)...)
			const users = 12
			var ends []binlog.Position // of CREATE USER
			made := make(chan struct{})
			s.atChunk("d.t", 1, func() {
				go func() {
					defer close(made)
					for i := range users {
						s.exec(fmt.Sprintf("CREATE USER u%d IDENTIFIED BY 'secret'", i))
						fields := strings.Fields(answer(t, s.source.Root(), "SHOW BINARY LOG STATUS"))
						var pos uint64
						if _, err := fmt.Sscan(fields[1], &pos); err != nil {
							t.Error(err)
						}
						ends = append(ends, binlog.Position{Timeline: binlog.Timeline(s.srv.Facts().ServerUUID), File: fields[0], Pos: pos})
					}
				}()
			})
			_, m := s.backUp(inChunks, func(c *Config) { c.Users = true })
			<-made
			a := m.Accounts
			if a == nil || !slices.Contains(a.Names, "`always`@`%`") || slices.Contains(a.Names, "`root`@`localhost`") {
				t.Fatalf("accounts: %+v", a)
			}
			for i, end := range ends {
				has := slices.Contains(a.Names, fmt.Sprintf("`u%d`@`%%`", i))
				if end.AtOrBefore(a.Window.Low) != has {
					t.Errorf("u%d was made before %s, the window is %v: in the backup %v", i, end, a.Window, has)
				}
				if has && m.RecoverableFrom.Before(end) && m.Floor.Position.Before(end) {
					t.Errorf("recoverable from %s, and u%d was made at %s", m.RecoverableFrom, i, end)
				}
			}
			text, err := s.catalog.OpenNamedSchemaObject(t.Context(), m, a.SchemaObject())
			if err != nil || strings.Count(string(text), "CREATE USER") != len(a.Names) {
				t.Errorf("%d accounts, %v:\n%s", len(a.Names), err, text)
			}
			if strings.Contains(s.log.String(), "$A$") || strings.Contains(s.log.String(), "IDENTIFIED") {
				t.Error("the log tells of passwords")
			}
		})
	}
}

// An account without SELECT on the server's own tables is told what is missing, and only where users are
// asked for.
func TestUsersNeedAGrant(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "REVOKE SELECT ON *.* FROM tripod_backup", "GRANT SELECT ON d.* TO tripod_backup")
	part := func(c *Config) { c.Databases = []string{"d"} }
	if _, m := s.backUp(part); m.Accounts != nil {
		t.Errorf("users that nobody has asked for: %+v", m.Accounts)
	}
	_, err := s.tryBackUp(t.Context(), part, func(c *Config) { c.Users = true })
	if f := fault.Of(err); f.Kind != fault.KindGrant || !strings.Contains(f.Hint, "GRANT SELECT ON `mysql`.* TO 'tripod_backup'@'%'") {
		t.Errorf("%v, hint %q", err, f.Hint)
	}
}

// What makes two passwords at once, and leaves out roles that are not there yet.
func TestAccountsText(t *testing.T) {
	const hash, old = "IDENTIFIED WITH 'p' AS 0xAA", "IDENTIFIED WITH 'p' AS 0xBB"
	create, roles := withoutDefaultRoles("CREATE USER `a DEFAULT ROLE `@`%` " + hash + " DEFAULT ROLE `r`@`%`,` REQUIRE `@`%` REQUIRE NONE")
	if create != "CREATE USER `a DEFAULT ROLE `@`%` "+hash+" REQUIRE NONE" || roles != "`r`@`%`,` REQUIRE `@`%`" {
		t.Errorf("%q, %q", create, roles)
	}
	list := []account{{create: "CREATE USER `a`@`%` " + hash + " REQUIRE NONE", older: old, present: hash, grants: []string{"GRANT USAGE"}, defaultRoles: "`r`@`%`"}, {create: "CREATE USER `r`@`%`"}}
	list[0].name.User, list[0].name.Host = "a", "%"
	want := "CREATE USER `a`@`%` " + old + " REQUIRE NONE;\nALTER USER `a`@`%` " + hash + " RETAIN CURRENT PASSWORD;\nCREATE USER `r`@`%`;\nGRANT USAGE;\nALTER USER `a`@`%` DEFAULT ROLE `r`@`%`"
	if got := accountsText(list); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

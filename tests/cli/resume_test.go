package cli

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// resumedShop is a store whose restore takes a while: many chunks, changes of them, a statement behind
// them all.
func resumedShop(t *testing.T, d *desk, source *mysqltest.Server) {
	t.Helper()
	mysqltest.Exec(t, source, "CREATE DATABASE shop", "CREATE TABLE shop.big (id INT PRIMARY KEY AUTO_INCREMENT, body VARCHAR(200))",
		"INSERT INTO shop.big (body) SELECT REPEAT('x', 200) FROM information_schema.COLLATIONS a, information_schema.COLLATIONS b LIMIT 20000",
		"CREATE TABLE shop.nokey (n INT)", "INSERT INTO shop.nokey VALUES (1),(1),(2)")
	d.with("GO_FAILPOINTS=" + strings.TrimPrefix(mysqltest.FailpointVariable("dumper/chunkRows", "return(1000)"), "GO_FAILPOINTS=")).works(d.source("backup", source)...)
	for i := range 20 {
		mysqltest.Exec(t, source, "UPDATE shop.big SET body=CONCAT(id,'y') WHERE id%20="+string(rune('0'+i%10)), "INSERT INTO shop.nokey VALUES (3),(3)", "DELETE FROM shop.nokey WHERE n=3 LIMIT 1")
	}
	mysqltest.Exec(t, source, "ALTER TABLE shop.big ADD COLUMN late INT DEFAULT 1", "DELETE FROM shop.big WHERE id%7=0", "CREATE VIEW shop.v AS SELECT id FROM shop.big")
	d.works(d.source("archive", source, "--until-idle")...)
}

// mostKills is how often one restore is killed.
const mostKills = 8

// TestPromise5RestoreGoesOn: a restore that is killed (-9), or whose target dies under it, goes on when
// its command is given again, and leaves nothing of its own behind.
func TestPromise5RestoreGoesOn(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	source, target := sourceServer(t), targetServer(t)
	d := newDesk(t)
	resumedShop(t, d, source)
	var result struct {
		Resumed    bool   `json:"resumed"`
		RowsLoaded uint64 `json:"rows_loaded"`
	}
	whole := d.must(&result, d.restore(target)...)
	if result.Resumed || result.RowsLoaded != 20003 {
		t.Errorf("a restore that nobody killed: %+v", result)
	}
	resumed := 0
	for round := range 3 {
		emptyTarget(t, target)
		told := true
		for n := 0; ; n++ {
			service := d.start(d.restore(target, "--json")...)
			// A machine that has become slower since the first restore would never let one end.
			if n < mostKills {
				select {
				case <-time.After(time.Duration(r.Int64N(int64(whole.Took) / int64(1+round)))):
				case <-service.Ended():
				}
			} else {
				service.Wait()
			}
			if round == 1 && n == 0 && service.Running() {
				if err := target.Kill(); err != nil {
					t.Fatal(err)
				}
				if o := service.Wait(); o.Code != 1 {
					t.Errorf("the target died\n%s", o)
				}
				if err := target.Restart(t.Context()); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if o := service.Kill(); o.Code == 0 {
				if err := o.JSON(&result); err != nil {
					t.Fatal(err)
				}
				break
			} else if o.Code == 1 && n > 0 && strings.Contains(o.Stdout, "the target has objects that this restore would create") {
				// The kill before this run came behind the drop of the progress table: that restore was whole.
				told = false
				break
			} else if o.Code > 0 {
				t.Fatal(o)
			}
		}
		if told && result.Resumed {
			resumed++
		}
		if told && result.RowsLoaded != 20003 {
			t.Errorf("round %d: %+v", round, result)
		}
		sameRows(t, source, target, "big")
		if a, b := count(t, source, "SELECT COUNT(*)*1000+SUM(n) FROM shop.nokey"), count(t, target, "SELECT COUNT(*)*1000+SUM(n) FROM shop.nokey"); a != b {
			t.Errorf("round %d: the keyless table holds %d, the source %d", round, b, a)
		}
		if a, b := count(t, source, "SELECT COUNT(*) FROM shop.v"), count(t, target, "SELECT COUNT(*) FROM shop.v"); a != b {
			t.Errorf("round %d: the view shows %d rows, the source's %d", round, b, a)
		}
		if n := count(t, target, `SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME LIKE '\_\_tripod%'`); n != 0 {
			t.Errorf("round %d: %d tables of tripod's are left", round, n)
		}
	}
	if resumed == 0 {
		t.Error("no restore went on: none was killed behind its beginning")
	}
}

// TestRestoresOfOneSchemaDoNotMeet: while one is at work, another one of the same or of another
// wish is refused.
func TestRestoresOfOneSchemaDoNotMeet(t *testing.T) {
	source, target := sourceServer(t), targetServer(t)
	d := newDesk(t)
	resumedShop(t, d, source)
	// The first one waits in the middle of its work for a lock of somebody else's.
	mysqltest.Exec(t, target, "CREATE DATABASE shop")
	other, err := target.Root().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	service := d.start(d.restore(target)...)
	mysqltest.Eventually(t, func() bool {
		return count(t, target, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA='shop' AND TABLE_NAME='big'") > 0
	}, "the first restore's table")
	if _, err := other.ExecContext(t.Context(), "LOCK TABLES shop.big READ"); err != nil {
		t.Fatal(err)
	}
	d.refused(refusal{code: 1, kind: "target", says: []string{"at work"}, hint: []string{"KILL"}}, d.restore(target)...)
	if _, err := other.ExecContext(t.Context(), "UNLOCK TABLES"); err != nil {
		t.Fatal(err)
	}
	if o := service.Wait(); o.Code != 0 {
		t.Fatal(o)
	}
	sameRows(t, source, target, "big")
}

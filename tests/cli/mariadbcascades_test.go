package cli

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestMariaDBCascades: what foreign keys do is not in MariaDB's log: a restore carries it out, for rows that changed while
// the backup read and behind it.
func TestMariaDBCascades(t *testing.T) {
	source := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true})
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, source, "CREATE DATABASE shop", "USE shop", "CREATE TABLE p (id INT PRIMARY KEY, u INT UNIQUE)",
		"CREATE TABLE c (id INT PRIMARY KEY AUTO_INCREMENT, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE)",
		"CREATE TABLE g (id INT PRIMARY KEY AUTO_INCREMENT, c INT, FOREIGN KEY (c) REFERENCES c (id) ON DELETE CASCADE)",
		"CREATE TABLE n (id INT PRIMARY KEY AUTO_INCREMENT, u INT, FOREIGN KEY (u) REFERENCES p (u) ON DELETE SET NULL ON UPDATE SET NULL)",
		"CREATE TABLE own (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES own (id) ON DELETE CASCADE)",
		"INSERT INTO p SELECT seq, seq FROM seq_1_to_60", "INSERT INTO c (p) SELECT seq MOD 60 + 1 FROM seq_1_to_300", "INSERT INTO g (c) SELECT id FROM c", "INSERT INTO n (u) SELECT seq MOD 60 + 1 FROM seq_1_to_300",
		"INSERT INTO own SELECT seq, NULLIF(seq DIV 2, 0) FROM seq_1_to_100")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	change := func(random *rand.Rand) string {
		id := random.IntN(60) + 1
		return []string{
			fmt.Sprintf("DELETE FROM p WHERE id = %d", id), fmt.Sprintf("INSERT IGNORE INTO p VALUES (%d, %d)", id, id), fmt.Sprintf("INSERT IGNORE INTO c (p) VALUES (%d), (%d)", id, id),
			fmt.Sprintf("UPDATE IGNORE p SET id = %d WHERE id = %d", random.IntN(60)+1, id), fmt.Sprintf("REPLACE INTO p VALUES (%d, %d)", id, random.IntN(60)+1), "INSERT IGNORE INTO g (c) SELECT id FROM c LIMIT 5",
			fmt.Sprintf("INSERT IGNORE INTO n (u) VALUES (%d)", id), fmt.Sprintf("DELETE FROM own WHERE id = %d", id), fmt.Sprintf("INSERT IGNORE INTO own VALUES (%d, NULL), (%d, %d)", id, id+60, id),
		}[random.IntN(9)]
	}
	var stop atomic.Bool
	var writers sync.WaitGroup
	for n := range uint64(1) {
		writers.Go(func() {
			random := rand.New(rand.NewPCG(seed, n))
			db := source.Connect(mysqltest.Root, "shop")
			defer db.Close()
			pace := time.NewTicker(500 * time.Millisecond) // what cascades has to meet a moment without writes
			defer pace.Stop()
			for !stop.Load() {
				<-pace.C
				statement := change(random)
				if _, err := db.ExecContext(context.WithoutCancel(t.Context()), statement); err != nil && !mysqltest.IsError(err, 1213) && !mysqltest.IsError(err, 1205) {
					t.Errorf("%s: %v", statement, err)
					return
				}
			}
		})
	}
	d := newDesk(t)
	o := d.run(d.source("backup", source, "--snapshot-tries", "200")...)
	stop.Store(true)
	writers.Wait()
	if o.Code != 0 {
		t.Fatal(o)
	}
	random := rand.New(rand.NewPCG(seed, 9))
	for range 100 {
		mysqltest.Exec(t, source, "USE shop", change(random))
	}
	d.works(d.source("archive", source, "--until-idle")...)
	target := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true, LocalInfile: true})
	if _, err := target.CreateRestoreUser(t.Context(), schemas...); err != nil {
		t.Fatal(err)
	}
	d.works(d.restore(target)...)
	takeHere(t, source).equals(t, target, "behind the backup")
}

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

var takenBackShop = []string{
	"CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY, v INT, b TEXT) ENGINE=InnoDB", "CREATE TABLE shop.keyless (a INT) ENGINE=InnoDB",
	"CREATE TABLE shop.m (id INT PRIMARY KEY, v INT) ENGINE=MyISAM", "CREATE TABLE shop.p (id INT PRIMARY KEY) ENGINE=InnoDB",
	"CREATE TABLE shop.c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES shop.p (id) ON DELETE CASCADE ON UPDATE SET NULL) ENGINE=InnoDB",
	"INSERT INTO shop.t VALUES (1, 1, REPEAT('t', 3000)), (2, 2, ''), (3, 3, NULL)", "INSERT INTO shop.p VALUES (1), (2), (3), (4), (5), (6), (7), (8)", "INSERT INTO shop.c VALUES (1, 1), (2, 2), (3, 2)",
}

// takeBackSome changes the shop in transactions that take back some of what they do, beside temporary tables and a MyISAM table,
// until stop says so or n are done.
func takeBackSome(t *testing.T, source *mysqltest.Server, seed uint64, n int, stop *atomic.Bool) {
	r := rand.New(rand.NewPCG(seed, 1))
	db := source.Connect(mysqltest.Root, "shop")
	defer db.Close()
	ctx := context.WithoutCancel(t.Context())
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	exec := func(statement string) bool {
		_, err := conn.ExecContext(ctx, statement)
		switch {
		case err == nil:
			return true
		case mysqltest.IsError(err, 1213), mysqltest.IsError(err, 1205), mysqltest.IsError(err, 1305), mysqltest.IsError(err, 1452), mysqltest.IsError(err, 1062), mysqltest.IsError(err, 1614), mysqltest.IsError(err, 1399):
		default:
			t.Errorf("%s: %v", statement, err)
			stop.Store(true)
		}
		return false
	}
	pace := time.NewTicker(3 * time.Millisecond) // a table without a key has to meet a moment without writes
	defer pace.Stop()
	for i := 0; (n == 0 || i < n) && !stop.Load(); i++ {
		<-pace.C
		xa := fmt.Sprintf("'x%d.%d'", seed, i)
		inXA := r.IntN(6) == 0
		if begin := "BEGIN"; inXA {
			exec("XA START " + xa)
		} else {
			exec(begin)
		}
		savepoints := 0 // one of a name that was there could be a trigger's
		for range 1 + r.IntN(9) {
			id := 1 + r.IntN(30)
			savepoints++
			exec([]string{
				fmt.Sprintf("INSERT INTO t VALUES (%d, %d, REPEAT('x', %d)) ON DUPLICATE KEY UPDATE v = v + 1", id, i, r.IntN(3000)),
				fmt.Sprintf("UPDATE t SET v = %d WHERE id > %d", i, id), fmt.Sprintf("DELETE FROM t WHERE id = %d", id),
				fmt.Sprintf("INSERT INTO keyless VALUES (%d), (%d)", i, i), fmt.Sprintf("DELETE FROM keyless WHERE a %% 7 = %d", id%7),
				fmt.Sprintf("INSERT INTO m VALUES (%d, %d) ON DUPLICATE KEY UPDATE v = %[2]d", id, i), fmt.Sprintf("INSERT INTO m VALUES (%d, %d) ON DUPLICATE KEY UPDATE v = %[2]d", id, i),
				fmt.Sprintf("DELETE FROM p WHERE id = %d", id%9), fmt.Sprintf("INSERT IGNORE INTO p VALUES (%d)", id%9), fmt.Sprintf("INSERT INTO c VALUES (%d, %d)", 10*i+id, id%9),
				fmt.Sprintf("UPDATE p SET id = id + 100 WHERE id = %d", id%9),
				fmt.Sprintf("SAVEPOINT s%d", savepoints), fmt.Sprintf("ROLLBACK TO s%d", 1+id%savepoints), fmt.Sprintf("SAVEPOINT s%d", savepoints), fmt.Sprintf("ROLLBACK TO s%d", 1+id%savepoints),
				"CREATE TEMPORARY TABLE IF NOT EXISTS x (a INT)", "DROP TEMPORARY TABLE IF EXISTS x", "DROP TEMPORARY TABLE IF EXISTS x",
			}[r.IntN(18)])
		}
		switch {
		case !inXA:
			exec([]string{"COMMIT", "COMMIT", "ROLLBACK"}[r.IntN(3)])
		default:
			if exec("XA END "+xa) && exec("XA PREPARE "+xa) {
				exec([]string{"XA COMMIT ", "XA ROLLBACK "}[r.IntN(2)] + xa)
			} else {
				_, _ = conn.ExecContext(ctx, "XA ROLLBACK "+xa) // it may be rolled back already
			}
		}
	}
}

// TestWhatTransactionsTakeBackStaysAway: MySQL 5.6 and MariaDB log rows that ROLLBACK and ROLLBACK TO take back where a
// transaction has changed, or dropped, what cannot be taken back.
func TestWhatTransactionsTakeBackStaysAway(t *testing.T) {
	for _, kind := range []mysqltest.Kind{mysqltest.MariaDB1011, mysqltest.MySQL56} {
		t.Run(kind.String(), func(t *testing.T) {
			source := mysqltest.Take(t, mysqltest.Options{Kind: kind, Relaxed: true})
			if _, err := source.CreateBackupUser(t.Context()); err != nil {
				t.Fatal(err)
			}
			mysqltest.Exec(t, source, takenBackShop...)
			d := newDesk(t)
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			var stop atomic.Bool
			var writers sync.WaitGroup
			for n := range uint64(2) {
				writers.Go(func() { takeBackSome(t, source, seed+n, 0, &stop) })
			}
			o := d.run(d.source("backup", source, "--snapshot-tries", "200")...)
			stop.Store(true)
			writers.Wait()
			if o.Code != 0 {
				t.Fatal(o)
			}
			stop.Store(false)
			moments := []moment{takeHere(t, source)}
			takeBackSome(t, source, seed+7, 150, &stop)
			moments = append(moments, takeHere(t, source))
			d.works(d.source("archive", source, "--until-idle", "--segment-size", "16KiB")...)
			target := mysqltest.Take(t, mysqltest.Options{Kind: kind, Relaxed: true, LocalInfile: true})
			if _, err := target.CreateRestoreUser(t.Context(), "shop"); err != nil {
				t.Fatal(err)
			}
			for i, m := range moments {
				mysqltest.Exec(t, target, "DROP DATABASE IF EXISTS shop")
				d.works(d.restore(target, "--to-position", m.position(), "--verify", "chunks")...)
				m.equals(t, target, fmt.Sprintf("moment %d", i))
			}
			mysqltest.Exec(t, target, "DROP DATABASE IF EXISTS shop")
			d.works(d.restore(target, "--tables", "shop.t,shop.keyless", "--verify", "chunks")...)
			for _, table := range []string{"shop.t", "shop.keyless"} {
				if was, is := checksum(t, source, table), checksum(t, target, table); was != is {
					t.Errorf("%s restored alone has the checksum %d, want %d", table, is, was)
				}
			}
		})
	}
}

// checksum is the same for the same rows on servers of one kind.
func checksum(t *testing.T, s *mysqltest.Server, table string) (sum uint64) {
	t.Helper()
	if err := s.Root().QueryRowContext(t.Context(), "CHECKSUM TABLE "+table+" EXTENDED").Scan(&table, &sum); err != nil {
		t.Fatal(err)
	}
	return sum
}

package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const shop = "shop"

var shopTables = []string{
	"CREATE DATABASE shop DEFAULT CHARACTER SET utf8mb4",
	"USE shop",
	`CREATE TABLE customers (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, email VARCHAR(60) NOT NULL, name VARCHAR(60), joined DATETIME(6) NOT NULL,
	  profile JSON, UNIQUE KEY (email))`,
	`CREATE TABLE orders (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, customer INT UNSIGNED NOT NULL, total DECIMAL(12,2) NOT NULL,
	  state ENUM('open','paid','sent') NOT NULL DEFAULT 'open', placed TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	  KEY (customer), CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES customers (id))`,
	`CREATE TABLE items (ordered BIGINT UNSIGNED NOT NULL, line SMALLINT NOT NULL, sku VARBINARY(16) NOT NULL, weight FLOAT, PRIMARY KEY (ordered, line))`,
	`CREATE TABLE stock (sku VARBINARY(16) NOT NULL PRIMARY KEY, pieces INT NOT NULL, price DOUBLE)`,
	`CREATE TABLE visits (at DATETIME(3) NOT NULL, page VARCHAR(40), agent BLOB)`,
	`CREATE TABLE journal (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, what VARCHAR(20) NOT NULL, ref BIGINT UNSIGNED)`,
	`CREATE TRIGGER orders_ai AFTER INSERT ON orders FOR EACH ROW INSERT INTO journal (what, ref) VALUES ('order', NEW.id)`,
	`CREATE VIEW open_orders AS SELECT o.id, c.email, o.total FROM orders o JOIN customers c ON c.id = o.customer WHERE o.state = 'open'`,
	`CREATE FUNCTION vat(x DECIMAL(12,2)) RETURNS DECIMAL(12,2) DETERMINISTIC RETURN x * 0.19`,
	`CREATE PROCEDURE close_order(IN i BIGINT UNSIGNED) UPDATE orders SET state = 'sent' WHERE id = i`,
	`CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 03:00:00' DO DELETE FROM visits WHERE at < NOW() - INTERVAL 90 DAY`,
}

// openShop makes the tables and puts enough rows into them that a backup takes a while.
func openShop(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	statements := append([]string(nil), shopTables...)
	series := "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT "
	statements = append(statements,
		"SET cte_max_recursion_depth = 1000000",
		"INSERT INTO customers (email, name, joined, profile) "+fmt.Sprintf(series, 20000)+
			`CONCAT('c', i, '@example.org'), CONCAT('Customer ', i), '2026-01-01' + INTERVAL i MINUTE, JSON_OBJECT('n', i, 'tags', JSON_ARRAY('a', i % 7)) FROM n`,
		"INSERT INTO orders (customer, total, state) "+fmt.Sprintf(series, 60000)+"1 + i % 20000, i % 997, 1 + i % 3 FROM n",
		"INSERT INTO items "+fmt.Sprintf(series, 120000)+"1 + i DIV 2, i % 2, LEFT(UNHEX(SHA2(i % 500, 256)), 16), i / 7 FROM n",
		"INSERT INTO stock "+fmt.Sprintf(series, 500)+"LEFT(UNHEX(SHA2(i % 500, 256)), 16), i, i / 3 FROM n",
		"INSERT INTO visits "+fmt.Sprintf(series, 5000)+"'2026-03-01' + INTERVAL i SECOND, CONCAT('/p/', i % 50), RANDOM_BYTES(20) FROM n",
	)
	for _, s := range statements {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%.60s: %w", s, err)
		}
	}
	return nil
}

// clerks write to the shop all day.
type clerks struct {
	gate      sync.RWMutex
	committed atomic.Int64
	slowest   atomic.Int64
	stop      context.CancelFunc
	done      sync.WaitGroup
	mu        sync.Mutex
	err       error
}

func startClerks(ctx context.Context, db *sql.DB, count int) *clerks {
	ctx, cancel := context.WithCancel(ctx)
	c := &clerks{stop: cancel}
	for i := range count {
		r := rand.New(rand.NewPCG(uint64(i), 42))
		c.done.Go(func() {
			for ctx.Err() == nil {
				c.gate.RLock()
				err := c.sale(ctx, db, r)
				c.gate.RUnlock()
				if err != nil && ctx.Err() == nil && !strings.Contains(err.Error(), "doesn't exist") {
					c.mu.Lock()
					c.err = err
					c.mu.Unlock()
					return
				}
			}
		})
	}
	return c
}

func (c *clerks) goHome() error {
	c.stop()
	c.done.Wait()
	return c.err
}

func (c *clerks) longest() time.Duration { return time.Duration(c.slowest.Load()) }

// sale is one transaction over several tables.
func (c *clerks) sale(ctx context.Context, db *sql.DB, r *rand.Rand) error {
	began := time.Now()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	sku := fmt.Sprintf("LEFT(UNHEX(SHA2(%d, 256)), 16)", r.IntN(500))
	customer := 1 + r.IntN(20000)
	statements := []string{
		fmt.Sprintf("INSERT INTO shop.orders (customer, total) VALUES (%d, %d.%02d)", customer, r.IntN(900), r.IntN(100)),
		fmt.Sprintf("INSERT INTO shop.items (ordered, line, sku, weight) VALUES (LAST_INSERT_ID(), 0, %s, %g)", sku, r.Float32()),
		fmt.Sprintf("UPDATE shop.stock SET pieces = pieces - 1, price = price * 1.0001 WHERE sku = %s", sku),
		fmt.Sprintf("UPDATE shop.customers SET profile = JSON_SET(profile, '$.last', %d) WHERE id = %d", r.IntN(1000), customer),
	}
	if r.IntN(10) == 0 {
		statements = append(statements, fmt.Sprintf("DELETE FROM shop.orders WHERE id = %d", 1+r.IntN(60000)),
			fmt.Sprintf("UPDATE shop.orders SET state = 'paid' WHERE id = %d", 1+r.IntN(60000)))
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return ignoreDeadlock(err)
		}
	}
	if err := tx.Commit(); err != nil {
		return ignoreDeadlock(err)
	}
	c.committed.Add(1)
	took := int64(time.Since(began))
	for old := c.slowest.Load(); took > old && !c.slowest.CompareAndSwap(old, took); old = c.slowest.Load() {
	}
	return nil
}

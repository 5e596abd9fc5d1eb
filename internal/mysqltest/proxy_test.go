package mysqltest

import (
	"context"
	"database/sql"
	"testing"
	"time"
)

func through(t *testing.T, s *Server, p *Proxy) *sql.DB {
	t.Helper()
	config := s.Config(Root, "")
	config.Addr = p.Addr()
	return open(t, config)
}

func TestProxyCutsRefusesAndStalls(t *testing.T) {
	s := Source(t)
	p := Through(t, s)
	db := through(t, s, p)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var one int
	if err := conn.QueryRowContext(t.Context(), "SELECT 1").Scan(&one); err != nil || one != 1 {
		t.Fatalf("got %d, %v", one, err)
	}

	p.Cut()
	if err := conn.QueryRowContext(t.Context(), "SELECT 1").Scan(&one); err == nil {
		t.Error("a cut connection answers")
	}
	if err := db.PingContext(t.Context()); err != nil {
		t.Errorf("no new connection after Cut: %v", err)
	}

	p.Refuse()
	if err := db.PingContext(t.Context()); err == nil {
		t.Error("a connection while connections are refused")
	}
	p.Resume()
	if err := db.PingContext(t.Context()); err != nil {
		t.Errorf("no connection after Resume: %v", err)
	}

	p.Stall()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := db.QueryRowContext(ctx, "SELECT 1").Scan(&one); err == nil {
		t.Error("bytes pass a stalled connection")
	}
	p.Resume()
	if err := db.QueryRowContext(t.Context(), "SELECT 1").Scan(&one); err != nil {
		t.Errorf("nothing passes after Resume: %v", err)
	}
}

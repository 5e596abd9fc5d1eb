package dumper

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

// wire relays connections to the source in the clear. Of packets with a statement that holds
// needle it does what do says.
type wire struct {
	listener net.Listener
	target   string
	work     sync.WaitGroup
	mu       sync.Mutex
	needle   string
	do       wireFault
	times    int // how often a statement was met
	uuid     string
}

type wireFault int

const (
	cutOnce     wireFault = iota // the connection is cut, once
	otherAnswer                  // another server seems to answer
	neverSent                    // it does not come to the server, and nobody is told
	counted                      // nothing
)

// throughWire opens the source by way of a relay.
func (s *site) throughWire() *wire {
	s.t.Helper()
	listener, err := new(net.ListenConfig).Listen(s.t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	w := &wire{listener: listener, target: s.source.Addr(), uuid: s.srv.Facts().ServerUUID}
	w.work.Go(w.accept)
	s.t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			s.t.Error(err)
		}
		w.work.Wait()
	})
	a, err := server.ParseURL("mysql://" + mysqltest.BackupUser.Name + "@" + listener.Addr().String() + "/?tls=disabled")
	if err != nil {
		s.t.Fatal(err)
	}
	a.Password = server.NewSecret(mysqltest.BackupUser.Password)
	srv, err := server.Open(s.t.Context(), a, server.Source)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			s.t.Error(err)
		}
	})
	s.srv = srv
	return w
}

// on sets what happens to which statement.
func (w *wire) on(needle string, do wireFault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.needle, w.do, w.times = needle, do, 0
}

func (w *wire) met() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.times
}

// meet tells what happens behind a packet of the client.
func (w *wire) meet(packet []byte) (cut, lie, drop bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.needle == "" || !bytes.Contains(packet, []byte(w.needle)) {
		return false, false, false
	}
	w.times++
	return w.do == cutOnce && w.times == 1, w.do == otherAnswer, w.do == neverSent
}

func (w *wire) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.work.Go(func() { w.relay(client) })
	}
}

func (w *wire) relay(client net.Conn) {
	defer func() { _ = client.Close() }()
	origin, err := new(net.Dialer).DialContext(context.Background(), "tcp4", w.target)
	if err != nil {
		return
	}
	var lying sync.Map
	var back sync.WaitGroup
	back.Go(func() {
		defer func() { _ = client.Close() }()
		buffer := make([]byte, 1<<16)
		for {
			n, err := origin.Read(buffer)
			part := buffer[:n]
			if _, lie := lying.Load("now"); lie {
				part = bytes.ReplaceAll(part, []byte(w.uuid), []byte(strings.Repeat("0", len(w.uuid))))
			}
			if _, failed := client.Write(part); failed != nil || err != nil {
				return
			}
		}
	})
	buffer := make([]byte, 1<<16)
	for {
		n, err := client.Read(buffer)
		cut, lie, drop := w.meet(buffer[:n])
		if lie {
			lying.Store("now", true)
		} else {
			lying.Delete("now")
		}
		if cut {
			break
		}
		if drop {
			continue
		}
		if _, failed := origin.Write(buffer[:n]); failed != nil || err != nil {
			break
		}
	}
	_ = origin.Close()
	back.Wait()
}

// everyKind makes one of everything that is read by more than one statement.
func (s *site) everyKind() {
	s.exec("CREATE DATABASE d COLLATE latin1_bin", "CREATE TABLE d.t (a INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1),(2)", "CREATE TABLE d.gone (a INT)",
		"CREATE VIEW d.v AS SELECT a FROM d.t", "CREATE VIEW d.invalid AS SELECT a FROM d.gone", "DROP TABLE d.gone",
		"CREATE PROCEDURE d.p() SET @a=1", "CREATE TRIGGER d.tr BEFORE INSERT ON d.t FOR EACH ROW SET @a=1", "CREATE EVENT d.e ON SCHEDULE EVERY 1 DAY DISABLE DO SET @a=1")
}

// TestConnectionsThatAreLostBetweenTwoStatements: whatever statement a connection is lost at, the
// thing is read again as a whole.
func TestConnectionsThatAreLostBetweenTwoStatements(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.everyKind()
	w := s.throughWire()
	for _, needle := range []string{
		"SHOW CREATE DATABASE", "DEFAULT_COLLATION_NAME FROM", "SHOW CREATE TABLE", "SHOW CREATE VIEW", "SHOW WARNINGS", "SHOW CREATE TRIGGER",
		"ACTION_ORDER FROM", "SHOW CREATE PROCEDURE", "SHOW CREATE EVENT", "COALESCE(TABLE_ROWS", "ROUTINE_TYPE='PROCEDURE' AND", "TRIGGER_NAME, EVENT_OBJECT_TABLE FROM", "EVENT_NAME, '' FROM",
	} {
		t.Run(needle, func(t *testing.T) {
			s := s.with(t)
			w.on(needle, cutOnce)
			_, m := s.backUp(inChunks)
			if w.met() < 2 {
				t.Errorf("the statement was sent %d times: the test proves nothing", w.met())
			}
			if len(m.Schemas) != 1 || m.Schemas[0].Collation != "latin1_bin" || baseOf(t, m, "d.t").RowCount != 2 || len(m.Objects) != 5 {
				t.Errorf("schemas %+v, objects %+v", m.Schemas, m.Objects)
			}
			for _, o := range m.Objects {
				if o.Absent || o.Create == "" || (o.Invalid != "") != (o.Name.Name == "invalid") || o.Name.Name == "tr" && o.Table != "t" {
					t.Errorf("%+v", o)
				}
			}
		})
	}
}

// TestW6DefinitionsOfAnotherServer: definitions, objects and names that another server tells are
// not taken.
func TestW6DefinitionsOfAnotherServer(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.everyKind()
	w := s.throughWire()
	for _, needle := range []string{
		"SHOW CREATE DATABASE", "SHOW CREATE TABLE", "SHOW CREATE VIEW", "SHOW CREATE TRIGGER", "SHOW CREATE PROCEDURE", "SHOW CREATE EVENT",
		"COALESCE(TABLE_ROWS", "ROUTINE_TYPE='PROCEDURE' AND",
	} {
		t.Run(needle, func(t *testing.T) {
			s := s.with(t)
			w.on(needle, otherAnswer)
			// What the run before has finished is not asked for again.
			_, err := s.tryBackUp(t.Context(), inChunks, func(c *Config) { c.Fresh = true })
			if f := fault.Of(err); f == nil || f.Kind != fault.KindSource || !strings.Contains(err.Error(), "W6") {
				t.Errorf("error %v, want one that says that another server answered", err)
			}
		})
	}
	t.Run("an absence", func(t *testing.T) {
		conn, err := s.srv.RawConn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		w.on("SHOW CREATE TABLE", otherAnswer)
		_, err = guardedRows(t.Context(), conn, "SHOW CREATE TABLE d.none")
		if err == nil || server.ErrorNumber(err) != 0 || !strings.Contains(err.Error(), "W6") {
			t.Errorf("error %v, want one that says that another server answered", err)
		}
	})
}

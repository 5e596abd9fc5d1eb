package server_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

// address returns the address of u on a test server, from its URL as a user would write it.
func address(t testing.TB, s *mysqltest.Server, u mysqltest.User, parameters string) server.Address {
	t.Helper()
	a, err := server.ParseURL(s.URL(u) + parameters)
	if err != nil {
		t.Fatal(err)
	}
	a.Password = server.NewSecret(u.Password)
	return a
}

func open(t testing.TB, a server.Address, role server.Role) *server.Server {
	t.Helper()
	s, err := server.Open(t.Context(), a, role)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func backupUser(t testing.TB, s *mysqltest.Server) mysqltest.User {
	t.Helper()
	u, err := s.CreateBackupUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// wantFault fails unless err is a fault of this kind and code with a hint that holds a text, and
// shows no password.
func wantFault(t *testing.T, err error, code int, kind fault.Kind, hint string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatalf("got %v instead of a fault", err)
	}
	if f.Code != code || f.Kind != kind || !strings.Contains(f.Hint, hint) {
		t.Fatalf("got code %d, kind %s, hint %q of error %q", f.Code, f.Kind, f.Hint, f)
	}
	for _, secret := range []string{mysqltest.BackupUser.Password, "wrong-password"} {
		if strings.Contains(f.Error()+f.Hint, secret) {
			t.Fatalf("the error %q with hint %q shows the password", f, f.Hint)
		}
	}
}

func TestOpenFaults(t *testing.T) {
	s := mysqltest.Source(t)
	u := backupUser(t, s)
	good := address(t, s, u, "")

	wrong := good
	wrong.Password = server.NewSecret("wrong-password")
	none := good
	none.Password = server.Secret{}
	unknown := good
	unknown.Host = "no-such-host.invalid"
	refused := good
	refused.Port = 1 // nothing listens there
	socket := server.Address{Socket: "/nonexistent/socket", User: u.Name}
	incomplete := server.Address{User: u.Name}

	for name, c := range map[string]struct {
		address server.Address
		code    int
		kind    fault.Kind
		hint    string
	}{
		"wrong password": {wrong, 1, fault.KindPassword, "TRIPOD_SOURCE_PASSWORD"},
		"no password":    {none, 1, fault.KindPassword, "no password is set"},
		"unknown host":   {unknown, 1, fault.KindConnect, "host"},
		"refused":        {refused, 1, fault.KindConnect, "port"},
		"no socket":      {socket, 1, fault.KindConnect, "socket"},
		"no host":        {incomplete, 2, fault.KindUsage, "mysql://"},
	} {
		t.Run(name, func(t *testing.T) {
			opened, err := server.Open(t.Context(), c.address, server.Source)
			if err == nil {
				_ = opened.Close()
			}
			wantFault(t, err, c.code, c.kind, c.hint)
		})
	}
	t.Run("raw wrong password", func(t *testing.T) {
		_, err := wrong.Dial(t.Context())
		wantFault(t, server.Classify(err), 1, fault.KindPassword, "password")
	})
	t.Run("raw refused", func(t *testing.T) {
		_, err := refused.Dial(t.Context())
		wantFault(t, server.Classify(err), 1, fault.KindConnect, "port")
	})
}

func TestOpenEndsWithItsContext(t *testing.T) {
	s := mysqltest.Source(t)
	a := address(t, s, backupUser(t, s), "")
	if err := s.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Thaw(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := server.Open(ctx, a, server.Source); err == nil {
		t.Fatal("a frozen server was opened")
	}
	if _, err := a.Dial(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("dialing a frozen server: %v", err)
	}
}

func TestFacts(t *testing.T) {
	s := mysqltest.Source(t)
	f := open(t, address(t, s, backupUser(t, s), ""), server.Source).Facts()
	var uuid string
	if err := s.Root().QueryRowContext(t.Context(), "SELECT @@server_uuid").Scan(&uuid); err != nil {
		t.Fatal(err)
	}
	if f.ServerUUID != uuid || f.Flavor != server.FlavorMySQL || f.Major != 9 || f.Minor < 7 {
		t.Errorf("identity and version: %+v", f)
	}
	if !f.LogBin || f.BinlogFormat != "ROW" || f.RowImage != "FULL" || f.RowValueOptions != "" || !f.GTIDs() || f.SyncBinlog != 1 {
		t.Errorf("log settings: %+v", f)
	}
	if f.CurrentUser != mysqltest.BackupUser.Name+"@%" || f.CharacterSetServer != "utf8mb4" || f.LowerCaseTableNames != 0 {
		t.Errorf("account and names: %+v", f)
	}
	if f.MaxBinlogSize != 1<<30 || f.BinlogExpire != 30*24*60*60 || f.MaxAllowedPacket != 64<<20 {
		t.Errorf("sizes: %+v", f)
	}
	if f.BinlogStatus() != "SHOW BINARY LOG STATUS" {
		t.Errorf("status statement %q", f.BinlogStatus())
	}
}

// A machine that is frozen accepts connections (the kernel does) and never answers.
func TestOpenDoesNotWaitForAServerThatSaysNothing(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{})
	if err := s.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Thaw(); err != nil {
			t.Error(err)
		}
	})
	began := time.Now()
	_, err := server.Open(t.Context(), address(t, s, mysqltest.Root, ""), server.Source)
	if f := fault.Of(err); f == nil || f.Kind != fault.KindConnect {
		t.Errorf("opening a frozen server ends with %v", err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
}

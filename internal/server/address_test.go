package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
)

func TestParseURL(t *testing.T) {
	for url, want := range map[string]server.Address{
		"mysql://u@h:3307/":              {Host: "h", Port: 3307, User: "u"},
		"mysql://u@h":                    {Host: "h", User: "u"},
		"mysql://u%40x@[::1]:1/":         {Host: "::1", Port: 1, User: "u@x"},
		"mysql://u@/run/mysqld/m.sock":   {Socket: "/run/mysqld/m.sock", User: "u"},
		"mysql://u@/a%20b.sock":          {Socket: "/a b.sock", User: "u"},
		"mysql://h/":                     {Host: "h"},
		"mysql://":                       {},
		"mysql://u@h/?tls=required":      {Host: "h", User: "u", TLS: server.TLSConfig{Mode: server.TLSRequired}},
		"mysql://u@h/?tls=disabled":      {Host: "h", User: "u", TLS: server.TLSConfig{Mode: server.TLSDisabled}},
		"mysql://u@h?tls=verify-ca&ca=c": {Host: "h", User: "u", TLS: server.TLSConfig{Mode: server.TLSVerifyCA, CA: "c"}},
		"mysql://u@h/?tls=verify-identity&ca=c&cert=e&key=k": {Host: "h", User: "u",
			TLS: server.TLSConfig{Mode: server.TLSVerifyIdentity, CA: "c", Cert: "e", Key: "k"}},
	} {
		got, err := server.ParseURL(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if got != want {
			t.Errorf("%s: got %+v", url, got)
		}
		again, err := server.ParseURL(got.Redacted())
		if err != nil {
			t.Errorf("%s prints as %s: %v", url, got.Redacted(), err)
		}
		if got.Host != "" && got.Port == 0 {
			got.Port = server.DefaultPort // printed in full
		}
		if again != got {
			t.Errorf("%s prints as %s, which is %+v", url, got.Redacted(), again)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	for url, text := range map[string]string{
		"postgres://u@h/":                        "mysql://",
		"u@h":                                    "mysql://",
		"mysql:u@h":                              "mysql://",
		"mysql://u:hunter2@h/":                   "TRIPOD_SOURCE_PASSWORD",
		"mysql://u:@h/":                          "password",
		"mysql://u:hunter2@h:port/":              "malformed",
		"mysql://u@h/schema":                     "schema",
		"mysql://u@h:0/":                         "port",
		"mysql://u@h:70000/":                     "port",
		"mysql://u@:3306/":                       "no host",
		"mysql://u@h/?tls=REQUIRED":              "preferred",
		"mysql://u@h/?tls=":                      "preferred",
		"mysql://u@h/?ssl=1":                     `unknown parameter "ssl"`,
		"mysql://u@h/?password=hunter2":          `unknown parameter "password"`,
		"mysql://u@h/?tls=required&tls=disabled": "2 times",
		"mysql://u@h/?cert=c":                    "only one",
		"mysql://u@h/?tls=disabled&ca=c":         "contradicts",
		"mysql://u@h/#x":                         "#",
		"mysql://u@h/?a=%zz":                     "malformed",
	} {
		_, err := server.ParseURL(url)
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != fault.CodeUsage || f.Kind != fault.KindUsage || f.Hint == "" {
			t.Errorf("%s: got %v instead of a usage fault with a hint", url, err)
			continue
		}
		if said := f.Error() + " " + f.Hint; !strings.Contains(said, text) || strings.Contains(said, "hunter2") {
			t.Errorf("%s: said %q", url, said)
		}
	}
}

func TestSecretIsNeverShown(t *testing.T) {
	const password = "hunter2"
	secret := server.NewSecret(password)
	a := server.Address{Host: "h", User: "u", Password: secret}
	type hidden struct {
		address server.Address // unexported: fmt cannot call its methods
		secret  server.Secret
		pointer *server.Secret
	}
	h := hidden{address: a, secret: secret, pointer: &secret}
	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%10.2v"} {
		for _, v := range []any{secret, &secret, a, &a, h, &h, []server.Secret{secret}, map[string]server.Secret{"k": secret}} {
			shown = append(shown, fmt.Sprintf(verb, v))
		}
	}
	shown = append(shown, fmt.Sprint(secret), fmt.Sprintln(a), secret.String(), a.String(), a.Redacted(), fmt.Errorf("connect: %v", a).Error())
	encoded, err := json.Marshal(map[string]any{"secret": secret, "address": a, "pointer": &secret})
	if err != nil {
		t.Fatal(err)
	}
	shown = append(shown, string(encoded))
	var log strings.Builder
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("m", "secret", secret, "pointer", &secret, "address", a, "hidden", h)
	}
	shown = append(shown, log.String())
	for _, s := range shown {
		if strings.Contains(s, password) || strings.Contains(s, fmt.Sprintf("%x", password)) || strings.Contains(s, fmt.Sprintf("%X", password)) {
			t.Errorf("shown: %s", s)
		}
	}
	if secret.Reveal() != password || secret.IsEmpty() || !(server.Secret{}).IsEmpty() {
		t.Error("the secret does not give the password back")
	}
}

func TestDefaultsFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("more/extra.cnf", "[client]\nssl_ca = /ca.pem\n")
	write("more/skipped.txt", "[client]\nuser=wrong\n")
	main := write("my.cnf", `
# comment
; another
[mysqld]
port=9999
user=mysql
[client]
user = "back up"   # who
password='p#\s\\x"y'
host=db.example # where
port = 3307
ssl-mode=VERIFY_CA
quick
!includedir `+dir+`/more
[mysql]
host=wrong
`)
	d, err := server.ReadDefaultsFile(main)
	if err != nil {
		t.Fatal(err)
	}
	a := d.Complete(server.Address{})
	want := server.Address{Host: "db.example", Port: 3307, User: "back up", TLS: server.TLSConfig{Mode: server.TLSVerifyCA, CA: "/ca.pem"}}
	if got := a.Password.Reveal(); got != `p# \x"y` {
		t.Errorf("password %q", got)
	}
	a.Password = server.Secret{}
	if a != want {
		t.Errorf("got %+v", a)
	}
	// The URL wins.
	given := server.Address{Host: "other", User: "u", Password: server.NewSecret("mine"), TLS: server.TLSConfig{Mode: server.TLSRequired}}
	a = d.Complete(given)
	if a.Host != "other" || a.User != "u" || a.Password.Reveal() != "mine" || a.TLS.Mode != server.TLSRequired || a.TLS.CA != "" || a.Port != 3307 {
		t.Errorf("got %+v", a)
	}

	socket := write("socket.cnf", "[client]\nuser=u\nhost=localhost\nport=3306\nsocket=/run/m.sock\n")
	if d, err = server.ReadDefaultsFile(socket); err != nil {
		t.Fatal(err)
	}
	if a := d.Complete(server.Address{}); a != (server.Address{Socket: "/run/m.sock", User: "u"}) {
		t.Errorf("localhost with a socket: %+v", a)
	}

	for name, text := range map[string]string{
		"group.cnf": "[client\n", "port.cnf": "[client]\nport=x\n", "mode.cnf": "[client]\nssl-mode=maybe\n",
		"directive.cnf": "!includes x\n", "circle.cnf": "!include " + filepath.Join(dir, "circle.cnf") + "\n", "gone.cnf": "!include /nonexistent\n",
	} {
		_, err := server.ReadDefaultsFile(write(name, text))
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != fault.CodeUsage || !strings.Contains(f.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := server.ReadDefaultsFile(filepath.Join(dir, "none")); err == nil {
		t.Error("a file that is not there was read")
	}
}

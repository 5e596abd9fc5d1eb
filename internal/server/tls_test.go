package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

// authority makes certificates in PEM files.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, dir string) *authority {
	t.Helper()
	a := &authority{dir: dir}
	a.cert, a.key = a.issue(t, "ca", &x509.Certificate{
		Subject: pkix.Name{CommonName: "tripod test CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return a
}

// issue makes name.pem and name-key.pem, signed by the authority, or by itself if there is none yet.
func (a *authority) issue(t *testing.T, name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		name + ".pem": {Type: "CERTIFICATE", Bytes: der}, name + "-key.pem": {Type: "PRIVATE KEY", Bytes: pkcs8},
	} {
		if err := os.WriteFile(filepath.Join(a.dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// connectBothWays opens a control connection and a raw one, each with a full authentication
// (FLUSH PRIVILEGES empties the server's cache of caching_sha2_password), and returns the cipher
// of each, "" for plaintext.
func connectBothWays(t *testing.T, s *mysqltest.Server, a server.Address) (control, raw string, err error) {
	t.Helper()
	mysqltest.Exec(t, s, "FLUSH PRIVILEGES")
	srv, err := server.Open(t.Context(), a, server.Source)
	if err != nil {
		return "", "", err
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	var name string
	if err := srv.DB().QueryRowContext(t.Context(), "SHOW SESSION STATUS LIKE 'Ssl_cipher'").Scan(&name, &control); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, s, "FLUSH PRIVILEGES")
	c, err := srv.RawConn(t.Context())
	if err != nil {
		return "", "", err
	}
	rows, err := c.Rows(t.Context(), "SHOW SESSION STATUS LIKE 'Ssl_cipher'")
	if err != nil {
		t.Fatal(err)
	}
	return control, rows[0][1], c.Close()
}

func TestTLSModes(t *testing.T) {
	ca := newAuthority(t, t.TempDir())
	ca.issue(t, "server", &x509.Certificate{Subject: pkix.Name{CommonName: "s"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	ca.issue(t, "client", &x509.Certificate{Subject: pkix.Name{CommonName: "c"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	stranger := newAuthority(t, t.TempDir())
	s := mysqltest.Take(t, mysqltest.Options{GTID: true, ExtraArgs: []string{
		"--ssl-ca=" + ca.file("ca.pem"), "--ssl-cert=" + ca.file("server.pem"), "--ssl-key=" + ca.file("server-key.pem")}})
	u := backupUser(t, s)
	tcp := address(t, s, u, "")
	socket, err := server.ParseURL(s.SocketURL(u))
	if err != nil {
		t.Fatal(err)
	}
	socket.Password = tcp.Password
	const encrypted, plain = true, false
	for name, c := range map[string]struct {
		address server.Address
		host    string
		tls     server.TLSConfig
		want    bool
		refused string // the hint
	}{
		"preferred":                  {tcp, "", server.TLSConfig{}, encrypted, ""},
		"required":                   {tcp, "", server.TLSConfig{Mode: server.TLSRequired}, encrypted, ""},
		"disabled":                   {tcp, "", server.TLSConfig{Mode: server.TLSDisabled}, plain, ""},
		"verify-ca":                  {tcp, "", server.TLSConfig{Mode: server.TLSVerifyCA, CA: ca.file("ca.pem")}, encrypted, ""},
		"verify-ca, other name":      {tcp, "localhost", server.TLSConfig{Mode: server.TLSVerifyCA, CA: ca.file("ca.pem")}, encrypted, ""},
		"verify-identity":            {tcp, "", server.TLSConfig{Mode: server.TLSVerifyIdentity, CA: ca.file("ca.pem")}, encrypted, ""},
		"verify-identity, other":     {tcp, "localhost", server.TLSConfig{Mode: server.TLSVerifyIdentity, CA: ca.file("ca.pem")}, false, "name"},
		"verify-ca, stranger":        {tcp, "", server.TLSConfig{Mode: server.TLSVerifyCA, CA: stranger.file("ca.pem")}, false, "CA"},
		"verify-identity, stranger":  {tcp, "", server.TLSConfig{Mode: server.TLSVerifyIdentity, CA: stranger.file("ca.pem")}, false, "CA"},
		"verify-ca, machine's roots": {tcp, "", server.TLSConfig{Mode: server.TLSVerifyCA}, false, "CA"},
		"client certificate": {tcp, "", server.TLSConfig{Mode: server.TLSVerifyIdentity, CA: ca.file("ca.pem"),
			Cert: ca.file("client.pem"), Key: ca.file("client-key.pem")}, encrypted, ""},
		"no such file":     {tcp, "", server.TLSConfig{Mode: server.TLSVerifyCA, CA: "/nonexistent"}, false, "ca"},
		"socket":           {socket, "", server.TLSConfig{}, plain, ""},
		"socket, required": {socket, "", server.TLSConfig{Mode: server.TLSRequired}, encrypted, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.address
			a.TLS = c.tls
			if c.host != "" {
				a.Host = c.host
			}
			control, raw, err := connectBothWays(t, s, a)
			if c.refused != "" {
				wantFault(t, err, fault.CodeFailed, fault.KindConnect, c.refused)
				_, err = a.Dial(t.Context())
				wantFault(t, server.Classify(err), fault.CodeFailed, fault.KindConnect, c.refused)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if (control != "") != c.want || (raw != "") != c.want {
				t.Errorf("ciphers %q and %q", control, raw)
			}
		})
	}
	t.Run("account demands a certificate", func(t *testing.T) {
		mysqltest.Exec(t, s, "ALTER USER "+u.Name+" REQUIRE X509")
		defer mysqltest.Exec(t, s, "ALTER USER "+u.Name+" REQUIRE NONE")
		a := tcp
		if _, _, err := connectBothWays(t, s, a); err == nil {
			t.Fatal("connected without a certificate")
		}
		a.TLS = server.TLSConfig{Mode: server.TLSRequired, Cert: ca.file("client.pem"), Key: ca.file("client-key.pem")}
		if _, _, err := connectBothWays(t, s, a); err != nil {
			t.Fatal(err)
		}
	})
}

func TestServerWithoutTLS(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{GTID: true, ExtraArgs: []string{"--tls-version="}})
	u := backupUser(t, s)
	control, raw, err := connectBothWays(t, s, address(t, s, u, ""))
	if err != nil || control != "" || raw != "" {
		t.Fatalf("preferred: %q, %q, %v", control, raw, err)
	}
	a := address(t, s, u, "?tls=required")
	_, _, err = connectBothWays(t, s, a)
	wantFault(t, err, fault.CodeFailed, fault.KindConnect, "tls=preferred")
	_, err = a.Dial(t.Context())
	wantFault(t, server.Classify(err), fault.CodeFailed, fault.KindConnect, "tls=preferred")
}

func TestServerThatDemandsTLS(t *testing.T) {
	s := mysqltest.Source(t)
	a := address(t, s, backupUser(t, s), "?tls=disabled")
	root, err := s.Root().Conn(t.Context()) // new connections of root are refused too
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := root.ExecContext(t.Context(), "SET GLOBAL require_secure_transport=ON"); err != nil {
		t.Fatal(err)
	}
	_, err = server.Open(t.Context(), a, server.Source)
	wantFault(t, err, fault.CodeFailed, fault.KindConnect, "tls=required")
	_, err = a.Dial(t.Context())
	wantFault(t, server.Classify(err), fault.CodeFailed, fault.KindConnect, "tls=required")
	if _, err := root.ExecContext(t.Context(), "SET GLOBAL require_secure_transport=OFF"); err != nil {
		t.Fatal(err)
	}
}

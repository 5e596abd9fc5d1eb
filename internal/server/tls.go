package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/tripod-db/tripod/internal/fault"
)

// TLSMode says how a connection is encrypted and what is verified.
type TLSMode int

// The modes of a URL's tls parameter.
const (
	TLSPreferred      TLSMode = iota // TLS if the server offers it, else plaintext; nothing verified
	TLSRequired                      // TLS; nothing verified
	TLSVerifyCA                      // TLS; the server's certificate comes from the CA
	TLSVerifyIdentity                // TLS; the same, and it names the host
	TLSDisabled                      // plaintext
)

var tlsModes = map[TLSMode]string{
	TLSPreferred: "preferred", TLSRequired: "required", TLSVerifyCA: "verify-ca",
	TLSVerifyIdentity: "verify-identity", TLSDisabled: "disabled",
}

// String spells the mode as in a URL.
func (m TLSMode) String() string { return tlsModes[m] }

func parseTLSMode(s string) (TLSMode, error) {
	for mode, name := range tlsModes {
		if name == s {
			return mode, nil
		}
	}
	return 0, usage("read the server's URL: tls=%q is none of preferred, required, verify-ca, verify-identity, disabled", s)
}

// TLSConfig says how connections are encrypted. CA, Cert and Key are paths of PEM files; without CA
// the verifying modes use the machine's roots.
type TLSConfig struct {
	Mode          TLSMode
	CA, Cert, Key string
}

func (t TLSConfig) check() error {
	switch {
	case (t.Cert == "") != (t.Key == ""):
		return usage("of the client's certificate and key (cert, key) only one is given")
	case t.Mode == TLSDisabled && (t.CA != "" || t.Cert != ""):
		return usage("tls=disabled contradicts ca, cert and key")
	}
	return nil
}

// TLSConfig returns the settings for crypto/tls, nil for plaintext. preferred tells that the
// caller goes on in plaintext when the server offers no TLS. Over a socket TLS is used only
// where it is demanded: the bytes never leave the machine.
func (a Address) TLSConfig() (config *tls.Config, preferred bool, err error) {
	if a.TLS.Mode == TLSDisabled || a.TLS.Mode == TLSPreferred && a.Socket != "" {
		return nil, false, nil
	}
	config = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: a.Host}
	if a.Socket != "" {
		config.ServerName = "localhost"
	}
	if a.TLS.CA != "" {
		if config.RootCAs, err = readRoots(a.TLS.CA); err != nil {
			return nil, false, err
		}
	}
	if a.TLS.Cert != "" {
		pair, err := tls.LoadX509KeyPair(a.TLS.Cert, a.TLS.Key)
		if err != nil {
			return nil, false, fileFault("read the client's certificate and key", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	switch a.TLS.Mode {
	case TLSPreferred, TLSRequired:
		config.InsecureSkipVerify = true // the mode's meaning: encrypted, nothing verified
	case TLSVerifyCA:
		// crypto/tls verifies chain and name together; this mode wants the chain alone.
		config.InsecureSkipVerify = true
		config.VerifyConnection = verifyChain(config.RootCAs)
	case TLSVerifyIdentity, TLSDisabled:
	}
	return config, a.TLS.Mode == TLSPreferred, nil
}

func readRoots(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fileFault("read the CA's certificate", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fileFault("read the CA's certificate", fmt.Errorf("%s holds no certificate in PEM form", path))
	}
	return pool, nil
}

func fileFault(what string, err error) error {
	return fault.New(fault.CodeFailed, fault.KindConnect, "check the files that ca, cert and key of the URL name", "%s: %w", what, err)
}

func verifyChain(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the server sent no certificate")
		}
		options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, c := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(c)
		}
		_, err := state.PeerCertificates[0].Verify(options)
		return err
	}
}

package server

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/internal/fault"
)

// DefaultPort is MySQL's.
const DefaultPort = 3306

// Role says what tripod does with a server. It decides the session settings and the hints.
type Role int

// The roles of a server.
const (
	Source Role = iota // is backed up: read only, never disturbed
	Target             // is restored into
)

// String names the role as the flags do.
func (r Role) String() string {
	if r == Target {
		return "target"
	}
	return "source"
}

// passwordVariable names the environment variable that cmd reads the password from.
func (r Role) passwordVariable() string {
	return "TRIPOD_" + strings.ToUpper(r.String()) + "_PASSWORD"
}

// Address says how to reach a server and as whom. Either Host or Socket is set when it is
// complete. The password never comes from a URL.
type Address struct {
	Host     string
	Port     uint16
	Socket   string
	User     string
	Password Secret
	TLS      TLSConfig
}

// ParseURL reads mysql://user@host:port/?tls=MODE&ca=FILE&cert=FILE&key=FILE or
// mysql://user@/path/to/socket. Whatever it does not know is a usage fault (exit 2), and so is
// a password: it would stand in process lists and shell histories. Host and user may be left
// out for a defaults file to fill in (Defaults.Complete).
func ParseURL(raw string) (Address, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// The error of url.Parse quotes the URL, with the password in it if there is one.
		return Address{}, usage("read the server's URL: it is malformed")
	}
	if u.Scheme != "mysql" || u.Opaque != "" {
		return Address{}, usage("read the server's URL: it does not begin with mysql://")
	}
	if _, has := u.User.Password(); has {
		return Address{}, fault.New(fault.CodeUsage, fault.KindUsage,
			"leave the password out of the URL and set TRIPOD_SOURCE_PASSWORD or TRIPOD_TARGET_PASSWORD in the environment, or use --defaults-file",
			"read the server's URL: it holds a password, which process lists would show")
	}
	if u.Fragment != "" {
		return Address{}, usage("read the server's URL: it has a part behind #")
	}
	a := Address{Host: u.Hostname(), User: u.User.Username()}
	if err := a.setPort(u.Port()); err != nil {
		return Address{}, err
	}
	if err := a.setPath(u.Path); err != nil {
		return Address{}, err
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Address{}, usage("read the server's URL: the part behind ? is malformed")
	}
	if err := a.setParameters(query); err != nil {
		return Address{}, err
	}
	return a, nil
}

func usage(format string, args ...any) error {
	return fault.New(fault.CodeUsage, fault.KindUsage,
		"write mysql://user@host:port/?tls=preferred or mysql://user@/path/to/socket", format, args...)
}

func (a *Address) setPort(port string) error {
	if port == "" {
		return nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return usage("read the server's URL: %q is no port", port)
	}
	if a.Host == "" {
		return usage("read the server's URL: it has a port and no host")
	}
	a.Port = uint16(n)
	return nil
}

func (a *Address) setPath(path string) error {
	if path == "" || path == "/" {
		return nil
	}
	if a.Host != "" {
		return usage("read the server's URL: %q behind the host means nothing: schemas are named by flags, a socket's URL has no host", path)
	}
	a.Socket = path
	return nil
}

func (a *Address) setParameters(query url.Values) error {
	for name, values := range query {
		if len(values) != 1 {
			return usage("read the server's URL: parameter %q is given %d times", name, len(values))
		}
		value := values[0]
		switch name {
		case "tls":
			mode, err := parseTLSMode(value)
			if err != nil {
				return err
			}
			a.TLS.Mode = mode
		case "ca":
			a.TLS.CA = value
		case "cert":
			a.TLS.Cert = value
		case "key":
			a.TLS.Key = value
		default:
			return usage("read the server's URL: unknown parameter %q (known are tls, ca, cert, key)", name)
		}
	}
	return a.TLS.check()
}

// check says what a complete address lacks.
func (a Address) check() error {
	switch {
	case a.Host == "" && a.Socket == "":
		return usage("the server's URL names neither a host nor a socket")
	case a.User == "":
		return usage("the server's URL names no user")
	}
	return a.TLS.check()
}

// Redacted prints the address as a URL that can be given again, without the password.
func (a Address) Redacted() string {
	u := url.URL{Scheme: "mysql", Path: "/"}
	if a.User != "" {
		u.User = url.User(a.User)
	}
	if a.Socket != "" {
		u.Path = a.Socket
	} else if a.Host != "" {
		u.Host = net.JoinHostPort(a.Host, strconv.Itoa(int(a.port())))
	}
	query := url.Values{}
	if a.TLS.Mode != TLSPreferred {
		query.Set("tls", a.TLS.Mode.String())
	}
	for name, value := range map[string]string{"ca": a.TLS.CA, "cert": a.TLS.Cert, "key": a.TLS.Key} {
		if value != "" {
			query.Set(name, value)
		}
	}
	u.RawQuery = query.Encode()
	if s := u.String(); u.User != nil || u.Host != "" || !strings.HasPrefix(s, "mysql:/") {
		return s
	}
	return "mysql://" + u.Path
}

// String is Redacted: an address in an error or a log line has no password.
func (a Address) String() string { return a.Redacted() }

func (a Address) port() uint16 {
	if a.Port == 0 {
		return DefaultPort
	}
	return a.Port
}

// Endpoint returns what to dial: the network (tcp or unix) and host:port or the socket's path.
func (a Address) Endpoint() (network, address string) {
	if a.Socket != "" {
		return "unix", a.Socket
	}
	return "tcp", net.JoinHostPort(a.Host, strconv.Itoa(int(a.port())))
}

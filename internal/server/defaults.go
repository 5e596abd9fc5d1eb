package server

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/internal/fault"
)

// Defaults is what a MySQL option file says in its [client] group.
type Defaults struct {
	User, Host, Socket string
	Port               uint16
	Password           Secret
	hasPassword        bool
	tls                TLSConfig
	hasTLS             bool
}

// ReadDefaultsFile reads the [client] group of an option file as MySQL's own programs do:
// "name = value" lines, # and ; comments, quotes, escapes, !include and !includedir. Options
// that have no meaning for tripod are skipped, since the file serves other programs too; a line
// that is no option is a usage fault with file and line.
func ReadDefaultsFile(path string) (Defaults, error) {
	var d Defaults
	if err := d.read(path, nil); err != nil {
		return Defaults{}, err
	}
	return d, nil
}

// Complete fills in what the address leaves open; what a URL says wins.
func (d Defaults) Complete(a Address) Address {
	if a.User == "" {
		a.User = d.User
	}
	if a.Password.IsEmpty() && d.hasPassword {
		a.Password = d.Password
	}
	if a.Host == "" && a.Socket == "" {
		a.Host, a.Port, a.Socket = d.Host, d.Port, d.Socket
		if a.Host != "" && a.Host != "localhost" {
			a.Socket = ""
		} else if a.Socket != "" {
			// To MySQL's programs "localhost" means the socket.
			a.Host, a.Port = "", 0
		}
	}
	if a.Host != "" && a.Port == 0 {
		a.Port = d.Port
	}
	if a.TLS == (TLSConfig{}) && d.hasTLS {
		a.TLS = d.tls
	}
	return a
}

func badDefaults(format string, args ...any) error {
	return fault.New(fault.CodeUsage, fault.KindUsage, "correct the file that --defaults-file names", "read defaults file: "+format, args...)
}

// read adds what a file says. from are the files that include it: a circle is refused.
func (d *Defaults) read(path string, from []string) error {
	path = filepath.Clean(path)
	if slices.Contains(from, path) {
		return badDefaults("%s includes itself", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return badDefaults("%w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	from = append(slices.Clip(from), path)
	client := false
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '!':
			err = d.include(line, from)
		case line[0] == '[':
			end := strings.IndexByte(line, ']')
			if end < 0 {
				return badDefaults("%s:%d: a group without ]", path, number)
			}
			client = strings.TrimSpace(line[1:end]) == "client"
		case client:
			err = d.option(line)
		}
		if err != nil {
			return badDefaults("%s:%d: %w", path, number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return badDefaults("%s: %w", path, err)
	}
	return nil
}

func (d *Defaults) include(line string, from []string) error {
	directive, path, _ := strings.Cut(line, " ")
	path = strings.TrimSpace(path)
	switch directive {
	case "!include":
		return d.read(path, from)
	case "!includedir":
		entries, err := os.ReadDir(path) // sorted by name
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if filepath.Ext(entry.Name()) != ".cnf" || entry.IsDir() {
				continue
			}
			if err := d.read(filepath.Join(path, entry.Name()), from); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("unknown directive %s", directive)
}

// option reads one line. The error names the option, never its value: it may be the password.
func (d *Defaults) option(line string) error {
	name, value, _ := strings.Cut(withoutComment(line), "=")
	name = strings.ReplaceAll(strings.TrimSpace(name), "_", "-")
	value = optionValue(strings.TrimSpace(value))
	switch name {
	case "user":
		d.User = value
	case "password":
		d.Password, d.hasPassword = NewSecret(value), true
	case "host":
		d.Host = value
	case "socket":
		d.Socket = value
	case "port":
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return fmt.Errorf("%q is no port", value)
		}
		d.Port = uint16(n)
	case "ssl-mode":
		mode, err := parseTLSMode(strings.ToLower(strings.ReplaceAll(value, "_", "-")))
		if err != nil {
			return fmt.Errorf("%q is no ssl-mode", value)
		}
		d.tls.Mode, d.hasTLS = mode, true
	case "ssl-ca":
		d.tls.CA, d.hasTLS = value, true
	case "ssl-cert":
		d.tls.Cert, d.hasTLS = value, true
	case "ssl-key":
		d.tls.Key, d.hasTLS = value, true
	}
	return nil
}

// withoutComment cuts a line at the first # outside of quotes. A quote may open anywhere in the
// line; inside of quotes a backslash takes the meaning of the next one away.
func withoutComment(line string) string {
	var quote byte
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '#' && quote == 0:
			return strings.TrimSpace(line[:i])
		case c == '\\' && quote != 0:
			i++
		case c != '"' && c != '\'':
		case quote == 0:
			quote = c
		case quote == c:
			quote = 0
		}
	}
	return line
}

// escapes of values, quoted or not; any other backslash stays.
var escapes = strings.NewReplacer(`\\`, `\`, `\b`, "\b", `\t`, "\t", `\n`, "\n", `\r`, "\r", `\s`, " ", `\"`, `"`, `\'`, "'")

// optionValue takes off the quotes around a value and resolves its escapes.
func optionValue(text string) string {
	if n := len(text); n >= 2 && (text[0] == '"' || text[0] == '\'') && text[n-1] == text[0] {
		text = text[1 : n-1]
	}
	return escapes.Replace(text)
}

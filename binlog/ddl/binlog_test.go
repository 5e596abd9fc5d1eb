package ddl

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/go-mysql-org/go-mysql/replication"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// logged is a Query event with the part of its context that Parse needs.
type logged struct {
	session Session
	sql     []byte
}

// logReader reads the binlog files of a server as far as they have grown.
type logReader struct {
	server *mysqltest.Server
	file   string
	pos    int64
}

// next returns the Query events since the last call.
func (r *logReader) next(t testing.TB) []logged {
	t.Helper()
	files, err := r.server.BinlogFiles()
	if err != nil {
		t.Fatal(err)
	}
	var events []logged
	for _, f := range files {
		if f < r.file {
			continue
		}
		if f > r.file {
			r.file, r.pos = f, 4
		}
		p := replication.NewBinlogParser()
		if r.server.Install().Kind == mysqltest.MariaDB1011 {
			p.SetFlavor("mariadb")
		}
		err := p.ParseFile(f, 0, func(e *replication.BinlogEvent) error {
			if int64(e.Header.LogPos) <= r.pos {
				return nil
			}
			r.pos = int64(e.Header.LogPos)
			if q, ok := e.Event.(*replication.QueryEvent); ok {
				session, changes := readContext(t, q)
				if !changes {
					return nil
				}
				if r.server.Install().Kind == mysqltest.MariaDB1011 {
					session.Flavor, session.Version = "mariadb", "10.11.18-MariaDB-log"
				}
				events = append(events, logged{session, q.Query})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return events
}

// readContext decodes the status variables (fact 8.11) up to the ones of interest. changes is false of the part of an ALTER
// TABLE in two phases at which nothing has changed yet (fact 13.14), which package event keeps to itself.
func readContext(t testing.TB, q *replication.QueryEvent) (s Session, changes bool) {
	t.Helper()
	s, changes = Session{Schema: string(q.Schema), Flavor: "mysql", Version: "9.7.4"}, true
	widths := map[byte]int{0: 4, 3: 4, 7: 2, 8: 2, 9: 8, 10: 4, 13: 3, 16: 1, 17: 8, 18: 2, 19: 1, 20: 1, 21: 1, 128: 3, 129: 8}
	for v := q.StatusVars; len(v) > 0; {
		code := v[0]
		v = v[1:]
		switch code {
		case 1:
			s.SQLMode = binary.LittleEndian.Uint64(v)
			v = v[8:]
		case 4:
			s.ClientCharset = binary.LittleEndian.Uint16(v)
			v = v[6:]
		case 130:
			const start = 2
			part := v[0]
			v = v[1:]
			if changes = part == 4; part != start {
				v = v[8:] // the sequence number of its beginning
			}
		case 5, 6:
			v = v[1+int(v[0]):]
		case 11:
			v = v[1+int(v[0]):]
			v = v[1+int(v[0]):]
		case 12:
			n := int(v[0])
			v = v[1:]
			for range n {
				name, rest, _ := strings.Cut(string(v), "\x00")
				s.UpdatedSchemas = append(s.UpdatedSchemas, name)
				v = v[len(v)-len(rest):]
			}
		default:
			w, ok := widths[code]
			if !ok {
				t.Fatalf("status variable %d of %q is unknown", code, q.Query)
			}
			v = v[w:]
		}
	}
	return s, changes
}

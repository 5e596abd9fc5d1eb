package history

import (
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

var nativeKeys = Feature{
	Name: "native-keys", Doc: "a source that does not log what its foreign keys cascade (fact 4.2)", Share: 6,
	Server: func(source, _ *mysqltest.Options) {
		source.ExtraArgs = append(source.ExtraArgs, "--innodb-native-foreign-keys=ON")
	},
	DDL: []kind{{"cascade", cascade, idling, ""}},
}

// cascade changes parents, with whatever refers to them.
func cascade(d *ddl, _ name, _ []column) []string {
	parents, id := d.parents(), 1+d.r.IntN(40)
	if parents == "" {
		return nil
	}
	return []string{
		pick(d.r,
			fmt.Sprintf("DELETE FROM %s WHERE id = %d", parents, id),
			fmt.Sprintf("DELETE FROM %s WHERE u > %d ORDER BY u LIMIT 3", parents, id),
			fmt.Sprintf("UPDATE %s SET id = id + 500 WHERE id = %d", parents, id),
			fmt.Sprintf("UPDATE %s SET u = u + 500 WHERE id = %d", parents, id),
			fmt.Sprintf("REPLACE INTO %s (id, u) VALUES (%d, %d)", parents, id, id)),
	}
}

// parents is the table that others refer to, whatever it is called now; empty where it is gone.
func (d *ddl) parents() string {
	for _, n := range d.run.live.names() {
		if n.table == "parents" || strings.HasPrefix(n.table, "parents_") {
			return n.String()
		}
	}
	return ""
}

// hidesCascades tells whether the source's log does not tell what its foreign keys cascade.
func (h *run) hidesCascades() bool { return h.kind().hidesCascades || h.features.has(nativeKeys.Name) }

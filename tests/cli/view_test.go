package cli

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// A view of * has the columns that its tables had when it was created. The log holds the star.
func TestViewOfEveryColumn(t *testing.T) {
	source, target := sourceServer(t), targetServer(t)
	smallShop(t, source)
	d := newDesk(t)
	d.works(d.source("backup", source)...)
	mysqltest.Exec(t, source, "CREATE VIEW shop.every AS SELECT * FROM shop.t", "ALTER TABLE shop.t ADD COLUMN later INT DEFAULT 1")
	d.works(d.source("archive", source, "--until-idle")...)
	d.works(d.restore(target)...)
	takeHere(t, source).equals(t, target, "a view of * that is older than a column")
}

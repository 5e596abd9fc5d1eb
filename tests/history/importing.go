package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
)

// importing puts a table's file in the place of another one's: rows come and go of which the log holds nothing. While a
// backup runs it reads such a table again; behind it its range ends, as with statements.
var importing = Feature{
	Name: "import-tablespace", Doc: "IMPORT TABLESPACE: the table is read again, or refused by name, and the others are equal", Share: 8,
	Beside: importTablespaces,
	Linked: []string{
		importedTable("exported"), importedTable("imported"),
		"INSERT INTO `shop`.`exported` VALUES (1, 'one'), (2, 'two')", "INSERT INTO `shop`.`imported` VALUES (1, 'uno'), (9, 'nove')",
	},
	Logged: "IMPORT TABLESPACE", endsRanges: true,
}

func importedTable(called string) string {
	return "CREATE TABLE IF NOT EXISTS `shop`.`" + called + "` (id INT NOT NULL PRIMARY KEY, v VARCHAR(60)) ENGINE=InnoDB"
}

// How many steps of the session there are for one import. Each has the table read again while the backup runs.
const (
	importsInside = 25
	importsBehind = 8
)

func importTablespaces() func(context.Context, *writer) (int, error) {
	inside := 0
	return func(ctx context.Context, w *writer) (int, error) {
		every, during := importsBehind, !w.writers.run.exists("manifest.json")
		if during {
			every = importsInside
		}
		if w.r.IntN(every) > 0 || during && inside >= mostInside {
			return 0, nil
		}
		inside++
		files, err := exportTable(ctx, w)
		if len(files) == 0 || err != nil { // another session has taken the table away, or changed it
			return 0, lost(err)
		}
		return importTable(ctx, w, files)
	}
}

// exportTable returns the contents of the files of a table with a row that is new, by their endings.
func exportTable(ctx context.Context, w *writer) (map[string][]byte, error) {
	for _, s := range []string{
		importedTable("exported"), fmt.Sprintf("REPLACE INTO `shop`.`exported` (id, v) VALUES (%d, 'exported')", w.r.IntN(500)), "FLUSH TABLES `shop`.`exported` FOR EXPORT",
	} {
		if err := w.exec(ctx, s); err != nil {
			return nil, err
		}
	}
	files := map[string][]byte{}
	for _, ending := range []string{".ibd", ".cfg"} {
		content, err := os.ReadFile(w.tableFile("exported" + ending))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err == nil {
			files[ending] = content
		}
	}
	return files, w.exec(ctx, "UNLOCK TABLES")
}

// importTable puts them in the place of another table's.
func importTable(ctx context.Context, w *writer, files map[string][]byte) (int, error) {
	for _, s := range []string{importedTable("imported"), "ALTER TABLE `shop`.`imported` DISCARD TABLESPACE"} {
		if err := w.exec(ctx, s); err != nil {
			return 0, lost(err)
		}
	}
	for ending, content := range files {
		if err := os.WriteFile(w.tableFile("imported"+ending), content, 0o640); err != nil {
			return 0, err
		}
	}
	err := w.exec(ctx, "ALTER TABLE `shop`.`imported` IMPORT TABLESPACE")
	if err == nil {
		return 1, nil
	}
	if isLost(err) {
		return 0, err
	}
	// Another session has changed one of the two: without its file the table is of no use.
	if err := lost(w.exec(ctx, "DROP TABLE `shop`.`imported`")); err != nil {
		return 0, err
	}
	for ending := range files {
		if err := os.Remove(w.tableFile("imported" + ending)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
	}
	return 0, nil
}

// dropDiscarded drops tables that wait for an IMPORT which never comes: another session has renamed them in front of it. They have no rows
// that could be compared.
func (h *run) dropDiscarded(ctx context.Context) error {
	const discarded = 1814
	if !h.features.has(importing.Name) {
		return nil
	}
	list, err := h.tablesOfShop(ctx)
	if err != nil {
		return err
	}
	for _, table := range list {
		var one int
		err := h.source.QueryRowContext(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM "+table+" LIMIT 1) one").Scan(&one)
		if server.ErrorNumber(err) != discarded {
			continue
		}
		if _, err := h.source.ExecContext(ctx, "DROP TABLE "+table); err != nil {
			return fmt.Errorf("drop a table whose tablespace is discarded: %w", err)
		}
	}
	return nil
}

func (h *run) tablesOfShop(ctx context.Context) (list []string, err error) {
	rows, err := h.source.QueryContext(ctx, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA='shop' AND ENGINE='InnoDB'")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		list = append(list, schema.Name{Schema: "shop", Name: name}.Quoted())
	}
	return list, rows.Err()
}

// tableFile is a file of a table of the schema shop.
func (w *writer) tableFile(called string) string {
	return filepath.Join(w.writers.run.servers.Source.DataDir(), "shop", called)
}

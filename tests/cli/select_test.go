package cli

import (
	"bytes"
	"compress/gzip"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// backupResult is what scripts may rely on in the result of backup.
type backupResult struct {
	ID              string    `json:"backup_id"`
	Instance        string    `json:"instance"`
	Seconds         *float64  `json:"seconds"`
	Rows            *int64    `json:"rows"`
	BytesRead       *int64    `json:"bytes_read"`
	BytesStored     *int64    `json:"bytes_stored"`
	RecoverableFrom *position `json:"recoverable_from"`
	Tables          []struct {
		Schema string
		Name   string
		Class  string
		Rows   *int64
		Chunks *int64
		Window *struct{ Low, High *position }
		Again  []any `json:"read_again"`
	}
	NotBackedUp []any `json:"not_backed_up"`
}

func (r backupResult) check(t *testing.T) {
	t.Helper()
	if r.ID == "" || r.Instance != instance || r.Seconds == nil || r.Rows == nil || r.BytesRead == nil || r.BytesStored == nil || r.RecoverableFrom == nil {
		t.Fatalf("the result of backup lacks fields: %+v", r)
	}
	r.RecoverableFrom.check(t, "recoverable_from", "")
	rows := int64(0)
	for _, table := range r.Tables {
		w := table.Window
		if table.Rows == nil || table.Chunks == nil || w == nil || w.Low == nil || w.High == nil || w.Low.File == "" || w.High.Pos == 0 {
			t.Errorf("a table of the result lacks fields: %+v", table)
			continue
		}
		if !slices.Contains([]string{"keyed", "snapshot", "partial image", "non-transactional", "cascading", "no rows"}, table.Class) {
			t.Errorf("%s has class %q", table.Name, table.Class)
		}
		rows += *table.Rows
	}
	if rows != *r.Rows {
		t.Errorf("%d rows, the tables have %d", *r.Rows, rows)
	}
}

func (r backupResult) names() []string {
	var names []string
	for _, t := range r.Tables {
		names = append(names, t.Schema+"."+t.Name)
	}
	slices.Sort(names)
	return names
}

// selectable is a source with names that need care.
func selectable(t *testing.T) *mysqltest.Server {
	t.Helper()
	s := sourceServer(t)
	mysqltest.Exec(t, s, "CREATE DATABASE shop", "CREATE DATABASE `od``d.na*me`", "CREATE DATABASE other",
		"CREATE TABLE shop.orders (id INT PRIMARY KEY)", "CREATE TABLE shop.orders_old (id INT PRIMARY KEY)", "CREATE TABLE shop.items (id INT)",
		"CREATE TABLE `od``d.na*me`.`we``ird,ta?ble` (`co``l` INT PRIMARY KEY)", "CREATE TABLE `od``d.na*me`.`we``ird,taXble` (id INT PRIMARY KEY)",
		"CREATE TABLE other.t (id INT PRIMARY KEY)")
	for _, table := range []string{"shop.orders", "shop.orders_old", "shop.items", "`od``d.na*me`.`we``ird,ta?ble`", "`od``d.na*me`.`we``ird,taXble`", "other.t"} {
		mysqltest.Exec(t, s, "INSERT INTO "+table+" VALUES (1), (2), (3)")
	}
	return s
}

func TestSelection(t *testing.T) {
	source, target := selectable(t), mysqltest.Target(t)
	if _, err := target.CreateRestoreUser(t.Context(), shopSchema, oddSchema, "other"); err != nil {
		t.Fatal(err)
	}
	odd := "`od``d.na*me`.`we``ird,ta?ble`"
	for _, c := range []struct {
		flags []string
		want  []string
	}{
		{[]string{"--databases", "shop"}, []string{"shop.items", "shop.orders", "shop.orders_old"}},
		{[]string{"--databases", "shop,oth?r"}, []string{"other.t", "shop.items", "shop.orders", "shop.orders_old"}},
		{[]string{"--databases", "`od``d.na*me`"}, []string{"od`d.na*me.we`ird,ta?ble", "od`d.na*me.we`ird,taXble"}},
		{[]string{"--tables", "shop.orders"}, []string{"shop.orders"}},
		{[]string{"--tables", "shop.orders*,other.t"}, []string{"other.t", "shop.orders", "shop.orders_old"}},
		{[]string{"--tables", odd}, []string{"od`d.na*me.we`ird,ta?ble"}},
		{[]string{"--tables", odd + ",shop.items"}, []string{"od`d.na*me.we`ird,ta?ble", "shop.items"}},
		{[]string{"--exclude", "shop,other.t"}, []string{"od`d.na*me.we`ird,ta?ble", "od`d.na*me.we`ird,taXble"}},
		{[]string{"--databases", "shop", "--exclude", "shop.*_old"}, []string{"shop.items", "shop.orders"}},
		{[]string{"--databases", "shop", "--tables", "other.t", "--exclude", "shop.items"}, []string{"other.t", "shop.orders", "shop.orders_old"}},
		{[]string{"--tables", "shop.orders", "--tables", "shop.items"}, []string{"shop.items", "shop.orders"}},
	} {
		t.Run(strings.Join(c.flags, " "), func(t *testing.T) {
			d := newDesk(t)
			var result backupResult
			d.must(&result, d.source("backup", source, c.flags...)...)
			result.check(t)
			if got := result.names(); !slices.Equal(got, c.want) {
				t.Errorf("backed up %q, want %q", got, c.want)
			}
			// A change that the selection leaves out must not come back by the log.
			mysqltest.Exec(t, source, "INSERT INTO shop.orders VALUES (4)", "DELETE FROM shop.orders WHERE id = 4", "UPDATE other.t SET id = id + 10 WHERE id = 3", "UPDATE other.t SET id = 3 WHERE id = 13")
			d.works(d.source("archive", source, "--until-idle")...)
			d.works(d.restore(target)...)
			rows, err := target.Root().QueryContext(t.Context(), "SELECT CONCAT(table_schema, '.', table_name) FROM information_schema.tables WHERE table_schema IN (?, ?, 'other') ORDER BY 1", shopSchema, oddSchema)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			var restored []string
			for rows.Next() {
				var name string
				if err := rows.Scan(&name); err != nil {
					t.Fatal(err)
				}
				restored = append(restored, name)
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			slices.Sort(restored)
			if !slices.Equal(restored, c.want) {
				t.Errorf("restored %q, want %q", restored, c.want)
			}
			emptyTarget(t, target)
			mysqltest.Exec(t, target, "DROP DATABASE IF EXISTS other")
		})
	}
}

// A filter that matches nothing is a slip of the pen: no backup of nothing is made.
func TestSelectionOfNothing(t *testing.T) {
	source := selectable(t)
	d := newDesk(t)
	for _, flags := range [][]string{{"--tables", "shop.ordrs"}, {"--databases", "shpo"}, {"--databases", "SHOP"}, {"--tables", "shop.orders,shop.nothing*"}} {
		named := flags[1]
		if _, last, several := strings.Cut(named, ","); several {
			named = last
		}
		d.refused(refusal{code: 2, kind: "usage", says: []string{named}}, d.source("backup", source, flags...)...)
	}
	d.refused(refusal{code: 2, kind: "usage", says: []string{"nothing"}}, d.source("backup", source, "--exclude", "*")...)
	if found := d.manifests(); len(found) != 0 {
		t.Errorf("backups of nothing: %v", found)
	}
	d.works(d.source("backup", source, "--tables", "shop.orders")...)
}

func TestCompress(t *testing.T) {
	source, target := sourceServer(t), targetServer(t)
	mysqltest.Exec(t, source, "CREATE DATABASE shop", "USE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY AUTO_INCREMENT, b VARBINARY(60), v TEXT, n DOUBLE)",
		"INSERT INTO shop.t (b, v, n) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT RANDOM_BYTES(1 + i % 60), CONCAT('a\\tb\\n\\\\N', i, '\\0\\''), i / 7 FROM n",
		"INSERT INTO shop.t (b, v, n) VALUES (NULL, NULL, NULL), ('', '', 0)")
	want, err := takeMoment(t.Context(), source.Root())
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t)
	texts := map[string]string{}
	for compression, suffix := range map[string]string{"zstd": ".tsv.zst", "gzip": ".tsv.gz", "none": ".tsv"} {
		t.Run(compression, func(t *testing.T) {
			d := *d
			d.t = t
			var result backupResult
			d.must(&result, d.source("backup", source, "--compress", compression)...)
			result.check(t)
			data := filepath.Join(d.storeFolder(), instance, "backups", result.ID, "data", "shop", "t")
			chunks := find(t, data, "*")
			if len(chunks) == 0 {
				t.Fatal("no chunks")
			}
			var text bytes.Buffer
			for _, chunk := range chunks {
				if name := filepath.Base(chunk); !strings.HasSuffix(name, suffix) || strings.Count(name, ".") != strings.Count(suffix, ".") {
					t.Errorf("a chunk is called %s", name)
				}
				text.Write(plain(t, compression, read(t, chunk)))
			}
			texts[compression] = text.String()
			emptyTarget(t, target)
			d.works(d.restore(target, "--backup", result.ID)...)
			want.equals(t, target, "a backup with --compress "+compression)
		})
	}
	if texts["zstd"] == "" || texts["zstd"] != texts["gzip"] || texts["zstd"] != texts["none"] {
		t.Errorf("the chunks' text depends on the compression: %d, %d, %d bytes", len(texts["zstd"]), len(texts["gzip"]), len(texts["none"]))
	}
}

// plain decompresses with other programs' means.
func plain(t *testing.T, compression string, stored []byte) []byte {
	t.Helper()
	var reader io.Reader = bytes.NewReader(stored)
	switch compression {
	case "gzip":
		r, err := gzip.NewReader(reader)
		if err != nil {
			t.Fatal(err)
		}
		reader = r
	case "zstd":
		r, err := zstd.NewReader(reader, zstd.WithDecoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		reader = r
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

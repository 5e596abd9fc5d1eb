package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestAPartReadsLess: closed binlog files have an index, by which anybody who has zstd gets the
// server's file back, and by which the restore of one table leaves out what it is not in. Plan and
// result say how many bytes that is.
func TestAPartReadsLess(t *testing.T) {
	source, target, d := sourceServer(t), targetServer(t), newDesk(t)
	mysqltest.Exec(t, source, "CREATE DATABASE shop", "CREATE TABLE shop.small (id INT PRIMARY KEY)", "CREATE TABLE shop.large (id INT PRIMARY KEY, v LONGBLOB)")
	d.works(d.source("backup", source)...)
	for n := range 100 {
		mysqltest.Exec(t, source, fmt.Sprintf("INSERT INTO shop.large VALUES (%d, CONCAT(%s RANDOM_BYTES(1024)))", n, strings.Repeat("RANDOM_BYTES(1024), ", 20)))
	}
	mysqltest.Exec(t, source, "INSERT INTO shop.small VALUES (1)", "FLUSH BINARY LOGS", "INSERT INTO shop.small VALUES (2)")
	d.works(d.source("archive", source, "--until-idle", "--segment-size", "64KiB")...)

	d.works("verify", "--store", d.store(), "--deep")

	indexes := find(t, d.storeFolder(), filepath.Join(instance, "binlog", "*", "*", "index.json"))
	if len(indexes) == 0 {
		t.Fatal("no closed file has an index")
	}
	path := indexes[len(indexes)-1]
	var index struct {
		File    string
		Objects []struct{ Name string }
	}
	if err := json.Unmarshal(read(t, path), &index); err != nil || len(index.Objects) == 0 {
		t.Fatalf("%s: %v, %d objects", path, err, len(index.Objects))
	}
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	var file []byte
	for _, o := range index.Objects {
		if file, err = decoder.DecodeAll(read(t, filepath.Join(filepath.Dir(path), o.Name)), file); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(filepath.Join(source.DataDir(), index.File))
	if err != nil || !bytes.Equal(file[22:], want[22:]) { // in front of it is the flag of an open file
		t.Errorf("the objects of the index are %d bytes, %s has %d: %v", len(file), index.File, len(want), err)
	}

	type bytesRead struct {
		BytesRead struct{ Backup, Archive int64 } `json:"bytes_read"`
	}
	type plan struct {
		Replay struct {
			BytesStored int64 `json:"bytes_stored"`
		}
	}
	var all, part bytesRead
	var allPlan, partPlan plan
	only := []string{"--tables", "shop.small"}
	d.must(&allPlan, d.restore(target, "--dry-run")...)
	d.must(&partPlan, d.restore(target, append(only, "--dry-run")...)...)
	d.must(&all, d.restore(target)...)
	emptyTarget(t, target)
	d.must(&part, d.restore(target, only...)...)
	if part.BytesRead.Backup == 0 || part.BytesRead.Archive == 0 || part.BytesRead.Backup > all.BytesRead.Backup || part.BytesRead.Archive*2 > all.BytesRead.Archive {
		t.Errorf("one table reads %v, all %v", part, all)
	}
	if partPlan.Replay.BytesStored == 0 || partPlan.Replay.BytesStored*2 > allPlan.Replay.BytesStored || allPlan.Replay.BytesStored < 2<<20 {
		t.Errorf("the plan of one table reads %v, of all %v", partPlan, allPlan)
	}
	emptyTarget(t, target)
	if o := d.run(d.restore(target, append(only, "--dry-run")...)...); !strings.Contains(o.Stdout, "  reads   ") {
		t.Errorf("the plan does not say what it reads:\n%s", o)
	}
}

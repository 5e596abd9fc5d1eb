package pitr

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/storage/catalog"
)

// archiveSmall is archive with small segments.
func (s *story) archiveSmall() {
	s.Helper()
	_, err := archive.Run(s.Context(), archive.Config{
		Server: s.from, Catalog: s.catalog, Instance: instance, SpoolDir: s.spool, UntilIdle: true, FromOldest: true, SegmentSize: 32 << 10,
	})
	s.must(err)
}

// dropIndexes takes away what archivers have done for closed files: their indexes and their large
// segments.
func (s *story) dropIndexes() {
	s.Helper()
	timelines, err := s.catalog.Timelines(s.Context(), instance)
	s.must(err)
	files, err := s.catalog.Files(s.Context(), instance, timelines[0])
	s.must(err)
	for _, file := range files[:len(files)-1] {
		x, err := s.catalog.Index(s.Context(), instance, timelines[0], file)
		s.must(err)
		refs, err := s.catalog.Segments(s.Context(), instance, timelines[0], file, 0)
		s.must(err)
		for _, large := range x.Refs(instance) {
			if slices.ContainsFunc(refs, func(r catalog.SegmentRef) bool { return r.Start == large.Start && r.End < large.End }) {
				s.must(s.catalog.DeleteSegment(s.Context(), large))
			}
		}
		s.must(s.catalog.Bucket().Delete(s.Context(), catalog.IndexKey(instance, timelines[0], file)))
	}
}

// wantsOnly leaves the objects of one table, and of the schema.
func wantsOnly(contents []string, table string) []string {
	return slices.DeleteFunc(slices.Clone(contents), func(line string) bool {
		return !strings.HasPrefix(line, "schema ") && !strings.HasPrefix(line, "table "+table+" ") && !strings.HasPrefix(line, table+": ")
	})
}

// TestRestoreOfOneTableReadsFewerBytes: by the index, and by the frames in front of segments where
// there is none, the restore of one table of many leaves out what it is not in, and is the same; a
// plan need not read the rows of a whole restore either.
func TestRestoreOfOneTableReadsFewerBytes(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d")
	for i := range 8 {
		s.on(fmt.Sprintf("CREATE TABLE d.t%d (id INT PRIMARY KEY, v LONGBLOB)", i), fmt.Sprintf("INSERT INTO d.t%d VALUES (1, RANDOM_BYTES(1024)), (2, RANDOM_BYTES(1024)), (3, RANDOM_BYTES(1024)), (4, RANDOM_BYTES(1024))", i))
	}
	b := s.begin()
	b.schema("d")
	for i := range 8 {
		b.table(fmt.Sprintf("d.t%d", i), "")
	}
	b.end()
	one := 0 // transactions on t0
	for round := range 6 {
		for n := range 200 {
			table := 1 + rand.IntN(7)
			s.on(fmt.Sprintf("REPLACE INTO d.t%d (id, v) VALUES (%d, CONCAT(RANDOM_BYTES(1024), RANDOM_BYTES(1024), RANDOM_BYTES(1024), RANDOM_BYTES(1024))), (%d, CONCAT(RANDOM_BYTES(1024), RANDOM_BYTES(1024), RANDOM_BYTES(1024), RANDOM_BYTES(1024)))", table, n, n+1))
		}
		// One transaction over several segments, which touches t0 in its middle, and one that does not.
		for _, middle := range []string{"INSERT INTO d.t0 (id, v) VALUES (%d, 'in the middle')", "INSERT INTO d.t4 (id, v) VALUES (%d, 'in the middle')"} {
			large := []string{"SET SESSION binlog_transaction_compression = OFF", "BEGIN"}
			for n := range 60 {
				if n == 30 {
					large = append(large, fmt.Sprintf(middle, 1000+round))
				}
				large = append(large, fmt.Sprintf("REPLACE INTO d.t2 (id, v) VALUES (%d, RANDOM_BYTES(1000))", n))
			}
			s.on(append(large, "COMMIT")...)
		}
		s.on(fmt.Sprintf("ALTER TABLE d.t3 ADD c%d INT", round), fmt.Sprintf("INSERT INTO d.t0 (id, v) VALUES (%d, 'more')", 10+round))
		one += 2
		if round == 3 {
			s.on("ALTER TABLE d.t0 ADD w INT DEFAULT 7", "RENAME TABLE d.t5 TO d.away, d.t6 TO d.t5, d.away TO d.t6")
		}
		if round%2 == 1 {
			s.on("FLUSH BINARY LOGS")
		}
		s.archiveSmall() // and puts together what is closed
	}
	s.on("ALTER TABLE d.t0 ADD x INT", "INSERT INTO d.t0 VALUES (100, 'last', 1, 2)")
	one++
	// What this version replays shows in every way.
	all := s.contents(s.source, "d")
	whole, everything, err := s.restore(Wish{})
	s.must(err)
	s.equal(all, "d")
	if whole.Replay.Transactions != everything.TransactionsReplayed || whole.Replay.Statements != everything.StatementsReplayed {
		t.Errorf("plan %+v, result %+v", whole.Replay, everything)
	}
	c := Config{Catalog: s.catalog, Target: s.into, Program: "test"}
	for _, indexed := range []bool{true, false} {
		plan, err := MakePlan(t.Context(), c, Wish{Instance: instance, Force: true, Selection: catalog.Selection{Tables: []string{"d.t0"}}})
		s.must(err)
		part, err := Run(t.Context(), c, plan)
		s.must(err)
		s.drop("d.t1", "d.t2", "d.t3", "d.t4", "d.t5", "d.t6", "d.t7")
		s.equal(wantsOnly(all, "d.t0"), "d")
		if part.TransactionsReplayed != uint64(one) || plan.Replay.Transactions != uint64(one) || part.StatementsReplayed != 2 || plan.Replay.Bytes+4096 < whole.Replay.Bytes || plan.Replay.Bytes > whole.Replay.Bytes+4096 {
			t.Errorf("indexed %v: plan %+v, whole %+v, result %+v, want %d transactions", indexed, plan.Replay, whole.Replay, part, one)
		}
		t.Logf("indexed %v: %d of %d stored bytes planned, %+v of %+v read", indexed, plan.Replay.BytesStored, whole.Replay.BytesStored, part.BytesRead, everything.BytesRead)
		// A part reads what it needs three times: to find what its tables descend from, for the plan, and to
		// replay it; beside that indexes and headers.
		if part.BytesRead.Archive > 3*int64(plan.Replay.BytesStored)+everything.BytesRead.Archive/5 || part.BytesRead.Backup*2 > everything.BytesRead.Backup || plan.Replay.BytesStored*2 > whole.Replay.BytesStored {
			t.Errorf("indexed %v: one table reads %+v, all %+v", indexed, part.BytesRead, everything.BytesRead)
		}
		if indexed {
			s.dropIndexes()
		}
	}
}

// drop takes tables off the target.
func (s *story) drop(tables ...string) {
	s.Helper()
	mysqltest.Exec(s.T, s.dest, "DROP TABLE IF EXISTS "+strings.Join(tables, ", "))
}

// TestPlanDoesNotReadRows: what a plan says of a restore of everything it says from the index.
func TestPlanDoesNotReadRows(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v LONGBLOB)", "CREATE TABLE d.u (v LONGBLOB)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.table("d.u", "")
	b.end()
	for n := range 200 {
		s.on(fmt.Sprintf("INSERT INTO d.t VALUES (%d, RANDOM_BYTES(1024))", n))
	}
	s.on("BEGIN", "INSERT INTO d.u VALUES (REPEAT('x', 200000))", "INSERT INTO d.u VALUES ('y')", "COMMIT", "DELETE FROM d.u", "FLUSH BINARY LOGS")
	s.archiveSmall()
	c := Config{Catalog: s.catalog, Target: s.into, Program: "test"}
	plan, err := MakePlan(t.Context(), c, Wish{Instance: instance})
	s.must(err)
	if read := plan.reads.bytes().Archive; read*2 > int64(plan.Replay.BytesStored) || plan.Replay.BytesStored < 200*1024 || plan.Replay.Transactions != 202 {
		t.Errorf("plan %+v read %d bytes of the archive", plan.Replay, read)
	}
	manifest, err := s.catalog.Manifest(t.Context(), instance, plan.BackupID)
	s.must(err)
	largest := func() uint64 {
		d, err := director.New(manifest, director.Scope{}, nil)
		s.must(err)
		scan := newScan(d, nil, nil, 0)
		s.must(scan.run(t.Context(), archive.Open(s.catalog, instance), spanOf(manifest, plan.Stop.Position), c.progress().Begin("plan", progress.Amount{})))
		return scan.sizes.largest
	}
	byIndex := largest()
	// An index without contents, as it is of an archive of unknown segments, has everything read.
	x, err := s.catalog.Index(t.Context(), instance, plan.From.Timeline, plan.From.File)
	s.must(err)
	for i := range x.Segments {
		x.Segments[i].Content = nil
	}
	s.must(s.catalog.PutIndex(t.Context(), instance, x))
	read, err := MakePlan(t.Context(), c, Wish{Instance: instance})
	s.must(err)
	if read.Replay != plan.Replay || largest() < 400000 || byIndex < 400000 { // both say what it may be at most
		t.Errorf("plan by the index %+v, largest %d; by the events %+v, largest %d", plan.Replay, byIndex, read.Replay, largest())
	}
	if read.reads.bytes().Archive < int64(read.Replay.BytesStored) {
		t.Errorf("the plan read %d bytes", read.reads.bytes().Archive)
	}
}

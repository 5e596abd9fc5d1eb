package archive_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// archivedHistory archives a few files, with entries larger than a segment, and returns the entries.
func archivedHistory(t testing.TB, o mysqltest.Options) (*site, []*event.Entry) {
	t.Helper()
	return archivedInParts(t, o, 1)
}

// archivedInParts is the same in several segments, however quick its writes are.
func archivedInParts(t testing.TB, o mysqltest.Options, parts int) (*site, []*event.Entry) {
	t.Helper()
	s := newSite(t, mysqltest.Take(t, o))
	r := s.start(t, s.config(t))
	s.untilIdleBeside(t, r) // else a slow one begins with a later file
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY AUTO_INCREMENT, b LONGBLOB)")
	const writes = 160
	for i := range writes {
		if err := write(t.Context(), s.source.Root(), i); err != nil {
			t.Fatal(err)
		}
		if (i+1)%(writes/parts) == 0 {
			s.untilIdleBeside(t, r)
		}
	}
	r.stop(t)
	s.untilIdle(t, nil) // as_of behind the last commit
	return s, s.readAll(t)
}

func (s *site) resolve(t testing.TB, stop binlog.StopPoint) (binlog.Point, error) {
	t.Helper()
	return s.reader().Resolve(t.Context(), stop, binlog.GTIDSet{})
}

func commitOf(e *event.Entry) binlog.Time {
	if e.CommitTime != 0 {
		return e.CommitTime
	}
	return binlog.Time(e.Timestamp) * 1_000_000
}

// firstLater is the plain meaning of --to-time.
func firstLater(entries []*event.Entry, t binlog.Time) int {
	return slices.IndexFunc(entries, func(e *event.Entry) bool { return commitOf(e) > t })
}

func TestStopTimes(t *testing.T) {
	s, entries := archivedHistory(t, mysqltest.Options{GTID: true, Relaxed: true})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	asOf := s.line(t)[0].AsOf
	for range 40 {
		at := commitOf(entries[random.IntN(len(entries))]) + binlog.Time(random.IntN(3)-1)
		got, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopTime, Time: at})
		if err != nil {
			t.Fatal(err)
		}
		want := s.line(t)[0].To.Position
		if n := firstLater(entries, at); n >= 0 {
			want = entries[n].Start
		}
		if got.Position != want {
			t.Errorf("%s resolved to %s, want %s", at, got.Position, want)
		}
	}
	for _, at := range []binlog.Time{asOf, asOf - 1, commitOf(entries[len(entries)-1])} {
		if got, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopTime, Time: at}); err != nil || got.Position != entries[len(entries)-1].End {
			t.Errorf("%s resolved to %s: %v", at, got, err)
		}
	}
	_, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopTime, Time: asOf + 1})
	wantFault(t, err, fault.CodeRange, fault.KindRange)
	if !strings.Contains(err.Error(), asOf.String()) {
		t.Errorf("the message does not name as_of: %v", err)
	}
	_, err = s.resolve(t, binlog.StopPoint{Kind: binlog.StopTime, Time: 1})
	wantFault(t, err, fault.CodeRange, fault.KindRange)
	// Right behind the file's beginning nothing was committed yet.
	began := commitOf(entries[0]) - 1
	if got, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopTime, Time: began}); err != nil || got.Position != entries[0].Start {
		t.Errorf("%s resolved to %v: %v", began, got, err)
	}
}

// A stop point in front of a file's first entry knows when the last entry of the files before was committed.
func TestStopAtAFilesStartKnowsItsTime(t *testing.T) {
	s, entries := archivedHistory(t, mysqltest.Options{GTID: true, Relaxed: true})
	starts := 0
	for n := 1; n < len(entries); n++ {
		e, last := entries[n], commitOf(entries[n-1])
		if e.Start.File == entries[n-1].Start.File {
			continue
		}
		starts++
		for _, stop := range []binlog.StopPoint{
			{Kind: binlog.StopTime, Time: commitOf(e) - 1},
			{Kind: binlog.StopBeforeGTID, GTIDs: mustSet(t, e.GTID.String())},
		} {
			if got, err := s.resolve(t, stop); err != nil || got.Position != e.Start || got.Time != last {
				t.Errorf("%s resolved to %+v, want %s at %s: %v", stop, got, e.Start, last, err)
			}
		}
	}
	if starts == 0 {
		t.Error("the history has one file only")
	}
}

func TestStopGTIDs(t *testing.T) {
	s, entries := archivedHistory(t, mysqltest.Options{GTID: true, Relaxed: true})
	for n := 0; n < len(entries); n += 13 {
		e := entries[n]
		set := mustSet(t, e.GTID.String())
		got, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopGTID, GTIDs: set})
		if err != nil || got.Position != e.End || got.Time != e.CommitTime {
			t.Fatalf("%s resolved to %+v, want %s: %v", set, got, e.End, err)
		}
		executed := mustSet(t, got.GTIDSet)
		if !executed.Contains(e.GTID) || n+1 < len(entries) && executed.Contains(entries[n+1].GTID) {
			t.Errorf("executed at %s: %s", set, executed)
		}
		if got, err = s.resolve(t, binlog.StopPoint{Kind: binlog.StopBeforeGTID, GTIDs: set}); err != nil || got.Position != e.Start {
			t.Errorf("before %s resolved to %+v, want %s: %v", set, got, e.Start, err)
		}
		// The last of a set counts, in archive order.
		set.AddSet(mustSet(t, entries[n/2].GTID.String()))
		if got, err = s.resolve(t, binlog.StopPoint{Kind: binlog.StopGTID, GTIDs: set}); err != nil || got.Position != e.End {
			t.Errorf("%s resolved to %+v, want %s: %v", set, got, e.End, err)
		}
	}
	foreign := mustSet(t, "3e11fa47-71ca-11e1-9e33-c80aa9429562:7")
	for _, kind := range []binlog.StopKind{binlog.StopGTID, binlog.StopBeforeGTID} {
		_, err := s.resolve(t, binlog.StopPoint{Kind: kind, GTIDs: foreign})
		wantFault(t, err, fault.CodeRange, fault.KindRange)
	}
	both := foreign.Clone()
	both.AddSet(mustSet(t, entries[5].GTID.String()))
	if _, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopGTID, GTIDs: both}); fault.Of(err).Code != fault.CodeRange {
		t.Errorf("a GTID that is nowhere: %v", err)
	}
	// What a backup's lows hold counts as applied.
	got, err := s.reader().Resolve(t.Context(), binlog.StopPoint{Kind: binlog.StopGTID, GTIDs: both}, foreign)
	if err != nil || got.Position != entries[5].End {
		t.Errorf("with the foreign one applied: %+v: %v", got, err)
	}
	// What the lows of a newer backup hold may be what an older one serves: it is where it is.
	early := mustSet(t, entries[5].GTID.String())
	got, err = s.reader().Resolve(t.Context(), binlog.StopPoint{Kind: binlog.StopGTID, GTIDs: early}, early)
	if err != nil || got.Position != entries[5].End {
		t.Errorf("%s, which is applied: %+v: %v", early, got, err)
	}
	_, err = s.reader().Resolve(t.Context(), binlog.StopPoint{Kind: binlog.StopGTID, GTIDs: foreign}, foreign)
	wantFault(t, err, fault.CodeRange, fault.KindRange)
	var outside *archive.OutsideError
	if !errors.As(err, &outside) || len(outside.Line) != 1 || !strings.Contains(err.Error(), "before everything that is archived") {
		t.Errorf("a GTID that only a backup holds: %v", err)
	}
	_, err = s.resolve(t, binlog.StopPoint{Kind: binlog.StopBeforeGTID, GTIDs: both})
	wantFault(t, err, fault.CodeUsage, fault.KindUsage)
}

func mustSet(t testing.TB, text string) binlog.GTIDSet {
	t.Helper()
	set, err := binlog.ParseGTIDSet(text)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestStopPositions(t *testing.T) {
	for _, gtid := range []bool{true, false} {
		t.Run(fmt.Sprintf("GTID %v", gtid), func(t *testing.T) {
			s, entries := archivedHistory(t, mysqltest.Options{GTID: gtid, Relaxed: true})
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 0))
			for range 15 {
				n := random.IntN(len(entries))
				e := entries[n]
				inside := e.Start
				inside.Pos += random.Uint64N(e.End.Pos - e.Start.Pos)
				for at, want := range map[binlog.Position]binlog.Position{e.End: e.End, inside: e.Start} {
					at.Timeline = ""
					got, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopPosition, Position: at})
					if err != nil || got.Position != want {
						t.Errorf("%s resolved to %s, want %s: %v", at, got.Position, want, err)
					}
				}
			}
			last := entries[len(entries)-1].End
			if got, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopEnd}); err != nil || got.Position != last || got.GTIDSet == "" == gtid {
				t.Errorf("the end is %+v, want %s: %v", got, last, err)
			}
			beyond := last
			beyond.Pos++
			for _, p := range []binlog.Position{beyond, {File: "binlog.000099", Pos: 4}, {Timeline: "other", File: last.File, Pos: 4}} {
				_, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopPosition, Position: p})
				wantFault(t, err, fault.CodeRange, fault.KindRange)
				if !strings.Contains(err.Error(), last.String()) {
					t.Errorf("the message does not say the range: %v", err)
				}
			}
		})
	}
}

func TestStopPointsAroundANewTimeline(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY)", "INSERT INTO w.t VALUES (1)")
	first := s.untilIdle(t, nil)
	mysqltest.Exec(t, s.source, "INSERT INTO w.t VALUES (2)", "RESET BINARY LOGS AND GTIDS", "INSERT INTO w.t VALUES (3)")
	second := s.untilIdle(t, func(c *archive.Config) { c.NewTimeline = true })

	file := binlog.Position{File: first.End.File, Pos: first.End.Pos}
	_, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopPosition, Position: file})
	wantFault(t, err, fault.CodeUsage, fault.KindUsage) // the file is in both
	file.Timeline = first.End.Timeline
	if got, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopPosition, Position: file}); err != nil || got.Position != first.End.Position {
		t.Errorf("%s resolved to %v: %v", file, got, err)
	}
	for at, want := range map[binlog.Time]binlog.Position{
		first.End.Time: first.End.Position, first.AsOf: first.End.Position, second.End.Time: second.End.Position, second.AsOf: second.End.Position,
	} {
		if got, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopTime, Time: at}); err != nil || got.Position != want {
			t.Errorf("%s resolved to %v, want %s: %v", at, got, want, err)
		}
	}
	_, err = s.resolve(t, binlog.StopPoint{Kind: binlog.StopTime, Time: first.AsOf + 1})
	wantFault(t, err, fault.CodeRange, fault.KindHole)
}

// W4: a range counts as covered only when every byte of it is in the archive.
func TestW4CoversOnlyWhatIsArchived(t *testing.T) {
	s, entries := archivedHistory(t, mysqltest.Options{GTID: true, Relaxed: true})
	first, last := entries[0].Start, entries[len(entries)-1].End
	covers := func(from, to binlog.Position) error { return s.reader().Covers(t.Context(), from, to) }
	for n := 0; n < len(entries); n += 10 {
		if err := covers(entries[n].Start, last); err != nil {
			t.Fatal(err)
		}
		if err := covers(first, entries[n].End); err != nil {
			t.Fatal(err)
		}
	}
	beyond := last
	beyond.Pos++
	nextFile := binlog.Position{Timeline: last.Timeline, File: "binlog.000099", Pos: 4}
	before := binlog.Position{Timeline: last.Timeline, File: "binlog.000000", Pos: 4}
	for _, c := range [][2]binlog.Position{{first, beyond}, {first, nextFile}, {before, last}, {beyond, beyond}} {
		err := covers(c[0], c[1])
		wantFault(t, err, fault.CodeRange, fault.KindRange)
		if !errors.Is(err, archive.ErrNotArchived) {
			t.Errorf("%s to %s: %v", c[0], c[1], err)
		}
	}
}

// W4: with any one of its segments gone, or any one altered, no range over it is taken for whole.
func TestW4MissingSegmentsAreFound(t *testing.T) {
	s, entries := archivedHistory(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.missingSegmentsAreFound(t, entries)
	s.compact(t, 0)
	s.compact(t, anHour)
	s.missingSegmentsAreFound(t, entries)
}

func (s *site) missingSegmentsAreFound(t *testing.T, entries []*event.Entry) {
	t.Helper()
	first, last := entries[0].Start, entries[len(entries)-1].End
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	keys := s.segmentKeys(t)
	for n, key := range keys {
		if n > 0 && n < len(keys)-1 && random.IntN(len(keys)) > 12 {
			continue // the first, the last, and some between
		}
		data := s.take(t, key)
		if err := s.reader().Covers(t.Context(), first, last); err == nil {
			t.Errorf("without %s the archive counts as whole", key)
		}
		if err := s.walk(t.Context(), binlog.Position{Timeline: first.Timeline, File: first.File}); fault.Of(err) == nil {
			t.Errorf("without %s events end without an error", key)
		} else if code := fault.Of(err).Code; code != fault.CodeDifference && code != fault.CodeRange || code == fault.CodeRange && n > 0 {
			t.Errorf("without %s: %v", key, err)
		}
		s.put(t, key, data)
	}
	if err := s.walk(t.Context(), binlog.Position{Timeline: first.Timeline, File: first.File}); err != nil {
		t.Error(err)
	}
}

func TestDamagedSegmentsAreFoundBeforeTheirFirstEvent(t *testing.T) {
	s, entries := archivedHistory(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.damagedSegmentsAreFound(t, entries)
	s.compact(t, 0)
	s.compact(t, anHour)
	s.damagedSegmentsAreFound(t, entries)
}

func (s *site) damagedSegmentsAreFound(t *testing.T, entries []*event.Entry) {
	t.Helper()
	first := binlog.Position{Timeline: entries[0].Start.Timeline, File: entries[0].Start.File}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	keys := s.segmentKeys(t)
	for range 20 {
		n := random.IntN(len(keys))
		data := s.take(t, keys[n])
		damaged := slices.Clone(data)
		if random.IntN(2) == 0 {
			damaged = damaged[:random.IntN(len(damaged))]
		} else {
			damaged[random.IntN(len(damaged))] ^= byte(1 + random.IntN(255))
		}
		s.put(t, keys[n], damaged)
		err := s.walk(t.Context(), first)
		if f := fault.Of(err); f == nil || f.Code != fault.CodeDifference && f.Kind != fault.KindVersion || !strings.Contains(err.Error(), keys[n]) {
			t.Errorf("damaged %s: %v", keys[n], err)
		}
		s.put(t, keys[n], data)
	}
	// A segment of the right form in the wrong place.
	data := s.take(t, keys[0])
	s.put(t, keys[0], s.read(t, keys[1]))
	wantFault(t, s.walk(t.Context(), first), fault.CodeDifference, fault.KindIntegrity)
	s.put(t, keys[0], data)
}

// walk reads all events from a position on.
func (s *site) walk(ctx context.Context, from binlog.Position) error {
	for _, err := range s.reader().Events(ctx, from) {
		if err != nil {
			return err
		}
	}
	return nil
}

package cli

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Every way to name a stop point, each with the moment that it means.
func TestStopPoints(t *testing.T) {
	story, target := tell(t), targetServer(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	m := story.moments
	commitOf := func(name string) time.Time {
		t.Helper()
		at, known := story.commits[m[name].last]
		if !known {
			t.Fatalf("mysqlbinlog tells no commit time of %s", m[name].last)
		}
		return at
	}
	utc := func(at time.Time) string { return at.Format(microseconds) }
	second := m["in the second"].time.Truncate(time.Second)
	east := time.FixedZone("", 5*3600+1800)
	inTimeline := func(position string) string { return story.timeline + "/" + position }
	offset := func(name string, by int) string {
		return m[name].file + ":" + strconv.FormatUint(m[name].pos+uint64(by), 10)
	}
	for _, c := range []struct{ flag, value, moment string }{
		{"", "", "end"},
		{"--to-time", m["backup"].at(), "backup"},
		{"--to-time", m["altered"].at(), "altered"},
		{"--to-time", m["passing"].at(), "passing"},
		{"--to-time", m["dropped"].at(), "dropped"},
		{"--to-time", utc(commitOf("first")), "first"},                              // inclusive
		{"--to-time", utc(commitOf("in the second")), "in the second"},              // inclusive
		{"--to-time", utc(commitOf("in the second").Add(-time.Microsecond)), "odd"}, // and sharp
		{"--to-time", second.Format("2006-01-02T15:04:05Z"), "end of the second"},   // the end of that second
		{"--to-time", second.Format("2006-01-02T15:04:05"), "end of the second"},    // UTC
		{"--to-time", second.In(east).Format(time.RFC3339), "end of the second"},    // an offset
		{"--to-time", second.Format("2006-01-02T15:04:05.000000Z"), "odd"},          // a fraction is exact
		{"--to-time", story.began.Format(microseconds), "end"},                      // between the last commit and as_of
		{"--to-gtid", m["first"].gtids, "first"},
		{"--to-gtid", m["second file"].last, "second file"},
		{"--to-gtid", m["dropped"].last, "dropped"},
		{"--to-gtid", m["end"].gtids, "end"},
		{"--before-gtid", m["in the second"].last, "odd"},
		{"--before-gtid", m["behind the second"].last, "end of the second"},
		{"--to-position", m["first"].position(), "first"},
		{"--to-position", inTimeline(m["altered"].position()), "altered"},
		{"--to-position", offset("end of the second", 20), "end of the second"}, // inside a transaction
		{"--to-position", inTimeline(m["end"].position()), "end"},
	} {
		t.Run(strings.TrimSpace(c.flag+" "+c.moment), func(t *testing.T) {
			d := *d
			d.t = t
			emptyTarget(t, target)
			args := d.restore(target)
			if c.flag != "" {
				args = append(args, c.flag, c.value)
			}
			var result restored
			d.must(&result, args...)
			m[c.moment].equals(t, target, c.flag+" "+c.value)
			result.check(t, story)
		})
	}
}

// restored is what scripts may rely on in the result of a restore.
type restored struct {
	BackupID string `json:"backup_id"`
	Seconds  *struct {
		Load, Replay, Finish, Total *float64
	} `json:"seconds"`
	RowsLoaded           *int64    `json:"rows_loaded"`
	TransactionsReplayed *int64    `json:"transactions_replayed"`
	RowEvents            *int64    `json:"row_events"`
	RowsWritten          *int64    `json:"rows_written"`
	Stop                 *position `json:"stop"`
}

func (r restored) check(t *testing.T, story *story) {
	t.Helper()
	if r.BackupID != story.backup || r.Seconds == nil || r.Seconds.Load == nil || r.Seconds.Replay == nil || r.Seconds.Finish == nil || r.Seconds.Total == nil ||
		r.RowsLoaded == nil || r.TransactionsReplayed == nil || r.RowEvents == nil || r.RowsWritten == nil || r.Stop == nil {
		t.Errorf("the result of the restore lacks fields: %+v", r)
		return
	}
	r.Stop.check(t, "stop", story.timeline)
	if *r.RowsLoaded < 800 || *r.Seconds.Total <= 0 {
		t.Errorf("%d rows loaded in %f s", *r.RowsLoaded, *r.Seconds.Total)
	}
}

// Stop points that the store cannot serve: exit 12, and the range that it can.
func TestStopPointsOutsideTheRange(t *testing.T) {
	story, target := tell(t), targetServer(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	m := story.moments
	var listed listResult
	d.must(&listed, "list", "--store", d.store(), "--instance", instance)
	listed.check(t, instance)
	asOf := listed.Instances[0].AsOf
	from := listed.Instances[0].Recoverable[0].From
	behindTheArchive := m["end"].file + ":" + strconv.FormatUint(m["end"].pos+4096, 10)
	// The range is told by times or by positions.
	beginning := []string{from.Time, from.File + ":" + strconv.FormatUint(from.Pos, 10)}
	ending := []string{asOf, m["end"].position(), m["end"].gtids}
	early := func(says ...string) refusal { return refusal{code: 12, kind: "range", says: says, tell: beginning} }
	late := func(says ...string) refusal { return refusal{code: 12, kind: "range", says: says, tell: ending} }
	unknown := func(says ...string) refusal { return refusal{code: 12, kind: "range", says: says} }
	for name, c := range map[string]struct {
		want        refusal
		flag, value string
	}{
		"before the backup":          {early(), "--to-time", m["before the backup"].at()},
		"long before":                {early(), "--to-time", "2001-01-01T00:00:00Z"},
		"after as_of":                {late(asOf), "--to-time", "2099-01-01T00:00:00Z"},
		"just after as_of":           {late(asOf), "--to-time", parseTime(t, asOf).Add(time.Microsecond).Format(microseconds)},
		"GTID before the backup":     {early(), "--to-gtid", m["before the backup"].last},
		"unknown GTID":               {unknown("3e11fa47-71ca-11e1-9e33-c80aa9429562"), "--to-gtid", someGTID},
		"GTID to come":               {unknown(story.timeline), "--to-gtid", m["end"].gtids + "000"},
		"unknown before GTID":        {unknown("3e11fa47-71ca-11e1-9e33-c80aa9429562"), "--before-gtid", someGTID},
		"before GTID of old":         {early(), "--before-gtid", m["before the backup"].last},
		"position before the backup": {early(), "--to-position", m["before the backup"].position()},
		"unknown file":               {unknown("binlog.000999"), "--to-position", "binlog.000999:4"},
		"other file name":            {unknown("mysql-bin.000001"), "--to-position", "mysql-bin.000001:4"},
		"behind the file's bytes":    {late(m["end"].file), "--to-position", behindTheArchive},
		"unknown timeline":           {unknown("3e11fa47"), "--to-position", "3e11fa47-71ca-11e1-9e33-c80aa9429562/" + m["end"].position()},
		"named backup, too early":    {early(story.backup), "--backup=" + story.backup + " --to-time", m["before the backup"].at()},
	} {
		t.Run(name, func(t *testing.T) {
			d := *d
			d.t = t
			args := d.restore(target)
			args = append(append(args, strings.Fields(c.flag)...), c.value)
			d.refused(c.want, args...)
			d.refusedJSON(c.want, append(args, "--dry-run")...)
		})
	}
	d.works(d.restore(target)...)
	m["end"].equals(t, target, "the restore after all refusals")
}

func parseTime(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(microseconds, text)
	if err != nil {
		t.Fatalf("a time that is not RFC 3339 in UTC with microseconds: %v", err)
	}
	return at
}

// A dry run says what the restore would do, ends as it would, and writes nothing.
func TestDryRun(t *testing.T) {
	story, target := tell(t), targetServer(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	var plan map[string]any
	d.must(&plan, d.restore(target, "--dry-run", "--to-time", story.moments["altered"].at())...)
	if plan["backup_id"] != story.backup {
		t.Errorf("the plan names backup %v, want %s", plan["backup_id"], story.backup)
	}
	text := d.run(d.restore(target, "--dry-run", "--to-time", story.moments["altered"].time.Format("2006-01-02T15:04:05.000000"))...)
	// Without an offset the time is UTC, which the plan says.
	if text.Code != 0 || !strings.Contains(text.Stdout, story.backup) || !strings.Contains(text.Stdout, story.moments["altered"].at()) {
		t.Errorf("the plan does not tell backup and stop time\n%s", text)
	}
	var left int
	if err := target.Root().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name IN (?, ?)", shopSchema, oddSchema).Scan(&left); err != nil {
		t.Fatal(err)
	}
	if left != 0 {
		t.Error("a dry run made schemas")
	}
	// What the restore would be refused for, the dry run is too.
	d.refused(refusal{code: 12, kind: "range"}, d.restore(target, "--dry-run", "--to-time", "2099-01-01T00:00:00Z")...)
	mustNotExist := fmt.Sprintf("%s.orders", shopSchema)
	execRoot(t, target, "CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT)")
	d.refused(refusal{code: 1, kind: "target", says: []string{mustNotExist}, hint: []string{"--force"}}, d.restore(target, "--dry-run")...)
	d.works(d.restore(target, "--force", "--dry-run")...)
	execRoot(t, target, "INSERT INTO shop.orders VALUES (1)") // it is still there
}

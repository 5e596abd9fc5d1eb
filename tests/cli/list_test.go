package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

func execRoot(t *testing.T, s *mysqltest.Server, statements ...string) {
	t.Helper()
	mysqltest.Exec(t, s, statements...)
}

// position is the position of JSON results.
type position struct {
	Timeline string `json:"timeline"`
	File     string `json:"file"`
	Pos      uint64 `json:"pos"`
	GTIDSet  string `json:"gtid_set"`
	Time     string `json:"time"`
}

// check wants every field but the time, which may be unknown; times and GTID sets in the form
// that scripts may rely on.
func (p position) check(t *testing.T, what, timeline string) {
	t.Helper()
	if p.Timeline == "" || p.File == "" || p.Pos == 0 || p.GTIDSet == "" {
		t.Errorf("%s lacks fields: %+v", what, p)
		return
	}
	if timeline != "" && p.Timeline != timeline {
		t.Errorf("%s is in timeline %s, want %s", what, p.Timeline, timeline)
	}
	if strings.ContainsAny(p.GTIDSet, " \n") {
		t.Errorf("%s: blanks in the GTID set %q", what, p.GTIDSet)
	}
	if p.Time != "" {
		parseTime(t, p.Time)
	}
}

// listResult is what scripts may rely on in the result of list.
type listResult struct {
	Instances []struct {
		Name    string `json:"name"`
		Backups []struct {
			ID              string    `json:"id"`
			RecoverableFrom *position `json:"recoverable_from"`
			BytesStored     *int64    `json:"bytes_stored"`
			Rows            *int64    `json:"rows"`
		} `json:"backups"`
		Recoverable []struct{ From, To position } `json:"recoverable"`
		Holes       []hole                        `json:"holes"`
		AsOf        string                        `json:"as_of"`
	} `json:"instances"`
}

type hole struct {
	Timeline, Found, Reason string
	From, To                any
}

// check wants one instance with backups, an unbroken range, and no hole.
func (l listResult) check(t *testing.T, name string) {
	t.Helper()
	if len(l.Instances) != 1 || l.Instances[0].Name != name {
		t.Fatalf("list shows %+v, want the instance %s", l, name)
	}
	i := l.Instances[0]
	if len(i.Backups) == 0 || len(i.Recoverable) != 1 || i.Holes == nil || len(i.Holes) != 0 {
		t.Fatalf("want backups, one recoverable range, and holes []: %+v", i)
	}
	for _, b := range i.Backups {
		if b.ID == "" || b.RecoverableFrom == nil || b.BytesStored == nil || b.Rows == nil || *b.BytesStored <= 0 || *b.Rows <= 0 {
			t.Errorf("a backup lacks fields: %+v", b)
			continue
		}
		b.RecoverableFrom.check(t, "recoverable_from", "")
	}
	i.Recoverable[0].From.check(t, "from", "")
	i.Recoverable[0].To.check(t, "to", "")
	parseTime(t, i.AsOf)
}

func TestList(t *testing.T) {
	story := tell(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	var all, one listResult
	d.must(&all, "list", "--store", d.store())
	d.must(&one, "list", "--store", d.store(), "--instance", instance)
	for _, l := range []listResult{all, one} {
		l.check(t, instance)
		i := l.Instances[0]
		end := story.moments["end"]
		if len(i.Backups) != 1 || i.Backups[0].ID != story.backup {
			t.Errorf("backups %+v, want %s", i.Backups, story.backup)
		}
		if to := i.Recoverable[0].To; to.Timeline != story.timeline || to.File != end.file || to.Pos != end.pos || to.GTIDSet != end.gtids {
			t.Errorf("the range ends at %+v, want %s of %s", to, end.position(), end.gtids)
		}
		if from := i.Recoverable[0].From; *i.Backups[0].RecoverableFrom != from {
			t.Errorf("the range begins at %+v, the backup at %+v", from, *i.Backups[0].RecoverableFrom)
		}
		// as_of is the source's clock, read before the end that the archive covers.
		if asOf := parseTime(t, i.AsOf); asOf.Before(story.began) {
			t.Errorf("as_of %s, but the last archive run began at %s", asOf, story.began)
		}
	}
	text := d.run("list", "--store", d.store())
	for _, part := range []string{instance, story.backup, one.Instances[0].AsOf[:len("2006-01-02")]} {
		if text.Code != 0 || !strings.Contains(text.Stdout, part) {
			t.Errorf("list for people lacks %q\n%s", part, text)
		}
	}
}

// list --max-lag prints the list, and is 1 when an instance's as_of is older.
func TestListMaxLag(t *testing.T) {
	story := tell(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	d.works("list", "--store", d.store(), "--max-lag", (1000 * time.Hour).String())
	args := []string{"list", "--store", d.store(), "--max-lag", "1ms"}
	late := refusal{code: 1, says: []string{instance}}
	var l listResult
	if err := d.refusedJSON(late, args...).JSON(&l); err != nil {
		t.Fatal(err)
	}
	l.check(t, instance)
	if text := d.refusedText(late, args...); !strings.Contains(text.Stdout, story.backup) {
		t.Errorf("the list is not printed\n%s", text)
	}
	d.refusedJSON(late, "list", "--store", d.store(), "--max-lag", "0s")
	d.with("TRIPOD_MAX_LAG=1ms").refusedJSON(late, "list", "--store", d.store())
}

// Beside a live archiver no instance is late, whether or not anything is written.
func TestListMaxLagOfALiveArchive(t *testing.T) {
	source := sourceServer(t)
	smallShop(t, source)
	d := newDesk(t)
	archiver := d.startArchiver("a", source)
	args := []string{"list", "--store", d.store(), "--max-lag", "60s"}
	mysqltest.Eventually(t, func() bool { return d.run(args...).Code == 0 }, "an archive that is complete up to now")
	d.works(args...)
	archiver.Kill()
	d.refusedJSON(refusal{code: 1, kind: "range", says: []string{"instance " + instance}, hint: []string{"tripod archive"}}, "list", "--store", d.store(), "--max-lag", "1ms")
}

package archive_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// awaitedLine closes itself at the first line that holds a text.
type awaitedLine struct {
	text string
	came chan struct{}
}

func (l *awaitedLine) Write(p []byte) (int, error) {
	if strings.Contains(string(p), l.text) {
		select {
		case <-l.came:
		default:
			close(l.came)
		}
	}
	return len(p), nil
}

// TestSourceIsGoneWhenTheArchiverBegins: a source that answered, and is started again before it sends its log, ends
// neither an archiver nor a backup that archives by itself.
func TestSourceIsGoneWhenTheArchiverBegins(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	p := mysqltest.Through(t, s.source)
	s.url = p.URL(mysqltest.BackupUser)
	cfg := s.config(t)
	lost := &awaitedLine{text: "the source was lost; trying again", came: make(chan struct{})}
	cfg.Log = slog.New(slog.NewTextHandler(lost, nil))
	p.Refuse()
	r := s.start(t, cfg)
	mysqltest.Eventually(t, func() bool {
		select {
		case <-r.ended:
			t.Fatalf("the archiver ended: %v", r.err)
		case <-lost.came:
			return true
		default:
		}
		return false
	}, "another try")
	p.Resume()
	r.awaitFiles(t, s, 1)
	r.stop(t)
}

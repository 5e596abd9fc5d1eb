package archive_test

import (
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

func TestClosedFilesEqualTheSources(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	stop := load(t, s.source, time.Millisecond)
	r := s.start(t, s.config(t))
	names := func() int {
		files, err := s.catalog().Files(t.Context(), instance, s.timeline(t))
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	mysqltest.Eventually(t, func() bool { return names() >= 4 }, "four files in the archive")
	stop()
	result := r.stop(t)
	if result.Segments == 0 || result.Bytes == 0 || result.AsOf == 0 {
		t.Errorf("result %+v", result)
	}
	result = s.untilIdle(t, nil)
	s.compareFiles(t, s.timeline(t))
	if h := s.head(t, s.timeline(t)); h.End != result.End || h.AsOf != result.AsOf {
		t.Errorf("head %+v, result %+v", h, result)
	}
}

package archive_test

import (
	"testing"

	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
)

// A writer that was frozen for long wakes without lease and without connections: that another
// one has the lease is told, not that a connection broke.
func TestTheLossOfTheLeaseIsToldFirst(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	proxy := mysqltest.Through(t, s.source)
	direct := s.url
	for _, archived := range []string{"nothing", "something"} {
		t.Run(archived+" archived before", func(t *testing.T) {
			s.url = proxy.URL(s.user)
			c := s.config(t)
			frozen := func() {
				l := s.lease(t)
				if err := s.catalog().PutLease(t.Context(), instance, catalog.Lease{Epoch: l.Epoch + 1, Holder: "another", Spool: "elsewhere", Role: "archive"}); err != nil {
					t.Error(err)
				}
				proxy.Refuse()
			}
			defer proxy.Resume()
			c.Catalog = catalog.New(&interruptingBucket{Bucket: s.bucket, interrupt: frozen})
			_, err := archive.Run(t.Context(), c)
			wantFault(t, err, fault.CodeLeaseHeld, fault.KindLease)
		})
		// The thief ends.
		if err := s.catalog().PutBeat(t.Context(), instance, catalog.Beat{Epoch: s.lease(t).Epoch, Count: 1, Ended: true}); err != nil {
			t.Fatal(err)
		}
		s.url = direct
		s.untilIdle(t, nil)
	}
}

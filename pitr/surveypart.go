package pitr

import (
	"context"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/storage/catalog"
)

// surveyPart finds out what a wish for a part means with one backup: it walks the log up to the stop
// point, see survey.
func surveyPart(ctx context.Context, r *archive.Reader, m *catalog.Manifest, w Wish, stop binlog.Position, phase progress.Phase) (*director.Part, error) {
	s, err := director.NewSurvey(m, w.scope())
	if err != nil {
		return nil, err
	}
	a := event.NewAssembler(m.Floor.Timeline, event.WithoutRowCounts())
	a.OnQuery(s.Query)
	a.OnRows(s.RowsEvent)
	if _, err := walk(ctx, r, a, m.Floor.Position, stop, phase, s.TellsNoNames, s.Ended); err != nil {
		return nil, err
	}
	return s.PartAt(stop)
}

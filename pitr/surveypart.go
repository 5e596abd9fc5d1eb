package pitr

import (
	"context"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
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
	h := hooks{query: s.Query, rows: s.RowsEvent, ended: s.Ended}
	if _, err := walk(ctx, r, spanOf(m, stop), phase, s.TellsNoNames, h); err != nil {
		return nil, err
	}
	return s.PartAt(stop)
}

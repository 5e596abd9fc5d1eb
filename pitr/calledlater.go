package pitr

import (
	"context"
	"errors"
	"strings"

	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/director"
)

// calledLater gives the tables in the hint of a refused entry the names that --exclude and --tables take: those at the stop
// point. One that is gone there keeps its own: without it any selection does.
func (p *Plan) calledLater(ctx context.Context, r *archive.Reader, phase progress.Phase, err error) error {
	var refused *director.RefusedError
	if p.manifest == nil || !errors.As(err, &refused) {
		return err
	}
	s, failed := director.NewSurvey(p.manifest, director.Scope{})
	if failed != nil {
		return errors.Join(err, failed)
	}
	var lives [][]director.Life // of the lists, at the entry
	find := func() {
		for _, list := range refused.Lists {
			lives = append(lives, s.Lives(list))
		}
	}
	h := hooks{query: s.Query, begin: func(e *event.Entry) error {
		if lives == nil && !e.Start.Before(refused.Start) {
			find()
		}
		return nil
	}}
	if _, failed := walk(ctx, r, spanOf(p.manifest, p.Stop.Position), phase, s.TellsNoNames, h); failed != nil {
		return errors.Join(err, failed)
	}
	if lives == nil { // behind it there is no statement
		return err
	}
	f := fault.Of(err)
	hint := f.Hint
	for i, list := range refused.Lists {
		later := make([]schema.Name, len(list))
		for k, n := range list {
			if later[k] = n; lives[i][k] >= 0 {
				if called, there := s.Called(lives[i][k]); there {
					later[k] = called
				}
			}
		}
		hint = strings.Replace(hint, " "+director.Patterns(list), " "+director.Patterns(later), 1)
	}
	if hint == f.Hint {
		return err
	}
	return fault.New(f.Code, f.Kind, hint+" (as they are called at the stop point)", "%w", err)
}

package pitr

import (
	"context"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/storage/catalog"
)

// errNoSchema is what a server answers to a name without a schema in a session that has none.
const errNoSchema = 1046

// enter gives a statement of an object the default schema in which its names mean what they meant, and the session to run
// it in. Names inside of a routine, trigger or event are looked up in its own schema whatever the session's was; those of a
// view in the session's. That one may be one of the server's own, or not be restored: the target's schema of that name is
// what the view would mean if it spelled it. Where there is none, or none for this account, the view runs without any
// default schema, which no name that needs one survives: over other tables than the source's it is never made.
func (f *finisher) enter(ctx context.Context, o *director.Object, step *director.ObjectStep) (*target.Session, error) {
	if onTarget, ok := f.director.SchemaOnTarget(step.Schema); ok {
		step.Schema = onTarget
	} else if o.Kind != catalog.KindView || step.Schema == "" {
		step.Schema = f.director.ObjectOnTarget(o).Schema // the statement names its own
	}
	if o.Kind != catalog.KindView {
		return f.session, nil
	}
	err := f.session.Use(ctx, step.Schema)
	switch server.ErrorNumber(err) {
	case server.ErrUnknownSchema, server.ErrSchemaDenied:
		step.Schema = ""
		return f.bare(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("use schema %s: %w", step.Schema, err)
	}
	return f.session, nil
}

// needsSchema tells whether a statement failed because a name in it needs a default schema; of a function 5.6 and MariaDB say
// then that it does not exist, and tell of one that was looked for the schema too.
func needsSchema(err error) bool {
	n := server.ErrorNumber(err)
	return n == errNoSchema || n == errDoesNotExist && !strings.Contains(err.Error(), ".")
}

// withoutSchema is a session without a default schema, opened when one is first needed: no statement takes one away again.
func (r *run) withoutSchema(ctx context.Context) (_ *target.Session, err error) {
	if r.bare == nil {
		r.bare, err = r.target.Session(ctx)
	}
	return r.bare, err
}

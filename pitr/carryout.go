package pitr

import (
	"context"
	"fmt"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/target"
)

// carryOut sends one statement in its context. The text goes out in the client character set that
// the context names.
func carryOut(ctx context.Context, s *target.Session, x *director.Execution) error {
	if err := s.Use(ctx, x.Schema); err != nil {
		return fmt.Errorf("use schema %s: %w", x.Schema, err)
	}
	set := s.Set
	if x.Statement != nil && x.Statement.Kind != ddl.OtherObject {
		set = s.SetTable
	}
	if err := set(ctx, x.Variables); err != nil {
		return fmt.Errorf("set the session context: %w", err)
	}
	text := x.Raw
	if text == nil {
		var err error
		if text, err = ddl.EncodeText(x.Text, x.Client); err != nil {
			return err
		}
	}
	return s.Exec(ctx, string(text))
}

// exchangeRebuilt carries an EXCHANGE out that the target has refused because of instant columns: which columns are such a target
// decides by itself, and it takes none of them along. The source had none, or it would have refused, too; its log does not tell
// what made them ordinary ones.
func (r *replay) exchangeRebuilt(ctx context.Context, x *director.Execution) error {
	for _, n := range x.Altered {
		if err := r.own.Exec(ctx, "ALTER TABLE "+n.Quoted()+" FORCE"); err != nil {
			return fmt.Errorf("rebuild %s for an exchange: %w", n, err)
		}
	}
	return carryOut(ctx, r.definitions, x)
}

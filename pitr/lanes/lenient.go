package lanes

import (
	"context"
	"errors"
	"fmt"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/rewriter"
)

// cuts tells whether generated columns of the statement's rows may be cut.
func (w *Writer) cuts(s *rewriter.Statement) bool { return w.cut[s.Table] && s.Stores() }

// lenient runs a statement that writes an ENUM of index 0, or rows whose generated columns were cut on the source: without
// STRICT, and with its warnings looked at, for without STRICT everything else that does not fit is cut as well.
func (w *Writer) lenient(ctx context.Context, s *rewriter.Statement) (err error) {
	computed := target.ComputedOf(s.Definition())
	if err := w.Session.Exec(ctx, target.WarningsInEnglish+", sql_mode="+target.LenientMode); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, w.Session.Exec(ctx, "SET SESSION sql_mode="+target.StrictMode))
	}()
	err = w.counted(ctx, s)
	if as, ok := s.AsSelect(); ok && server.ErrorNumber(err) == errNotNull && computed.Any() {
		err = w.counted(ctx, &as)
	}
	if err != nil {
		return err
	}
	if err := target.CheckWarnings(ctx, w.Session, target.Allowed{Enums: s.Enums, Uncounted: true, Computed: &computed}); err != nil {
		return fmt.Errorf("the target warns: %w", err)
	}
	return nil
}

// parts runs one statement, in as many parts as its warnings need.
func (w *Writer) parts(ctx context.Context, b *rewriter.Batch, s rewriter.Statement) error {
	if s.Rows == 1 || !w.cuts(&s) {
		return w.alone(ctx, &s)
	}
	rows, err := target.LenientRows(ctx, w.Session)
	if err != nil {
		return err
	}
	for part := range b.Split(s, rows) {
		if err := w.alone(ctx, &part); err != nil {
			return err
		}
	}
	return nil
}

// mayBeCut tells whether a row that the target refuses under STRICT may be one of which a generated column was cut on the
// source. From then on it may in all rows of the table.
func (w *Writer) mayBeCut(s *rewriter.Statement, err error) bool {
	return s.Cascade == nil && !s.Lenient && s.Stores() && refused(err) && w.cutTable(s.Table, s.Definition())
}

// cutSome is mayBeCut for a batch.
func (w *Writer) cutSome(b *rewriter.Batch, err error) (some bool) {
	if !refused(err) {
		return false
	}
	for _, t := range b.Tables() {
		some = w.cutTable(t.Name(), t.Definition()) || some
	}
	return some
}

// cutTable lets the generated columns of a table be cut; it returns false where there are none, or they may be already.
func (w *Writer) cutTable(n schema.Name, def *schema.Table) bool {
	if computed := target.ComputedOf(def); w.cut[n] || !computed.Any() {
		return false
	}
	if w.cut == nil {
		w.cut = map[schema.Name]bool{}
	}
	w.cut[n] = true
	return true
}

// refused tells whether the target does not take a value, as far as the error can tell.
func refused(err error) bool {
	switch server.ErrorNumber(err) {
	case 0, errDuplicate, errDuplicateWithKey, target.ErrPacketTooLarge:
		return false
	}
	return !target.IsLockConflict(err) && !server.IsTransient(err)
}

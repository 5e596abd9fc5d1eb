package lanes

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/rewriter"
)

// Writer writes batches of changes: each in one transaction, together with the notes of how far
// that brings the restore, and only if every statement did what it had to (the account, fact 11.9).
type Writer struct {
	Session  *target.RowSession
	Packet   int // bytes that the target takes at once
	Progress *checkpoint.Table
	Wins     bool // --on-divergence binlog-wins
	// Written is how far an earlier run may have come in tables that do not roll back.
	Written checkpoint.Mark

	// Divergence is the list of what differed, to be read when the writer is at rest.
	Divergence []checkpoint.Divergence
	sql        []byte // what is gathered for one packet
	// cut are tables whose generated columns did not take what their expressions made.
	cut map[schema.Name]bool
}

func (w *Writer) keepAlternatives() bool { return w.Wins }

// accountError is a statement that affected another number of rows than it had to.
type accountError struct {
	statement rewriter.Statement
	affected  int64
}

func (e *accountError) Error() string {
	return fmt.Sprintf("%s of %s affected %d rows instead of %d", e.statement.Change, e.statement.Table, e.affected, e.statement.Count)
}

// write writes a batch as a whole; where that fails, row by row to find out which it was.
func (w *Writer) write(ctx context.Context, b *rewriter.Batch, notes ...checkpoint.Note) error {
	if !b.Transactional() {
		if err := w.announce(ctx, notes); err != nil {
			return err
		}
		return w.rowByRow(ctx, b, notes)
	}
	for try := 1; ; try++ {
		err := w.transaction(ctx, b, notes)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || server.IsTransient(err) {
			return err
		}
		if err := w.Session.Exec(ctx, "ROLLBACK"); err != nil {
			return fmt.Errorf("roll a batch back: %w", err)
		}
		if target.IsLockConflict(err) && try < target.LockTries || w.cutSome(b, err) {
			continue
		}
		found := len(w.Divergence)
		if err = w.rowByRow(ctx, b, notes); !target.IsLockConflict(err) || try >= target.LockTries {
			return err
		}
		w.Divergence = w.Divergence[:found] // the transaction is rolled back, and with it what it noted
	}
}

// transaction writes a batch with as few round trips as packets allow.
func (w *Writer) transaction(ctx context.Context, b *rewriter.Batch, notes []checkpoint.Note) error {
	p := packet{writer: w, sql: w.sql[:0]}
	defer func() { w.sql = p.sql }()
	if err := p.add(ctx, []byte("START TRANSACTION"), nil); err != nil {
		return err
	}
	for s := range b.Statements(min(StatementBytes, w.Packet/2)) {
		if err := w.fits(&s); err != nil {
			return err
		}
		if s.Cascade != nil || w.cuts(&s) || s.Lenient || s.Large() || len(s.SQL) > batchBytes {
			if err := p.send(ctx); err != nil {
				return err
			}
			if err := w.parts(ctx, b, s); err != nil {
				return err
			}
			continue
		}
		if err := p.add(ctx, s.SQL, &s); err != nil {
			return err
		}
	}
	if len(notes) > 0 {
		if err := p.add(ctx, []byte(w.Progress.Put(notes...)), nil); err != nil {
			return err
		}
	}
	if err := p.send(ctx); err != nil {
		return err
	}
	return w.Session.Exec(ctx, "COMMIT")
}

// packet collects statements that are sent as one, and checks the count of each.
type packet struct {
	writer   *Writer
	sql      []byte
	expected []*rewriter.Statement // nil where nothing is counted
}

func (p *packet) add(ctx context.Context, sql []byte, s *rewriter.Statement) error {
	if len(p.sql) > 0 && len(p.sql)+len(sql)+target.PacketSlack > min(p.writer.Packet, batchBytes) {
		if err := p.send(ctx); err != nil {
			return err
		}
	}
	if len(p.sql) > 0 {
		p.sql = append(p.sql, ';')
	}
	p.sql = append(p.sql, sql...)
	p.expected = append(p.expected, s)
	return nil
}

func (p *packet) send(ctx context.Context) error {
	if len(p.sql) == 0 {
		return nil
	}
	counts, err := p.writer.Session.Counts(ctx, bytes.NewReader(p.sql))
	if err != nil {
		return err
	}
	if len(counts) != len(p.expected) {
		return fmt.Errorf("the target answered %d of %d statements", len(counts), len(p.expected))
	}
	for i, s := range p.expected {
		if s != nil && s.Count != rewriter.Uncounted && counts[i] != int64(s.Count) {
			return &accountError{statement: *s, affected: counts[i]}
		}
	}
	p.sql, p.expected = p.sql[:0], p.expected[:0]
	return nil
}

// alone runs one statement, and checks its count.
func (w *Writer) alone(ctx context.Context, s *rewriter.Statement) error {
	switch {
	case s.Cascade != nil:
		return w.cascade(ctx, *s.Cascade, 1)
	case s.Lenient, w.cuts(s):
		return w.lenient(ctx, s)
	}
	return w.counted(ctx, s)
}

func (w *Writer) counted(ctx context.Context, s *rewriter.Statement) error {
	counts, err := w.Session.Counts(ctx, s)
	if err == nil && s.Count != rewriter.Uncounted && counts[0] != int64(s.Count) {
		err = &accountError{statement: *s, affected: counts[0]}
	}
	return err
}

// announce notes how far a batch goes of which a killed run may leave a part behind.
func (w *Writer) announce(ctx context.Context, notes []checkpoint.Note) error {
	for _, n := range notes {
		if n.Kind != checkpoint.NoteOrdered {
			continue
		}
		var behind checkpoint.Mark
		if err := json.Unmarshal(n.Value, &behind); err != nil {
			return fmt.Errorf("read the mark of a batch: %w", err)
		}
		w.Written = checkpoint.Later(w.Written, behind)
		return w.Progress.Write(ctx, w.Session, checkpoint.NewNote(checkpoint.NoteWritten, "", w.Written))
	}
	return nil
}

// rowByRow writes a batch one row at a time, to name the row that differs, or to let the
// binlog win there.
func (w *Writer) rowByRow(ctx context.Context, b *rewriter.Batch, notes []checkpoint.Note) error {
	// Of other engines nothing can be taken back, and a transaction may not mix the two (error 1785).
	transaction := b.Transactional()
	if transaction {
		if err := w.Session.Exec(ctx, "START TRANSACTION"); err != nil {
			return err
		}
	}
	for s := range b.Singles() {
		problem, err := w.single(ctx, &s)
		if err == nil && problem != "" {
			err = w.differs(ctx, b, &s, problem)
		}
		if err != nil {
			if transaction {
				err = errors.Join(err, w.Session.Exec(ctx, "ROLLBACK"))
			}
			if problem != "" && !target.IsLockConflict(err) {
				err = errors.Join(err, w.Progress.Write(ctx, w.Session, w.lastDivergence()))
			}
			return err
		}
	}
	if !transaction {
		return w.Progress.Write(ctx, w.Session, notes...)
	}
	if len(notes) > 0 {
		if err := w.Session.Exec(ctx, w.Progress.Put(notes...)); err != nil {
			return errors.Join(err, w.Session.Exec(ctx, "ROLLBACK"))
		}
	}
	return w.Session.Exec(ctx, "COMMIT")
}

// Error numbers of what is no broken connection.
const (
	errNotNull          = 1048
	errDuplicate        = 1062
	errDuplicateWithKey = 1586
)

// single runs one row's statement. problem says how the target differs from what the log says.
func (w *Writer) single(ctx context.Context, s *rewriter.Statement) (problem string, err error) {
	if err := w.fits(s); err != nil {
		return "", err
	}
	var account *accountError
	if err = w.alone(ctx, s); w.mayBeCut(s, err) {
		again := w.alone(ctx, s)
		if number := server.ErrorNumber(again); again == nil || errors.As(again, &account) || number != 0 && !refused(again) {
			err = again
		}
	}
	switch number := server.ErrorNumber(err); {
	case err == nil:
		return "", nil
	case errors.As(err, &account) && account.affected == 0:
		return "the row is not there", nil
	case errors.As(err, &account):
		return fmt.Sprintf("%d rows are there", account.affected), nil
	case s.Rule == rewriter.Account && (number == errDuplicate || number == errDuplicateWithKey):
		return err.Error(), nil
	case server.IsTransient(err) || ctx.Err() != nil:
		return "", err
	}
	return "", unwritable(s, err)
}

// unwritable is the fault of a row that the target refuses to store.
func unwritable(s *rewriter.Statement, err error) error {
	hint := "the target stores values in another way than the source: compare the versions and settings of both servers"
	if server.ErrorNumber(err) == target.ErrPacketTooLarge {
		hint = target.PacketHint(s.Len())
	}
	return fault.New(fault.CodeFailed, fault.KindTarget, hint, "replay the %s of a row of %s at %s: %w", s.Change, s.Table, s.First, err)
}

// fits refuses a statement that is longer than the target takes at once: of a longer one the
// server hangs up in the middle, which looks like a broken network.
func (w *Writer) fits(s *rewriter.Statement) error {
	n := s.Len()
	if n <= w.Packet {
		return nil
	}
	return fault.New(fault.CodeFailed, fault.KindTarget, target.PacketHint(n),
		"replay the %s of a row of %s at %s: its statement has %d bytes, more than max_allowed_packet of the target allows", s.Change, s.Table, s.First, n)
}

// differs handles a row that is not what the log says: the end of the restore, or a case for
// the list where the binlog shall win.
func (w *Writer) differs(ctx context.Context, b *rewriter.Batch, s *rewriter.Statement, problem string) error {
	d := checkpoint.Divergence{
		Name: s.Table, Position: s.First.Entry, GTID: s.First.GTID.String(), Change: s.Change,
		Key: keyText(s), Problem: problem,
	}
	w.Divergence = append(w.Divergence, d)
	if !w.Wins {
		return DivergenceFault(d)
	}
	for a := range b.Alternative(*s) {
		if problem, err := w.single(ctx, &a); err != nil || problem != "" {
			return errors.Join(err, DivergenceFault(d))
		}
	}
	if !b.Transactional() {
		return w.Progress.Write(ctx, w.Session, w.lastDivergence())
	}
	// Once: what a deadlock takes back here is the batch's transaction.
	return w.Progress.WriteOnce(ctx, w.Session, []checkpoint.Note{w.lastDivergence()})
}

// lastDivergence is the last case for runs that go on: in doubt those keep no account.
func (w *Writer) lastDivergence() checkpoint.Note {
	n := checkpoint.NewNote(checkpoint.NoteDivergence, "", w.Divergence[len(w.Divergence)-1])
	n.Item = fmt.Sprintf("%x", sha256.Sum256(n.Value))
	return n
}

// DivergenceFault is the end of a restore whose target does not hold what the log says it held.
func DivergenceFault(d checkpoint.Divergence) error {
	return fault.New(fault.CodeDifference, fault.KindDivergence,
		"find out who else wrote to the target; the same command with --on-divergence binlog-wins goes on from there and lists every case",
		"%s of a row of %s (%s) at %s: %s", d.Change, d.Name, d.Key, d.Position, d.Problem)
}

// keyText is how the statement names its row, for people.
func keyText(s *rewriter.Statement) string {
	const most = 200
	text := s.Brief()
	for _, mark := range []string{" WHERE ", " VALUES "} {
		if i := strings.Index(text, mark); i >= 0 {
			text = text[i+len(mark):]
			break
		}
	}
	return Shortened(text, most)
}

// Shortened is the beginning of a text, for people.
func Shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}

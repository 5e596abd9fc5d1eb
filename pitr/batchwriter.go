package pitr

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/rewriter"
)

// Modes of the sessions that write rows (fact 6.12). An ENUM of index 0 is written without STRICT.
const (
	strictMode  = "'STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'"
	lenientMode = "'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'"
)

// lockTries is how often a batch is repeated when somebody else on the target got in its way
// with a lock: more often than a deadlock can be bad luck.
const lockTries = 10

// warnTruncated is the warning of an ENUM of index 0.
const warnTruncated = "1265"

// batchWriter writes batches of changes: each in one transaction, together with the notes of how far
// that brings the restore, and only if every statement did what it had to (the account, fact 11.9).
type batchWriter struct {
	session  *rowSession
	packet   int // bytes that the target takes at once
	progress *progressTable
	wins     bool // --on-divergence binlog-wins

	sql        []byte // what is gathered for one packet
	divergence []Divergence
}

func (w *batchWriter) keepAlternatives() bool { return w.wins }

// accountError is a statement that affected another number of rows than it had to.
type accountError struct {
	statement rewriter.Statement
	affected  int64
}

func (e *accountError) Error() string {
	return fmt.Sprintf("%s of %s affected %d rows instead of %d", e.statement.Change, e.statement.Table, e.affected, e.statement.Count)
}

// write writes a batch as a whole; where that fails, row by row to find out which it was.
func (w *batchWriter) write(ctx context.Context, b *rewriter.Batch, notes ...note) error {
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
		if err := w.session.exec(ctx, "ROLLBACK"); err != nil {
			return fmt.Errorf("roll a batch back: %w", err)
		}
		if isLockConflict(err) && try < lockTries {
			continue
		}
		return w.rowByRow(ctx, b, notes)
	}
}

func isLockConflict(err error) bool {
	n := server.ErrorNumber(err)
	return n == server.ErrDeadlock || n == server.ErrLockWaitTimeout
}

// transaction writes a batch with as few round trips as packets allow.
func (w *batchWriter) transaction(ctx context.Context, b *rewriter.Batch, notes []note) error {
	p := packet{writer: w, sql: w.sql[:0]}
	defer func() { w.sql = p.sql }()
	if err := p.add(ctx, []byte("START TRANSACTION"), nil); err != nil {
		return err
	}
	for s := range b.Statements(min(statementBytes, w.packet/2)) {
		if err := w.fits(&s); err != nil {
			return err
		}
		if s.Lenient || s.Large() || len(s.SQL) > batchBytes {
			if err := p.send(ctx); err != nil {
				return err
			}
			if err := w.alone(ctx, &s); err != nil {
				return err
			}
			continue
		}
		if err := p.add(ctx, s.SQL, &s); err != nil {
			return err
		}
	}
	if len(notes) > 0 {
		if err := p.add(ctx, []byte(w.progress.put(notes...)), nil); err != nil {
			return err
		}
	}
	if err := p.send(ctx); err != nil {
		return err
	}
	return w.session.exec(ctx, "COMMIT")
}

// packet collects statements that are sent as one, and checks the count of each.
type packet struct {
	writer   *batchWriter
	sql      []byte
	expected []*rewriter.Statement // nil where nothing is counted
}

// packetSlack is what a packet holds beside its text.
const packetSlack = 1024

func (p *packet) add(ctx context.Context, sql []byte, s *rewriter.Statement) error {
	if len(p.sql) > 0 && len(p.sql)+len(sql)+packetSlack > min(p.writer.packet, batchBytes) {
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
	counts, err := p.writer.session.counts(ctx, bytes.NewReader(p.sql))
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
func (w *batchWriter) alone(ctx context.Context, s *rewriter.Statement) error {
	if s.Lenient {
		return w.lenient(ctx, s)
	}
	return w.counted(ctx, s)
}

func (w *batchWriter) counted(ctx context.Context, s *rewriter.Statement) error {
	counts, err := w.session.counts(ctx, s)
	if err == nil && s.Count != rewriter.Uncounted && counts[0] != int64(s.Count) {
		err = &accountError{statement: *s, affected: counts[0]}
	}
	return err
}

// lenient runs a statement that writes an ENUM of index 0: without STRICT, and with its
// warnings looked at, for without STRICT everything else that does not fit is cut as well.
func (w *batchWriter) lenient(ctx context.Context, s *rewriter.Statement) (err error) {
	if err := w.session.exec(ctx, "SET SESSION sql_mode="+lenientMode); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, w.session.exec(ctx, "SET SESSION sql_mode="+strictMode))
	}()
	if err := w.counted(ctx, s); err != nil {
		return err
	}
	return w.session.onlyEnumWarnings(ctx, s.Enums)
}

// onlyEnumWarnings fails on any warning but that of an ENUM of index 0 in one of the columns.
func (s *rowSession) onlyEnumWarnings(ctx context.Context, enums []string) error {
	warnings, err := s.queryRows(ctx, "SHOW WARNINGS")
	if err != nil {
		return err
	}
	for _, row := range warnings {
		if row[1] == warnTruncated && namesColumn(row[2], enums) {
			continue
		}
		return fmt.Errorf("the target warns: %s (%s)", row[2], row[1])
	}
	return nil
}

// namesColumn tells whether the text of warning 1265 is about one of the columns.
func namesColumn(message string, columns []string) bool {
	for _, c := range columns {
		if strings.Contains(message, "'"+c+"'") {
			return true
		}
	}
	return false
}

// announce notes how far a batch goes of which a killed run may leave a part behind.
func (w *batchWriter) announce(ctx context.Context, notes []note) error {
	for _, n := range notes {
		if n.kind == noteOrdered {
			return w.progress.write(ctx, w.session, note{kind: noteWritten, value: n.value})
		}
	}
	return nil
}

// rowByRow writes a batch one row at a time, to name the row that differs, or to let the
// binlog win there.
func (w *batchWriter) rowByRow(ctx context.Context, b *rewriter.Batch, notes []note) error {
	// Of other engines nothing can be taken back, and a transaction may not mix the two (error 1785).
	transaction := b.Transactional()
	if transaction {
		if err := w.session.exec(ctx, "START TRANSACTION"); err != nil {
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
				err = errors.Join(err, w.session.exec(ctx, "ROLLBACK"))
			}
			if problem != "" {
				err = errors.Join(err, w.progress.write(ctx, w.session, w.lastDivergence()))
			}
			return err
		}
	}
	if len(notes) > 0 {
		if err := w.session.exec(ctx, w.progress.put(notes...)); err != nil {
			return err
		}
	}
	if !transaction {
		return nil
	}
	return w.session.exec(ctx, "COMMIT")
}

// Error numbers of duplicates.
const (
	errDuplicate        = 1062
	errDuplicateWithKey = 1586
)

// single runs one row's statement. problem says how the target differs from what the log says.
func (w *batchWriter) single(ctx context.Context, s *rewriter.Statement) (problem string, err error) {
	if err := w.fits(s); err != nil {
		return "", err
	}
	if s.Lenient {
		err = w.lenient(ctx, s)
	} else {
		err = w.counted(ctx, s)
	}
	var account *accountError
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
	if server.ErrorNumber(err) == errPacketTooLarge {
		hint = packetHint(s.Len())
	}
	return fault.New(fault.CodeFailed, fault.KindTarget, hint, "replay the %s of a row of %s at %s: %w", s.Change, s.Table, s.First, err)
}

const errPacketTooLarge = 1153

// fits refuses a statement that is longer than the target takes at once: of a longer one the
// server hangs up in the middle, which looks like a broken network.
func (w *batchWriter) fits(s *rewriter.Statement) error {
	n := s.Len()
	if n <= w.packet {
		return nil
	}
	return fault.New(fault.CodeFailed, fault.KindTarget, packetHint(n),
		"replay the %s of a row of %s at %s: its statement has %d bytes, more than max_allowed_packet of the target allows", s.Change, s.Table, s.First, n)
}

func packetHint(bytes int) string {
	return fmt.Sprintf("on the target: SET GLOBAL max_allowed_packet = %d", roundPacket(bytes))
}

// roundPacket returns a max_allowed_packet that takes so many bytes: the next power of two.
func roundPacket(bytes int) int {
	n := 1 << 20
	for n < bytes+packetSlack && n < 1<<30 {
		n <<= 1
	}
	return n
}

// differs handles a row that is not what the log says: the end of the restore, or a case for
// the list where the binlog shall win.
func (w *batchWriter) differs(ctx context.Context, b *rewriter.Batch, s *rewriter.Statement, problem string) error {
	d := Divergence{
		Name: s.Table, Position: s.First.Entry, GTID: s.First.GTID.String(), Change: s.Change,
		Key: keyText(s), Problem: problem,
	}
	w.divergence = append(w.divergence, d)
	if !w.wins {
		return divergence(d)
	}
	for a := range b.Alternative(*s) {
		if problem, err := w.single(ctx, &a); err != nil || problem != "" {
			return errors.Join(err, divergence(d))
		}
	}
	// Once: what a deadlock takes back here is the batch's transaction.
	return w.progress.once(ctx, w.session, []note{w.lastDivergence()})
}

// lastDivergence is the last case for runs that go on: in doubt those keep no account.
func (w *batchWriter) lastDivergence() note {
	n := newNote(noteDivergence, "", w.divergence[len(w.divergence)-1])
	n.item = fmt.Sprintf("%x", sha256.Sum256(n.value))
	return n
}

func divergence(d Divergence) error {
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
	return shortened(text, most)
}

func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}

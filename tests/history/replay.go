package history

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// recordFile is the name of a record beside the store and the logs of a failed history.
const recordFile = "history.record"

// recorded is the record of a history that failed with err.
func (h *run) recorded(err error) *Recorded {
	return &Recorded{
		Seed: h.Seed, Kind: h.kind().Name, Into: h.target().Name, GTID: h.GTID, Features: h.features.String(), ChunkRows: h.chunkRows, Threads: h.threads, MayDefine: h.mayDefine,
		Failpoints: h.Failpoints, Failure: failureKind(err), Stop: h.failedStop, steps: h.record.steps,
	}
}

var exitText = regexp.MustCompile(`(?s)tripod (\w+)[^:]*.*?: exit (\d+)`)

// failureKind says in what way a history failed, so that two can be compared: which command ended how, or what differed.
func failureKind(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	if found := exitText.FindStringSubmatch(text); found != nil {
		return found[1] + " exits with " + found[2]
	}
	if strings.Contains(text, "but it differs") {
		return "a restore differs"
	}
	return "other"
}

// replay runs a recorded history again: its statements one after the other, the chunks of the backup where they were.
type replay struct {
	*run
	recorded *Recorded
	sessions map[string]*session
	backup   chan error      // its end; nil where it does not run
	ended    context.Context //nolint:containedctx // not for calls: over when the backup is
	passed   int             // stop points
	// exact are the tables whose counters were set since anything else happened; probed tells whether the row that
	// sets the next one was taken.
	exact  map[string]bool
	probed bool
	// done are the steps that did something, by their number: the others need not be tried again.
	done []bool
}

// ReplayReport says what became of a recorded history.
type ReplayReport struct {
	Failure error // how it failed; nil where it did not
	done    []bool
}

// Replay runs a recorded history. The error is of the bench; what the history says is in the report.
func Replay(ctx context.Context, f *Fleet, c Config, r *Recorded) (report ReplayReport, err error) {
	c.Seed, c.Kind, c.Into, c.GTID, c.Without = r.Seed, r.Kind, r.Into, r.GTID, []string{everything}
	if c.With, err = ParseFeatures(r.Features); err != nil {
		return report, err
	}
	servers, err := f.Servers(ctx, c)
	if err != nil {
		return report, err
	}
	h, err := newRun(servers, c)
	if err != nil {
		return report, err
	}
	h.chunkRows, h.threads, h.mayDefine = r.ChunkRows, r.Threads, r.MayDefine
	p := &replay{run: h, recorded: r, sessions: map[string]*session{}, done: make([]bool, len(r.steps))}
	err = p.all(ctx)
	if kind := failureKind(err); kind != "" && kind != "other" {
		report.Failure, err = err, nil
	}
	report.done = p.done
	for _, s := range p.sessions {
		s.close()
	}
	return report, errors.Join(err, h.cleanUp(nil))
}

func (p *replay) all(ctx context.Context) (err error) {
	if err := p.equip(ctx, nil); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	defer func() {
		if p.backup != nil {
			err = errors.Join(err, p.endBackup())
		}
	}()
	for i, s := range p.recorded.steps {
		if s.refused && !p.keepsRefused() {
			continue
		}
		if p.done[i], err = p.step(ctx, s); err != nil {
			return err
		}
	}
	if p.backup != nil {
		if err := p.endBackup(); err != nil {
			return err
		}
	}
	if len(p.stops) == 0 {
		return nil
	}
	var result struct{ Segments int }
	if _, err := p.prog.must(ctx, &result, p.sourceArgs("archive", "--until-idle")...); err != nil {
		return fmt.Errorf("archive the rest: %w", err)
	}
	if err := p.translate(ctx); err != nil {
		return err
	}
	for _, stop := range p.stops {
		if err := p.restore(ctx, stop); err != nil {
			return err
		}
	}
	return nil
}

// step repeats a step; it returns whether that did something.
func (p *replay) step(ctx context.Context, s step) (bool, error) {
	if s.session != harness && s.session != probeSession {
		p.exact = nil
	}
	switch what, of := s.mark(); what {
	case "":
		return p.statement(ctx, s)
	case markBackup:
		return true, p.startBackup(ctx)
	case markChunk:
		return p.chunk(ctx, of)
	case markBackedUp:
		return true, p.endBackup()
	case markStop:
		return true, p.stop(ctx, of)
	case markCounter, markNoCount:
		return true, p.counter(what, of)
	case markFell:
		n, ok := parseName(of)
		if !ok {
			return false, fmt.Errorf("read the name %q", of)
		}
		p.fell[n] = true
		return true, nil
	}
	return false, fmt.Errorf("a record has an unknown mark %q", s.sql)
}

// keepsRefused: tables without transactions keep what a statement has written before it was refused.
func (p *replay) keepsRefused() bool { return p.features.has(engines.Name) }

// statement repeats a statement. That the server refuses it is no failure: what it needs may be left out.
func (p *replay) statement(ctx context.Context, s step) (bool, error) {
	session := p.sessions[s.session]
	if session == nil {
		var err error
		if session, err = p.open(ctx, s.session, "SET NAMES utf8mb4"); err != nil { // its settings come as its first statement
			return false, err
		}
		p.sessions[s.session] = session
	}
	err := session.exec(ctx, s.sql)
	if s.session == probeSession && strings.HasPrefix(s.sql, "INSERT") {
		p.probed = err == nil
	}
	if isLost(err) {
		return false, fmt.Errorf("%.300s: %w", s.sql, err)
	}
	return err == nil || s.refused, nil
}

// startBackup starts the backup and waits until its floor is in the log.
func (p *replay) startBackup(ctx context.Context) error {
	if p.backup != nil {
		return nil
	}
	p.backup = make(chan error, 1)
	ended, end := context.WithCancel(context.Background())
	p.ended = ended
	args := append(p.backupArgs(), p.features.flags(func(f *Feature) []string { return f.Backup })...)
	go func() {
		var result backedUp
		_, err := p.prog.must(ctx, &result, args...)
		p.backup <- err
		end()
	}()
	for !p.exists("intent.json") {
		select {
		case err := <-p.backup:
			p.backup <- err
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		default:
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
	return nil
}

// errBackedUp: no more chunks come.
var errBackedUp = errors.New("the backup has ended")

func (p *replay) chunk(ctx context.Context, table string) (bool, error) {
	if p.backup == nil || len(p.backup) > 0 {
		return false, nil
	}
	let, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(p.ended, func() { cancel(errBackedUp) })
	defer stop()
	ok, err := p.gate.let(let, table, p.threads)
	if errors.Is(err, errBackedUp) {
		err = nil
	}
	return ok, err
}

func (p *replay) endBackup() error {
	if p.backup == nil {
		return nil
	}
	p.gate.release()
	err := <-p.backup
	p.backup = nil
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	return nil
}

// stop takes a stop point, if the recorded history failed at this one or it is not known at which.
func (p *replay) stop(ctx context.Context, flag string) error {
	number := p.passed
	p.passed++
	if p.recorded.Stop >= 0 && number != p.recorded.Stop {
		return nil
	}
	err := p.note(ctx, stopPoint{flag: flag, exact: p.exact})
	p.exact = nil
	return err
}

// counter notes where a counter is, or that nobody knows any more. Those that are sure at a stop point
// are told directly in front of it.
func (p *replay) counter(what, of string) error {
	var next uint64
	if what == markCounter {
		number, rest, _ := strings.Cut(of, " ")
		if _, err := fmt.Sscan(number, &next); err != nil {
			return fmt.Errorf("read a counter %q: %w", of, err)
		}
		of = rest
	}
	n, ok := parseName(of)
	if !ok {
		return fmt.Errorf("read the name %q", of)
	}
	if what == markNoCount {
		delete(p.counters, n)
		return nil
	}
	if p.probed {
		p.counters[n] = next
		if p.exact == nil {
			p.exact = map[string]bool{}
		}
		p.exact[n.schema+"."+n.table] = true
	}
	p.probed = false
	return nil
}

// parseName reads what name.String printed.
func parseName(text string) (n name, ok bool) {
	schema, table, ok := strings.Cut(text, "`.`")
	if !ok {
		return n, false
	}
	plain := func(s string) string { return strings.ReplaceAll(s, "``", "`") }
	return name{plain(strings.TrimPrefix(schema, "`")), plain(strings.TrimSuffix(table, "`"))}, true
}

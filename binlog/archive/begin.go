package archive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/binlog/stream"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// start is where a stream begins and what is held there.
type start struct {
	resume     stream.Resume
	formatTime uint32 // of the file; 0 if unknown
	tip        *tip   // of what is held of the timeline; nil for none
	// previous is the file before the stream's first, where that joins.
	previous   *segment.PreviousFile
	behindHole bool
}

// goOn is the start behind a tip.
func goOn(t *tip) start {
	h := t.header
	return start{
		resume: stream.Resume{
			Position: binlog.Position{Timeline: h.Timeline, File: h.File, Pos: h.Resume.At},
			State:    h.Resume.State, Held: h.End, Sum: h.SHA256End,
		},
		formatTime: h.FormatTime, tip: t,
	}
}

// fileStart is the start at a file's first byte.
func fileStart(timeline binlog.Timeline, file string) start {
	return start{resume: stream.Resume{Position: binlog.Position{Timeline: timeline, File: file}}}
}

// decide says where the stream begins: behind what is held, behind a hole that it writes down,
// or, where nothing is held, at a file's start. Whether the history is the same is proved by the
// stream itself; what the list of files gives away is told here.
func (w *writer) decide(ctx context.Context) (start, error) {
	conn, err := w.config.Server.Conn(ctx)
	if err != nil {
		return start{}, err
	}
	defer conn.Close()
	files, err := sourceFiles(ctx, conn, w.config.Server.Facts())
	if err != nil {
		return start{}, err
	}
	t := w.held
	if t == nil {
		return w.fresh(ctx, conn, files)
	}
	if cause := w.other; cause != nil {
		w.other = nil
		return w.otherHistory(ctx, conn, files, cause)
	}
	h := t.header
	first, last := files[0], files[len(files)-1]
	switch {
	case slices.Contains(files, h.File):
		return goOn(t), nil
	case binlog.CompareFiles(last, h.File) < 0:
		return w.otherHistory(ctx, conn, files, fmt.Errorf("its files end with %s, and %s is archived", last, t.end()))
	case binlog.CompareFiles(first, h.File) < 0:
		return w.otherHistory(ctx, conn, files, fmt.Errorf("it lacks the file %s between %s and %s", h.File, first, last))
	}
	if err := w.unproved(); err != nil {
		return w.otherHistory(ctx, conn, files, err)
	}
	if err := w.follows(ctx, first); errors.Is(err, errNotFollowing) {
		return w.otherHistory(ctx, conn, files, err)
	} else if err != nil {
		return start{}, err
	}
	if next, err := nextFile(h.File); err == nil && next == first && h.Closed {
		s := fileStart(h.Timeline, first)
		previous := t.asPrevious()
		s.tip, s.previous = t, &previous
		return s, nil
	}
	return w.behindHole(ctx, first)
}

// errNotFollowing: the source's oldest file lacks transactions in front of it that are archived.
var errNotFollowing = errors.New("does not follow the archived GTIDs")

// follows asks the source's oldest file, which is behind everything that is held, whether it is of the same history: a reset
// server that has reached higher numbers again looks as if it had purged. Without GTIDs nothing tells that.
func (w *writer) follows(ctx context.Context, first string) error {
	previous, err := w.previousGTIDs(ctx, first)
	if err != nil {
		return err
	}
	if missing := w.held.executed.Minus(previous); !missing.IsEmpty() {
		return fmt.Errorf("its oldest file %s %w %s", first, errNotFollowing, missing)
	}
	return nil
}

// fresh begins an archive.
func (w *writer) fresh(ctx context.Context, conn *sql.Conn, files []string) (start, error) {
	file, err := w.firstFile(ctx, conn, files)
	if err != nil {
		return start{}, err
	}
	if err := w.nameTimeline(ctx, file); err != nil {
		return start{}, err
	}
	s := fileStart(w.timeline(), file)
	w.config.Log.Info("the archive begins", "timeline", string(w.timeline()), "file", file)
	return s, w.uploader.begin(ctx, s.resume.Position, w.uuid())
}

func (w *writer) firstFile(ctx context.Context, conn *sql.Conn, files []string) (string, error) {
	switch begun := w.uploader.known().End; {
	case w.number > 0 && begun.Timeline == w.timeline() && slices.Contains(files, begun.File):
		return begun.File, nil // an earlier run ended between the head and the first segment
	case w.config.FromOldest:
		return files[0], nil
	case w.config.FirstFile == "":
		return neededFile(ctx, conn, w.config.Server.Facts(), files)
	case slices.Contains(files, w.config.FirstFile):
		return w.config.FirstFile, nil
	}
	return "", fault.New(fault.CodeRange, fault.KindHole, "keep the source's binlog files for longer, and start again",
		"the source purged %s before it was archived", w.config.FirstFile)
}

// neededFile returns the file from which on a backup needs the log that begins while the last of the files is written: that one, or on
// MariaDB, which rotates beside commits in flight, the one that it names (fact 1.10).
func neededFile(ctx context.Context, conn *sql.Conn, facts server.Facts, files []string) (string, error) {
	last := files[len(files)-1]
	if facts.Flavor != server.FlavorMariaDB {
		return last, nil
	}
	rows, err := queryTexts(ctx, conn, server.FirstEvents(last))
	if err != nil {
		return "", grantFault(facts, fmt.Errorf("look for the binlog checkpoint in %s: %w", last, err))
	}
	needed, err := server.FirstCheckpoint(rows)
	switch {
	case err != nil:
		return "", fmt.Errorf("look for the binlog checkpoint in %s: %w", last, err)
	case !slices.Contains(files, needed):
		return last, nil // purged: nobody gets it any more
	}
	return needed, nil
}

// behindHole writes down that what was between the tip and the source's oldest file is missing.
func (w *writer) behindHole(ctx context.Context, first string) (start, error) {
	hole := catalog.Hole{
		From: w.held.end(), To: binlog.Position{Timeline: w.timeline(), File: first},
		Reason: "the source purged its log before it was archived",
	}
	if err := w.putHole(ctx, hole); err != nil {
		return start{}, err
	}
	s := fileStart(w.timeline(), first)
	s.tip, s.behindHole = w.held, true
	return s, nil
}

// putHole writes a hole down when everything in front of it is in the store.
func (w *writer) putHole(ctx context.Context, hole catalog.Hole) error {
	if err := w.queue.awaitEmpty(ctx); err != nil {
		return err
	}
	hole.Found, hole.End, hole.AsOf = binlog.TimeOf(time.Now()), w.held.point(), w.uploader.asOf()
	w.config.Log.Error("a part of the log is missing: take a new backup", "from", hole.From.String(), "to", hole.To.String(), "reason", hole.Reason)
	return w.uploader.retry(ctx, "write down the hole at "+hole.From.String(), func() error {
		if err := w.tenure.check(ctx); err != nil {
			return err
		}
		return w.config.Catalog.PutHole(ctx, w.config.Instance, hole)
	})
}

// otherHistory ends the run, or, with --new-timeline, goes on under the server's next timeline.
func (w *writer) otherHistory(ctx context.Context, conn *sql.Conn, files []string, cause error) (start, error) {
	if !w.config.NewTimeline {
		return start{}, otherHistory("%w", cause)
	}
	w.config.NewTimeline = false // one other history was meant, not every one that may come
	file, err := w.firstFile(ctx, conn, files)
	if err != nil {
		return start{}, err
	}
	next := timelineOf(w.base, w.number+1)
	hole := catalog.Hole{
		From: w.held.end(), To: binlog.Position{Timeline: next, File: file},
		Reason: "the source has another history: " + cause.Error(),
	}
	if err := w.putHole(ctx, hole); err != nil {
		return start{}, err
	}
	w.number++
	w.held = nil
	w.clock.forget()
	w.config.Log.Info("a new timeline begins", "timeline", string(next), "file", file)
	s := fileStart(next, file)
	return s, w.uploader.begin(ctx, s.resume.Position, w.uuid())
}

// nameTimeline settles the name of a server's first timeline where the server has no uuid: by the
// file with which it begins.
func (w *writer) nameTimeline(ctx context.Context, file string) error {
	if w.base != "" {
		return nil
	}
	s, err := stream.Open(ctx, w.streamConfig(start{}), binlog.Position{File: file})
	if err != nil {
		return err
	}
	w.base = string(s.Timeline())
	return s.Close()
}

// unproved says why nothing proves that the source is the server that was archived, where none of its
// files can be compared with what is held: a server id, unlike a server_uuid, is often that of others too.
func (w *writer) unproved() error {
	held := w.uploader.known().Identity.ServerUUID
	if w.base == w.uuid() || held == w.uuid() {
		return nil
	}
	return fmt.Errorf("it is %s, %s was archived, and it has no file of which a part is archived", w.uuid(), held)
}

// previousGTIDs reads the Previous_gtids event of a file; empty where there is none.
func (w *writer) previousGTIDs(ctx context.Context, file string) (binlog.GTIDSet, error) {
	s, err := stream.Open(ctx, w.streamConfig(start{}), binlog.Position{File: file})
	if err != nil {
		return binlog.GTIDSet{}, err
	}
	defer s.Close() //nolint:errcheck // a connection of no further use
	for {
		e, err := s.Next(ctx)
		if err != nil {
			return binlog.GTIDSet{}, err
		}
		switch {
		case e.Raw == nil, e.File != file:
			return binlog.GTIDSet{}, nil
		case event.Type(e.Raw[4]) == event.TypeFormatDescription:
		case event.Type(e.Raw[4]) == event.TypePreviousGTIDs, event.Type(e.Raw[4]) == event.TypeGTIDList:
			set, err := previousGTIDs(s.Format(), e.Raw)
			if err != nil {
				return binlog.GTIDSet{}, sourceFault(err)
			}
			return set, nil
		default:
			return binlog.GTIDSet{}, nil
		}
	}
}

// recover takes up what the store holds, and behind it what an earlier run left in the spool.
func (w *writer) recover(ctx context.Context) error {
	found, err := findArchived(ctx, w.config.Catalog, w.config.Instance, w.uuid())
	if err != nil {
		return err
	}
	left, err := w.spool.recover()
	if err != nil {
		return err
	}
	if found.number == 0 {
		if err := w.refuseOtherServer(ctx); err != nil {
			return err
		}
		found.number = 1
	}
	w.number, w.base, w.held = found.number, found.base, found.tip.clone()
	w.uploader.tip, w.uploader.head = found.tip, found.head
	for _, e := range left {
		if !w.joins(e.header) {
			// In the store already, or of another history: the source has it again.
			if err := w.spool.remove(e.sequence); err != nil {
				return err
			}
			continue
		}
		if w.held == nil {
			w.held = &tip{}
		}
		w.held.add(e.header)
		w.queue.grow(e.size())
		w.queue.putSealed(e)
	}
	return nil
}

// joins tells whether an extent of the spool goes on where what is held ends.
func (w *writer) joins(h segment.Header) bool {
	if w.held != nil {
		return w.held.joins(h)
	}
	begun := w.uploader.known().End
	return h.Start == 0 && h.Timeline == begun.Timeline && h.File == begun.File
}

// refuseOtherServer ends the run where the instance's archive is of another server.
func (w *writer) refuseOtherServer(ctx context.Context) error {
	timelines, err := w.config.Catalog.Timelines(ctx, w.config.Instance)
	if err != nil || len(timelines) == 0 {
		return err
	}
	return fault.New(fault.CodeFailed, fault.KindSource, "give the address of the server that was archived, or another --instance",
		"the archive of instance %s is that of server %s, and the source is server %s", w.config.Instance, timelines[0], w.uuid())
}

// isOtherHistory tells whether a stream's error says that the server has another log than was held.
func isOtherHistory(err error) bool {
	return errors.Is(err, stream.ErrIdentity) && !errors.Is(err, stream.ErrOtherServer)
}

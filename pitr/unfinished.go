package pitr

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/target"
)

// unfinished is a restore of the same wish that was begun on the target.
type unfinished struct {
	checkpoint.RestoreNote
	home string // schema of its progress table
}

// identity prints what a run must have in common with the one that it goes on from: all of the
// wish as given but how fast, and what to do about objects in the way, about verifying and about rows
// that differ.
func (w Wish) identity() string {
	w.Threads, w.Force, w.Verify, w.OnDivergence = 0, false, "", ""
	text, err := json.Marshal(struct {
		Wish
		Stop, SkipGTID string
	}{w, w.Stop.String(), w.SkipGTID.String()})
	if err != nil {
		panic(fmt.Sprintf("pitr: wish: %v", err)) // plain values always become JSON
	}
	return string(text)
}

// begun is what there is on the target of restores that have not finished, of any wish.
type begun struct {
	// empty are the schemas whose progress table says nothing yet: that restore was killed before it
	// made anything else.
	empty       map[string]bool
	connections int // that any of them has at most
	// made are the schemas that each has made, by the schema of its progress table.
	made map[string][]string
	// kept are the defaults of schemas from before it, likewise.
	kept map[string][]checkpoint.CollationNote
}

// findUnfinished looks on the target for a restore of this wish; nil for none. Progress tables that this account may not read, or of another format, are nobody's here: plan
// refuses those in the schemas that it needs.
func findUnfinished(ctx context.Context, srv *server.Server, w Wish) (found *unfinished, others begun, err error) {
	s, err := target.Connect(ctx, srv)
	if err != nil {
		return nil, others, err
	}
	defer s.Close()
	rows, err := s.QueryRows(ctx, "SELECT TABLE_SCHEMA FROM information_schema.TABLES WHERE TABLE_NAME='"+checkpoint.ProgressTable+"'")
	if err != nil {
		return nil, others, fmt.Errorf("look for unfinished restores on the target: %w", err)
	}
	others.empty, others.made, others.kept = map[string]bool{}, map[string][]string{}, map[string][]checkpoint.CollationNote{}
	for _, row := range rows {
		u, isEmpty, err := readUnfinished(ctx, s, row[0])
		if err != nil {
			return nil, others, err
		}
		others.empty[row[0]] = isEmpty
		if u != nil {
			others.connections = max(others.connections, u.Connections)
			others.made[row[0]], others.kept[row[0]] = u.Made, u.Kept
		}
		// Where --force came later it means to begin anew; one that was there from the beginning has
		// done its work.
		if u != nil && u.Wish == w.identity() && (u.Force || !w.Force) {
			found = u
		}
	}
	return found, others, nil
}

// readUnfinished reads what a progress table says of its restore; nil where it says nothing.
func readUnfinished(ctx context.Context, s *target.Session, home string) (u *unfinished, empty bool, err error) {
	table := schema.Name{Schema: home, Name: checkpoint.ProgressTable}
	rows, err := s.QueryRows(ctx, "SELECT kind, value FROM "+table.Quoted()+" WHERE item='' ORDER BY kind='"+checkpoint.NoteRestore+"' DESC LIMIT 1")
	if unreadableTable(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read %s on the target: %w", table, err)
	}
	if len(rows) == 0 {
		return nil, true, nil
	}
	u = &unfinished{home: home}
	if known := rows[0][0] == checkpoint.NoteRestore && json.Unmarshal([]byte(rows[0][1]), &u.RestoreNote) == nil && u.Format == checkpoint.Format; !known {
		u = nil
	}
	return u, false, nil
}

// made lists the schemas that were not on the target before this restore, or before those that it goes on from or takes the
// place of.
func (r *run) made() []string {
	if r.plan.Resumes {
		return r.plan.unfinished.Made
	}
	list := []string{}
	for _, s := range r.plan.Schemas {
		before := func(o schema.ObjectName) bool {
			return o.Name.Name == checkpoint.ProgressTable && slices.Contains(r.plan.begun.made[o.Schema], s.Name)
		}
		if !s.OnTarget || r.plan.Force && slices.ContainsFunc(r.plan.Existing, before) {
			list = append(list, s.Name)
		}
	}
	return list
}

// unreadableTable tells whether a table is not this account's to read, or has other columns.
func unreadableTable(err error) bool {
	switch server.ErrorNumber(err) {
	case server.ErrTableDenied, server.ErrColumnDenied, server.ErrUnknownColumn, server.ErrNoSuchTable:
		return true
	}
	return false
}

// goOn makes the plan that of the unfinished restore.
func (p *Plan) goOn(ctx context.Context, c Config, reader *archive.Reader, u *unfinished, phase progress.Phase) (err error) {
	p.unfinished, p.Resumes, p.Stop = u, true, u.Stop
	if p.manifest, err = c.Catalog.Manifest(ctx, p.Instance, u.BackupID); err != nil {
		f := fault.Of(err)
		return fault.New(f.Code, f.Kind, "the unfinished restore on the target needs this backup: bring it back, or begin anew from another one with --force", "%w", err)
	}
	if p.wish.scope().IsPart() {
		p.part, err = surveyPart(ctx, reader, p.manifest, p.wish, p.Stop.Position, phase)
	}
	return err
}

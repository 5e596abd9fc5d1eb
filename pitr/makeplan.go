package pitr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/storage/catalog"
)

// MakePlan says what a restore would do, without doing any of it. Faults: 10 no such instance
// or backup; 12 a stop point outside of what can be recovered, a hole, a statement whose result
// the log does not hold; 2 a wish that cannot be meant. What the target lacks is no error here:
// it stands in the plan's findings, see Problem.
func MakePlan(ctx context.Context, c Config, w Wish) (*Plan, error) {
	if _, err := director.NewRenames(w.Rename, func(n schema.Name) schema.Name { return n }); err != nil {
		return nil, err
	}
	p := &Plan{Instance: w.Instance, Wanted: w.Stop.String(), Force: w.Force, Target: c.Target.Address().Redacted(), wish: w, reads: countReads(c.Catalog)}
	c.Catalog = p.reads.ofBackup
	reader := archive.Open(p.reads.ofArchive, w.Instance, archive.Log(c.log()))
	phase := c.progress().Begin("plan", progress.Amount{})
	defer phase.End()
	found, others, err := findUnfinished(ctx, c.Target, w)
	p.begun = others
	switch {
	case err != nil:
	case found != nil:
		err = p.goOn(ctx, c, reader, found, phase)
	default:
		err = p.begin(ctx, c, reader, phase)
	}
	if err != nil {
		return nil, err
	}
	lacks, err := director.Lacking(p.manifest, w.Selection)
	if err != nil {
		return nil, err
	}
	p.warnings = append(p.warnings, lacks...)
	p.BackupID, p.From, p.RecoverableFrom = p.manifest.ID, p.manifest.Floor, p.manifest.RecoverableFrom
	if p.part != nil {
		p.RecoverableFrom = binlog.Point{Position: p.part.From}
		for _, pattern := range p.part.Idle {
			p.warnings = append(p.warnings, fmt.Sprintf("--exclude %s matches nothing at the stop point", pattern))
		}
	}
	if err := reader.Covers(ctx, p.From.Position, p.Stop.Position); err != nil {
		return nil, err
	}
	d, err := newDirector(c, p.manifest, w, p.part)
	if err != nil {
		return nil, err
	}
	loads := d.Loads(p.manifest)
	p.definitions = newDefinitions(c.Catalog, p.manifest)
	definitions, err := p.definitions.loaded(ctx, loads)
	if err != nil {
		return nil, err
	}
	p.definitions.tell(ctx, d)
	s := newScan(d, loads, definitions, c.Target.Facts().MaxAllowedPacket)
	began := time.Now()
	if err := s.run(ctx, reader, spanOf(p.manifest, p.Stop.Position), phase); err != nil {
		return nil, p.calledLater(ctx, reader, phase, err)
	}
	clear(p.definitions.known) // hardly anything of it is needed again
	read := time.Since(began)
	if err := errors.Join(d.RefuseSpelled(), d.RefuseLongNames(s.constrained), director.RefuseConstraints(s.constraints)); err != nil {
		return nil, err
	}
	if err := p.describe(s, loads); err != nil {
		return nil, err
	}
	if p.Segments, err = reader.Between(ctx, p.From.Position, p.Stop.Position); err != nil {
		return nil, err
	}
	p.Bytes = p.Load.BytesStored + p.Replay.BytesStored
	accounts, err := accountSteps(ctx, c.Catalog, p.manifest, d)
	if err != nil {
		return nil, err
	}
	if err := p.look(ctx, c, s.needs(p.manifest), accounts); err != nil {
		return nil, err
	}
	p.Estimate = estimate(p, c.Rates, read)
	return p.listed(), nil
}

// listed makes lists without anything lists all the same: null would be for what is not known.
func (p *Plan) listed() *Plan {
	p.Schemas, p.Tables, p.MissingGrants = orEmpty(p.Schemas), orEmpty(p.Tables), orEmpty(p.MissingGrants)
	p.Creates, p.Existing, p.Findings = orEmpty(p.Creates), orEmpty(p.Existing), orEmpty(p.Findings)
	return p
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// begin resolves the stop point and chooses the backup.
func (p *Plan) begin(ctx context.Context, c Config, reader *archive.Reader, phase progress.Phase) error {
	manifests, damaged, err := readManifests(ctx, c.Catalog, p.wish)
	if err != nil {
		return err
	}
	if p.Stop, p.manifest, p.part, err = settle(ctx, reader, manifests, p.wish, phase); err != nil {
		return noOtherServes(err, manifests, damaged)
	}
	for _, d := range damaged {
		p.warnings = append(p.warnings, fmt.Sprintf("a backup is left out, its manifest cannot be read: %v", d))
	}
	return nil
}

// look adds what the target says.
func (p *Plan) look(ctx context.Context, c Config, n *needs, accounts []director.AccountStep) error {
	names := make([]string, len(p.Schemas))
	for i, s := range p.Schemas {
		names[i] = s.Name
	}
	f, err := gatherTarget(ctx, c.Target, names, n.zones)
	if err != nil {
		return err
	}
	if err := f.gatherTablespaces(ctx, c.Target, n.tablespaces); err != nil {
		return err
	}
	for i := range p.Schemas {
		p.Schemas[i].OnTarget = f.schemas[f.fold(p.Schemas[i].Name)]
	}
	if !p.Resumes { // else what is there is this restore's own
		p.Existing = f.existing(p.Creates)
	}
	if p.Force && !p.Resumes {
		for _, o := range f.ownTables(names) {
			if !slices.Contains(p.Existing, o) {
				p.Existing = append(p.Existing, o)
			}
		}
	}
	p.Load.Local = f.LocalInfile
	p.MissingGrants = server.GrantStatements(f.CurrentUser, missingGrants(p, f, n))
	p.Findings = checkTarget(p, f, n)
	if err := p.lookAtAccounts(ctx, c, f.grants, accounts); err != nil {
		return err
	}
	for _, message := range p.warnings {
		p.Findings = append(p.Findings, Finding{ID: "manifest", Level: LevelWarning, Message: message})
	}
	return nil
}

// ownTables lists the tables that unfinished restores left for themselves in the schemas.
func (f *targetFacts) ownTables(schemas []string) []schema.ObjectName {
	var list []schema.ObjectName
	for _, s := range schemas {
		for _, own := range checkpoint.OwnTables {
			if o, ok := f.objects[f.key(schema.ObjectName{Kind: "table", Name: schema.Name{Schema: s, Name: own}})]; ok {
				if own == checkpoint.ProgressTable {
					list = append(list, f.privateTables(s)...)
				}
				list = append(list, o)
			}
		}
	}
	return list
}

// privateTables lists what a part that has not finished left under names of ours.
func (f *targetFacts) privateTables(name string) []schema.ObjectName {
	var list []schema.ObjectName
	for _, o := range f.objects {
		if o.Kind == "table" && o.Schema == name && strings.HasPrefix(o.Name.Name, director.PrivatePrefix) && !slices.Contains(checkpoint.OwnTables, o.Name.Name) {
			list = append(list, o)
		}
	}
	slices.SortFunc(list, func(a, b schema.ObjectName) int { return a.Compare(b.Name) })
	return list
}

// readManifests reads the manifests that may serve the wish, oldest first. damaged holds the
// faults of those that are altered, or newer than this program, while others are not.
func readManifests(ctx context.Context, c *catalog.Catalog, w Wish) (list []*catalog.Manifest, damaged []error, err error) {
	if w.Backup != "" {
		m, err := c.Manifest(ctx, w.Instance, w.Backup)
		if err != nil {
			return nil, nil, err
		}
		return []*catalog.Manifest{m}, nil, nil
	}
	ids, err := c.Backups(ctx, w.Instance)
	if err != nil {
		return nil, nil, err
	}
	if len(ids) == 0 {
		return nil, nil, fault.New(fault.CodeNotFound, fault.KindNotFound, "take one with tripod backup", "instance %s has no backup in this store", w.Instance)
	}
	for _, id := range ids {
		m, err := c.Manifest(ctx, w.Instance, id)
		switch {
		case err == nil:
			list = append(list, m)
		case unreadable(err):
			damaged = append(damaged, err)
		default:
			return nil, nil, err
		}
	}
	if len(list) == 0 {
		return nil, nil, damaged[0]
	}
	return list, damaged, nil
}

// unreadable tells damage of one object from a store that cannot be read.
func unreadable(err error) bool {
	kind := fault.Of(err).Kind
	return kind == fault.KindIntegrity || kind == fault.KindVersion
}

// noOtherServes prefers the damage of a manifest to the range that the others leave: the damaged
// backup may be the one that reaches back to the stop point.
func noOtherServes(err error, manifests []*catalog.Manifest, damaged []error) error {
	if len(damaged) == 0 || fault.Of(err).Kind != fault.KindRange {
		return err
	}
	ids := make([]string, len(manifests))
	for i, m := range manifests {
		ids[i] = m.ID
	}
	f := fault.Of(damaged[0])
	return fault.New(f.Code, f.Kind, fmt.Sprintf("%s; or restore to a point that another backup reaches: --backup %s", f.Hint, strings.Join(ids, " or --backup ")),
		"%w, and without that backup %w", damaged[0], err)
}

// describe fills in what manifest and log say.
func (p *Plan) describe(s *scan, loads []director.LoadBase) error {
	p.Replay = s.replay
	p.Creates = s.creates()
	p.Load.Threads = p.wish.threads()
	d := s.director
	for _, b := range loads {
		t := TablePlan{Name: b.OnTarget, Class: b.Class, Chunks: len(b.Chunks)}
		if b.OnTarget != b.Name {
			t.Source = b.String()
		}
		for i := range b.Chunks {
			t.Rows += b.Chunks[i].Rows
			t.Bytes += b.Chunks[i].Bytes
			t.BytesStored += b.Chunks[i].BytesStored
		}
		p.Tables = append(p.Tables, t)
		p.Load.Rows += t.Rows
		p.Load.Bytes += t.Bytes
		p.Load.BytesStored += t.BytesStored
		p.Load.Chunks += t.Chunks
	}
	p.Schemas = schemaPlans(p.manifest, d)
	for i := range p.Schemas {
		p.Schemas[i].whole = d.Whole(p.Schemas[i].Name)
	}
	if p.part != nil {
		for _, name := range p.part.Extra {
			p.Schemas = append(p.Schemas, SchemaPlan{Name: name})
		}
	}
	if len(p.Schemas) == 0 {
		return fault.New(fault.CodeUsage, fault.KindUsage, "tripod list and the plan of a whole restore show what a backup holds",
			"nothing to restore: no schema of backup %s is asked for", p.BackupID)
	}
	return nil
}

// schemaPlans lists the schemas in which the restore works, those that are there at the stop
// point first: the first one holds the progress table.
func schemaPlans(m *catalog.Manifest, d *director.Director) []SchemaPlan {
	var list []SchemaPlan
	for _, s := range d.Schemas {
		if s.Target == "" {
			continue
		}
		plan := SchemaPlan{Name: s.Target, exists: s.Exists}
		for _, b := range m.Schemas {
			if b.Exists && d.FoldSchema(b.Name) == d.FoldSchema(s.Name) {
				plan.Charset, plan.Collation = b.Charset, b.Collation
			}
		}
		list = append(list, plan)
	}
	slices.SortFunc(list, func(a, b SchemaPlan) int {
		x, y := a.exists, b.exists
		switch {
		case x && !y:
			return -1
		case y && !x:
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list
}

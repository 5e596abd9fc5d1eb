package dumper

import (
	"context"
	"errors"

	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Plan says what a backup would read: the JSON of `tripod backup --dry-run`.
type Plan struct {
	Instance string           `json:"instance"`
	Rows     uint64           `json:"rows"`  // the server's estimate
	Bytes    uint64           `json:"bytes"` // likewise
	Tables   []TablePlan      `json:"tables"`
	Objects  []ObjectPlan     `json:"objects"`
	Findings []source.Finding `json:"findings"`
}

// TablePlan is one table of a Plan.
type TablePlan struct {
	Schema string       `json:"schema"`
	Name   string       `json:"name"`
	Class  schema.Class `json:"class"`
	Rows   uint64       `json:"rows"`
	Bytes  uint64       `json:"bytes"`
	// Refused says why the backup refuses because of this table; empty where it does not.
	Refused string `json:"refused,omitempty"`
}

// ObjectPlan is a view, routine, trigger or event.
type ObjectPlan struct {
	Kind   catalog.ObjectKind `json:"kind"`
	Schema string             `json:"schema"`
	Name   string             `json:"name"`
}

// DryRun says what Run would read and whether it would refuse, and writes nothing, neither to the
// store nor to the spool. The error is that of Run's beginning; with a plan where there is one.
func DryRun(ctx context.Context, cfg Config) (*Plan, error) {
	cfg, wish, err := settle(cfg)
	if err != nil {
		return nil, err
	}
	findings, tables, err := source.Survey(ctx, cfg.Source, wish.scope(cfg.Users))
	if err != nil {
		return nil, err
	}
	p := &Plan{Instance: cfg.Instance, Tables: []TablePlan{}, Objects: []ObjectPlan{}, Findings: append([]source.Finding{}, findings...)}
	for _, t := range tables {
		p.Tables = append(p.Tables, TablePlan{
			Schema: t.Schema, Name: t.Name.Name, Class: t.Class(), Rows: t.Rows, Bytes: t.Bytes, Refused: t.Refused(),
		})
		p.Rows += t.Rows
		p.Bytes += t.Bytes
	}
	if err := source.Refuse(findings); err != nil {
		return p, err
	}
	found, err := discover(ctx, cfg.Source, wish, func() {})
	if err != nil {
		return p, err
	}
	for _, o := range found.objects {
		p.Objects = append(p.Objects, ObjectPlan{Kind: o.kind, Schema: o.name.Schema, Name: o.name.Name})
	}
	if err := wish.matchNothing(&found); err != nil {
		return p, err
	}
	if cfg.Users {
		p.Objects = append(p.Objects, ObjectPlan{Kind: catalog.KindUser, Schema: catalog.AccountsName.Schema, Name: catalog.AccountsName.Name})
	}
	return p, storeServes(ctx, cfg)
}

// storeServes tells what makes the store unfit for the instance; one that is not there yet is made.
func storeServes(ctx context.Context, cfg Config) error {
	_, err := cfg.Catalog.Instance(ctx, cfg.Instance)
	if err != nil && (fault.Of(err).Code == fault.CodeNotFound || errors.Is(err, storage.ErrNotFound)) {
		return nil
	}
	return err
}

package catalog_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/storagetest"
)

func part(run, number uint64, tables ...string) catalog.JournalPart {
	p := catalog.JournalPart{Backup: "b", Run: run, Number: number}
	for _, table := range tables {
		p.Entries = append(p.Entries, catalog.JournalEntry{
			Name: schema.Name{Schema: "d", Name: table}, Read: run, Opened: &catalog.JournalOpened{Create: []byte("CREATE \xff"), Key: "PRIMARY"},
		})
	}
	return p
}

// What a process writes behind the place from which another one has gone on counts no more.
func TestJournalOfARunThatWasTakenOver(t *testing.T) {
	_, c := withInstance(t)
	read := uint64(2)
	second := part(2, 0)
	second.Follows = &read
	for _, p := range []catalog.JournalPart{part(1, 0), part(1, 1, "a"), part(1, 2, "late"), second, part(2, 1, "b"), part(1, 3, "later")} {
		if err := c.PutJournal(t.Context(), instance, p); err != nil {
			t.Fatal(err)
		}
	}
	parts, err := c.Journal(t.Context(), instance, "b")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tablesOf(parts), []string{"a", "b"}; !slices.Equal(got, want) {
		t.Errorf("the journal holds %v, want %v", got, want)
	}
}

func tablesOf(parts []catalog.JournalPart) (tables []string) {
	for _, p := range parts {
		for _, e := range p.Entries {
			tables = append(tables, e.Name.Name)
		}
	}
	return tables
}

// A journal is read in the order in which it was written, and nothing of it is ever changed.
func TestJournal(t *testing.T) {
	b, c := withInstance(t)
	for _, p := range []catalog.JournalPart{part(1, 0), part(1, 1, "a", "b"), part(2, 0), part(1, 2, "c"), part(2, 1, "d"), part(2, 3, "behind a gap")} {
		if err := c.PutJournal(t.Context(), instance, p); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.PutJournal(t.Context(), instance, part(2, 0)); !errors.Is(err, storage.ErrExists) {
		t.Errorf("a run was begun twice: %v", err)
	}
	for run, want := range map[uint64]bool{1: true, 2: true, 3: false} {
		if began, err := c.HasRun(t.Context(), instance, "b", run); err != nil || began != want {
			t.Errorf("run %d: %v, %v", run, began, err)
		}
	}
	parts, err := c.Journal(t.Context(), instance, "b")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		for _, e := range p.Entries {
			if string(e.Opened.Create) != "CREATE \xff" {
				t.Errorf("the definition came back as %q", e.Opened.Create)
			}
		}
	}
	if got, want := tablesOf(parts), []string{"a", "b", "c", "d"}; !slices.Equal(got, want) {
		t.Errorf("the journal holds %v, want %v", got, want)
	}

	key := catalog.JournalKey(instance, "b", 1, 1)
	storagetest.Put(t, b, key, strings.Replace(storagetest.Get(t, b, key), "PRIMARY", "SECOND", 1))
	_, err = c.Journal(t.Context(), instance, "b")
	wantFault(t, err, fault.CodeDifference, fault.KindIntegrity)
	storagetest.Put(t, b, key, storagetest.Get(t, b, catalog.JournalKey(instance, "b", 1, 2)))
	_, err = c.Journal(t.Context(), instance, "b")
	wantFault(t, err, fault.CodeDifference, fault.KindIntegrity)

	if err := c.RemoveJournal(t.Context(), instance, "b"); err != nil {
		t.Fatal(err)
	}
	if parts, err := c.Journal(t.Context(), instance, "b"); err != nil || len(parts) > 0 {
		t.Errorf("%d parts are left, %v", len(parts), err)
	}
}

// What a manifest does not name of a backup's chunks and definitions is removed, and nothing else.
func TestRemoveUnnamed(t *testing.T) {
	b, c := withInstance(t)
	m := manifest("b")
	m.Names[0].SchemaKey, m.Objects[0].SchemaKey = "schema/s/table.t~0123456789abcdef.sql", "schema/s/view.v.sql"
	named := []string{m.Names[0].Chunks[0].Key, "schema/s/database.s.sql", m.Names[0].SchemaKey, m.Objects[0].SchemaKey}
	unnamed := []string{"data/s/t/00000002.tsv.zst", "schema/s/table.t.sql", "schema/s/table.dropped.sql"}
	for _, below := range slices.Concat(named, unnamed) {
		for _, id := range []string{"b", "c"} {
			storagetest.Put(t, b, catalog.BackupKey(instance, id, below), "x")
		}
	}
	if err := c.RemoveUnnamed(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string][]string{"b": named, "c": slices.Concat(named, unnamed)} {
		prefix := catalog.BackupKey(instance, id, "")
		got := storagetest.Keys(t, b, prefix, "")
		for i := range got {
			got[i] = strings.TrimPrefix(got[i], prefix)
		}
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("backup %s has %v, want %v", id, got, want)
		}
	}
}

package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/verify"
)

// TestDefinitionsUnderKeysOfTheirText: a definition of which another text lies under the shorter key is the
// backup's own, and looked at as any other; the one in its way is nobody's.
func TestDefinitionsUnderKeysOfTheirText(t *testing.T) {
	s := newSite(t)
	orders := schema.Name{Schema: "shop", Name: "orders"}
	var moved []string
	id := s.takeBackup(func(m *catalog.Manifest) {
		add := func(kind catalog.ObjectKind, name schema.Name, text string) string {
			below, err := s.cat.AddSchemaObject(t.Context(), instance, m.ID, kind, name, text)
			s.must(err)
			moved = append(moved, catalog.BackupKey(instance, m.ID, below))
			return below
		}
		text := "CREATE TABLE `orders` (id BIGINT PRIMARY KEY)"
		m.Names[0].SchemaKey, m.Names[0].SchemaSHA256 = add(catalog.KindTable, orders, text), catalog.TextSHA256(text)
		m.Schemas[0].Create = "CREATE DATABASE `shop` /*!40100 DEFAULT CHARACTER SET latin1 */"
		m.Schemas[0].SchemaKey = add(catalog.KindDatabase, schema.Name{Schema: "shop", Name: "shop"}, m.Schemas[0].Create)
	})
	r := s.verify(verify.Config{Deep: true})
	if !r.OK || *r.UnownedObjects != 2 {
		t.Errorf("%d objects belong to nobody, problems %v", *r.UnownedObjects, r.Problems)
	}
	for _, key := range moved {
		if !strings.Contains(key, "~") || slices.Contains(r.Unowned, key) {
			t.Errorf("%s belongs to nobody: %v", key, r.Unowned)
		}
	}
	m, err := s.cat.Manifest(t.Context(), instance, id)
	s.must(err)
	s.must(s.cat.RemoveUnnamed(t.Context(), m))
	if r := s.verify(verify.Config{}); !r.OK || *r.UnownedObjects != 0 {
		t.Errorf("%+v", r)
	}
	a, b := s.get(moved[0]), s.get(moved[1])
	s.put(moved[0], b)
	s.put(moved[1], a)
	r = s.verify(verify.Config{})
	for _, key := range moved {
		wants(t, r, key, verify.Altered)
	}
}

package history

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// Kind is what servers a history is on: its source, what that is restored into, and what of the features they have. What
// a kind lacks stands in kinds.go.
type Kind struct {
	Name, Doc string
	server    mysqltest.Kind
	into      []string // names of the kinds that it is restored into; a seed draws one

	// lacks are the features that such a source has not, and single tables of a feature as "feature/table", with why;
	// lacksWithGTIDs those that it has without GTIDs only.
	lacks, lacksWithGTIDs map[string]string
	// spelled are pairs: what the definitions of features hold, and what such a source knows instead.
	spelled []string
	// unlogged are features that its log does not tell by a line of their own.
	unlogged []string

	// cheaper are options with which its servers, sources and targets, take less of the processors, and hold and log the same.
	cheaper []string
	// watched are the options with which it remembers the statements of sessions.
	watched []string
	// status tells the place of the log, in so many columns.
	status        string
	statusColumns int
	gtids         string // expression for the GTIDs that were executed
	// wholeSeconds: the log has commit times in whole seconds.
	wholeSeconds bool
	// anyDefiner are the privileges with which an account sets any definer.
	anyDefiner string
	// replaces: CREATE OR REPLACE DATABASE drops a schema and makes it again.
	replaces bool
	// noRename: there is no RENAME COLUMN.
	noRename bool
	// countersOfParts: each partition has an AUTO_INCREMENT counter of its own.
	countersOfParts bool
	// updatesLeaveCounters: an UPDATE to a value beyond the AUTO_INCREMENT counter does not move it, and what a restore makes of the
	// value in the log is beyond the source's.
	updatesLeaveCounters bool
	// lateCheckpoints: a binlog file gets its own checkpoint some time behind what is in it.
	lateCheckpoints bool
	// hidesCascades: its log does not tell what foreign keys cascade.
	hidesCascades bool
	// heldXA: an XA transaction that is prepared stays with its session, which can do nothing else until it is ended.
	heldXA bool
	// probed sets a session that asks for counters.
	probed string
	// spatialReferences: information_schema.COLUMNS tells those of columns.
	spatialReferences bool
	// reader is the kind whose program reads its log, and that program's name.
	reader     mysqltest.Kind
	readerName string
}

// kindNamed returns one; nil where there is none.
func kindNamed(name string) *Kind {
	if i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name }); i >= 0 {
		return &kinds[i]
	}
	return nil
}

// CheckKinds says what is wrong with the names of a source's and a target's kind; empty ones are the usual.
func CheckKinds(source, into string) error {
	from := Config{Kind: source}.kind()
	switch {
	case from == nil:
		return fmt.Errorf("there is no kind of servers %q: -list shows all", source)
	case into != "" && !slices.Contains(from.into, into):
		return fmt.Errorf("a history of %s is restored into %s, not into %q", from.Name, strings.Join(from.into, " or "), into)
	}
	return nil
}

// ListKinds tells what there are.
func ListKinds() string {
	var b strings.Builder
	for _, k := range kinds {
		fmt.Fprintf(&b, "%-14s %s\n", k.Name, k.Doc)
	}
	return b.String()
}

// kind is that of the source.
func (c Config) kind() *Kind {
	if c.Kind == "" {
		return &kinds[0]
	}
	return kindNamed(c.Kind)
}

// target is the kind that is restored into.
func (c Config) target() *Kind {
	if c.Into != "" {
		return kindNamed(c.Into)
	}
	into := c.kind().into
	return kindNamed(into[rand.New(rand.NewPCG(c.Seed, 21)).IntN(len(into))])
}

// without tells why such a source has not a feature; empty where it has.
func (k *Kind) without(c Config, f *Feature) string {
	if why := k.lacks[f.Name]; why != "" {
		return k.Name + ": " + why
	}
	if why := k.lacksWithGTIDs[f.Name]; why != "" && c.GTID {
		return k.Name + " with GTIDs: " + why
	}
	if f.Not != nil {
		return f.Not(c)
	}
	return ""
}

// adapt returns a feature as such a source can have it.
func (k *Kind) adapt(f *Feature) *Feature {
	adapted := *f
	adapted.Tables, adapted.Linked = nil, nil
	for _, t := range f.Tables {
		if k.lacks[f.Name+"/"+t.name] == "" {
			t.body = k.spell(t.body)
			adapted.Tables = append(adapted.Tables, t)
		}
	}
	for _, statement := range f.Linked {
		adapted.Linked = append(adapted.Linked, k.spell(statement))
	}
	if k.hidesCascades && f.Name == cascades.Name {
		adapted.DDL = nativeKeys.DDL
	}
	if slices.Contains(k.unlogged, f.Name) {
		adapted.Logged, adapted.LogArgs = "", nil
	}
	return &adapted
}

// spell returns a definition as such a source knows it.
func (k *Kind) spell(text string) string { return strings.NewReplacer(k.spelled...).Replace(text) }

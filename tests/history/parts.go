package history

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/truth"
)

// What was renamed, swapped and exchanged before is the history's.
var (
	someTables = Feature{
		Name: "parts", Doc: "at one stop point, a restore of a few tables alone", Share: 60,
		Judge: func(ctx context.Context, h *run) (int, error) {
			return h.restorePart(ctx, rand.New(rand.NewPCG(h.Seed, 11)), false)
		},
	}
	renamedTables = Feature{
		Name: "renames", Doc: "at one stop point, a restore of a few tables under other names", Share: 60,
		Judge: func(ctx context.Context, h *run) (int, error) {
			return h.restorePart(ctx, rand.New(rand.NewPCG(h.Seed, 12)), true)
		},
	}
	skips = Feature{
		Name: "skip-gtid", Doc: "a restore without some transactions", Share: 60,
		Not: func(c Config) string {
			if !c.GTID {
				return "the source has no GTIDs"
			}
			return ""
		},
		Judge: func(ctx context.Context, h *run) (int, error) {
			return h.restoreWithout(ctx, rand.New(rand.NewPCG(h.Seed, 13)))
		},
	}
)

// quotedName quotes schema.table as names are given to tripod.
func quotedName(n string) string {
	s, t, _ := strings.Cut(n, ".")
	return quoteName(s, t)
}

func (h *run) restorePart(ctx context.Context, r *rand.Rand, renamed bool) (int, error) {
	p := h.stops[r.IntN(len(h.stops))]
	tables := p.truth.Tables()
	r.Shuffle(len(tables), func(i, j int) { tables[i], tables[j] = tables[j], tables[i] })
	args, names := p.arguments(), map[string]string{}
	for i, t := range tables[:min(len(tables), 1+r.IntN(5))] {
		names[t.Name] = t.Name
		args = append(args, "--tables", quotedName(t.Name))
		if renamed {
			s, _, _ := strings.Cut(t.Name, ".")
			names[t.Name] = fmt.Sprintf("%s.called_%d", s, i)
			args = append(args, "--rename", quotedName(t.Name)+"="+quotedName(names[t.Name]))
		}
	}
	restored, _, err := h.restoreInto(ctx, args)
	if exclude := namingRefused(err); renamed && exclude != "" {
		restored, _, err = h.restoreInto(ctx, append(args, "--exclude", exclude))
	}
	if err != nil && h.hidesCascades() && strings.Contains(err.Error(), "does not log what its foreign keys cascade") {
		return 1, nil // a child without its parent is refused by name: that is judged, too
	}
	if h.withoutStatements(err) != "" {
		return 1, nil // refused by name, and judged at its stop point
	}
	if err != nil {
		return 0, err
	}
	var moved []string
	atLeast, exact := map[string]uint64{}, map[string]bool{}
	for from, to := range names {
		atLeast[to], exact[to] = p.atLeast[from], p.exact[from]
		if from != to {
			moved = append(moved, to)
		}
	}
	part, restored := p.truth.Part(names), restored.WithoutSchemas().WithoutTriggersOf(moved...)
	h.report.compared(restored)
	d := append(part.Differences(restored), part.CounterDifferences(restored, atLeast, exact)...)
	if len(d) > 0 {
		return 0, fmt.Errorf("restored %v, but it differs:\n%s", args, strings.Join(d[:min(len(d), 30)], "\n"))
	}
	h.report.Parts++
	h.logf("restored %d tables alone, renamed %v: equal", len(names), renamed)
	return 1, nil
}

var excludeHint = regexp.MustCompile(`--rename changes no text, and these name what is renamed[^:]*: .*--exclude ([^";]+)[";]`)

// namingRefused returns what has to be left out because its text names a renamed table: triggers that
// write into another table of the part.
func namingRefused(err error) string {
	if err == nil {
		return ""
	}
	found := excludeHint.FindStringSubmatch(err.Error())
	if found == nil {
		return ""
	}
	return unquoted(found[1])
}

// skipTries is how often other transactions are drawn where a statement is among them, or where a
// later one does not fit the rows that stayed.
const skipTries = 6

// restoreWithout leaves out some transactions between the first two stop points. Rows that are not
// told to be loose are the source's, and of the others no more differ than were told.
func (h *run) restoreWithout(ctx context.Context, r *rand.Rand) (int, error) {
	for range skipTries {
		set, err := h.someGTIDs(ctx, r)
		if err != nil || set == "" {
			return 0, err
		}
		p := h.stops[1+r.IntN(len(h.stops)-1)]
		restored, out, err := h.restoreInto(ctx, append(p.arguments(), "--skip-gtid", set))
		if err != nil && (strings.Contains(err.Error(), "left out by --skip-gtid") || strings.Contains(err.Error(), "Duplicate entry") || h.withoutStatements(err) != "") {
			continue
		}
		if err != nil {
			return 0, err
		}
		var result struct {
			Loose []string `json:"loose"`
		}
		if err := json.Unmarshal(out, &result); err != nil {
			return 0, fmt.Errorf("read the result of --skip-gtid: %w", err)
		}
		tables, rows := map[string]bool{}, map[string]int{}
		for _, l := range result.Loose {
			n, what, _ := strings.Cut(l, ": ")
			if schema, table, _ := strings.Cut(n, "."); strings.EqualFold(schema, otherSchema) { // folded by the server
				n = otherSchema + "." + table
			}
			tables[n] = true
			if rows[n]++; strings.HasPrefix(what, "the whole table") {
				rows[n] = 1 << 30
			}
		}
		h.report.compared(restored)
		loose, differ := p.truth.Loosen(restored, tables)
		d := loose.Differences(restored)
		for n, count := range differ {
			// A row that was changed, or has moved, differs by two; another one may have given way to it.
			if count > 4*rows[n] {
				d = append(d, fmt.Sprintf("%d rows of %s differ, %d are loose", count, n, rows[n]))
			}
		}
		if len(d) > 0 {
			return 0, fmt.Errorf("restored without %s, but it differs:\n%s\nloose:\n%s", set, strings.Join(d[:min(len(d), 30)], "\n"), strings.Join(result.Loose, "\n"))
		}
		h.report.Skips++
		h.logf("restored without %s: %d loose rows, the others equal", set, len(result.Loose))
		return 1, nil
	}
	return 1, nil // refused by name each time, or by the server: that is judged, too
}

// someGTIDs draws transactions between the first two stop points; empty where there are none.
func (h *run) someGTIDs(ctx context.Context, r *rand.Rand) (string, error) {
	var between string
	if h.kind().server == mysqltest.MariaDB1011 {
		return someMariaDBGTIDs(r, h.stops[0].gtids, h.stops[1].gtids)
	}
	query := "SELECT REPLACE(GTID_SUBTRACT('" + h.stops[1].gtids + "', '" + h.stops[0].gtids + "'), '\n', '')"
	if err := h.source.QueryRowContext(ctx, query).Scan(&between); err != nil {
		return "", fmt.Errorf("list transactions: %w", err)
	}
	uuid, interval, _ := strings.Cut(between, ":")
	var first, last int
	switch n, _ := fmt.Sscanf(interval, "%d-%d", &first, &last); n {
	case 0:
		return "", nil
	case 1:
		last = first
	}
	var list []string
	for range 1 + r.IntN(4) {
		list = append(list, fmt.Sprintf("%s:%d", uuid, first+r.IntN(last-first+1)))
	}
	return strings.Join(list, ","), nil
}

// someMariaDBGTIDs draws transactions between two positions of one domain.
func someMariaDBGTIDs(r *rand.Rand, from, to string) (string, error) {
	var domain, server, first, last int
	if _, err := fmt.Sscanf(from, "%d-%d-%d", &domain, &server, &first); err != nil {
		return "", fmt.Errorf("read the GTID %q: %w", from, err)
	}
	if _, err := fmt.Sscanf(to, "%d-%d-%d", &domain, &server, &last); err != nil {
		return "", fmt.Errorf("read the GTID %q: %w", to, err)
	}
	if last == first {
		return "", nil
	}
	var list []string
	for range 1 + r.IntN(4) {
		list = append(list, fmt.Sprintf("%d-%d-%d", domain, server, first+1+r.IntN(last-first)))
	}
	return strings.Join(list, ","), nil
}

func (p stopPoint) arguments() []string {
	if p.flag == "" {
		return nil
	}
	return []string{p.flag, p.value}
}

// restoreInto empties the target, restores, and says what there is.
func (h *run) restoreInto(ctx context.Context, more []string) (*truth.Truth, []byte, error) {
	target := h.servers.Target
	if err := h.emptyTarget(ctx); err != nil {
		return nil, nil, err
	}
	var result json.RawMessage
	args := append([]string{"restore", "--store", h.store(), "--instance", instance, "--target", target.URL(mysqltest.RestoreUser)}, more...)
	o, err := h.prog.must(ctx, &result, args...)
	if err != nil {
		return nil, nil, fmt.Errorf("restore %v: %w", more, err)
	}
	h.report.Restores += o.took
	restored, err := h.takeRestored(ctx)
	return restored, result, err
}

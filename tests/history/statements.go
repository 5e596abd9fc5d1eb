package history

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// statements write what the log does not hold. While a backup runs it reads such tables again; behind it their range ends: a
// restore of a later moment is refused by that name, and goes without them, as the refusal says.
var statements = Feature{
	Name: "statements", Doc: "a session that now and then logs in STATEMENT or MIXED format: restored equal, or refused by name, and the others equal", Share: 8,
	Beside:     inStatementFormat,
	endsRanges: true,
	Linked:     []string{"CREATE TABLE `shop`.`worded` (id INT NOT NULL PRIMARY KEY, v VARCHAR(60), n INT)"},
}

// How many steps of the session there are for one in which it writes. Each such has all tables of its schema read again while the backup
// runs, so that it comes to no end where they come all the time: then there are mostInside.
const (
	statementsInside = 40
	statementsBehind = 12
	mostInside       = 4
)

func inStatementFormat() func(context.Context, *writer) (int, error) {
	inside := 0
	return func(ctx context.Context, w *writer) (int, error) {
		h := w.writers.run
		every, tables := statementsBehind, h.live.names()
		if !h.exists("manifest.json") {
			every = statementsInside
		}
		if w.r.IntN(every) > 0 || len(tables) == 0 {
			return 0, nil
		}
		if every == statementsInside {
			if inside++; inside > mostInside {
				return 0, nil
			}
		}
		n := tables[w.r.IntN(len(tables))]
		s := change(w.r, n, h.live.columns(n))
		switch w.r.IntN(5) {
		case 0:
			s = fmt.Sprintf("INSERT INTO `shop`.`worded` (id, v, n) SELECT id + %d, UUID(), RAND() * 100 FROM `shop`.`parents` ORDER BY id LIMIT 3", 1000*w.r.IntN(50))
		case 1:
			s = "UPDATE `shop`.`parents` p JOIN `shop`.`journal` j ON j.n = p.id SET p.v = 'joined', j.n = j.n + 1"
		case 2:
			s = fmt.Sprintf("CALL `shop`.`add_parent`(%d)", w.r.IntN(200))
		}
		if s == "" {
			return 0, nil
		}
		if err := w.all(ctx, "SET SESSION binlog_format="+pick(w.r, "STATEMENT", "STATEMENT", "MIXED")); err != nil {
			return 0, err
		}
		err := w.exec(ctx, s)
		return 1, err
	}
}

// How a restore says that the log does not hold what became of some tables, and what goes all the same.
var (
	rangeEnded = regexp.MustCompile(`exit 12: (\{"error":\{"code":12,"kind":"statement".*\})`)
	wayOut     = regexp.MustCompile(`--exclude ('(?:[^']|'\\'')*'|[^'; ]+)`)
)

// withoutStatements returns the tables that a refusal wants left out; empty where it is another error, or the history has no
// such sessions.
func (h *run) withoutStatements(err error) string {
	if err == nil || !h.endsRanges() {
		return ""
	}
	found := rangeEnded.FindStringSubmatch(err.Error())
	if found == nil {
		return ""
	}
	var said struct{ Error struct{ Hint string } }
	if json.Unmarshal([]byte(found[1]), &said) != nil {
		return ""
	}
	exclude := wayOut.FindStringSubmatch(said.Error.Hint)
	if exclude == nil {
		return ""
	}
	return unquoted(strings.TrimSuffix(exclude[1], ",")) // another way out may follow
}

// excludeTries bounds how often a restore names a further table: it names the first that it meets.
const excludeTries = 40

// unquoted is a word as a shell takes it that was given it in single quotes.
func unquoted(word string) string {
	if !strings.HasPrefix(word, "'") {
		return word
	}
	return strings.ReplaceAll(word[1:len(word)-1], `'\''`, "'")
}

// judgeTheOthers restores a stop point without the tables whose range has ended before it, and compares the others.
func (h *run) judgeTheOthers(ctx context.Context, p stopPoint, exclude string) error {
	for range excludeTries {
		restored, out, err := h.restoreInto(ctx, append(p.arguments(), "--exclude", exclude))
		more := h.withoutStatements(err)
		if more != "" && !strings.Contains(exclude, more) {
			exclude += "," + more
			continue
		}
		if more != "" { // a swap gave its name to another table: the refusal names what it was called at the statement
			h.logf("restore %s without %s: refused for %s", p.flag, exclude, more)
			return nil
		}
		if err != nil {
			return err
		}
		kept := map[string]string{}
		for _, t := range restored.Tables() {
			kept[t.Name] = t.Name
		}
		left := 0
		for _, t := range p.truth.Tables() {
			if kept[t.Name] == "" {
				left++
			}
		}
		if named := strings.Count(exclude, ",") + 1; left > named {
			return fmt.Errorf("restored %s %s without %s, but it differs:\n%d tables are missing", p.flag, p.value, exclude, left)
		}
		var result struct {
			Changed []string `json:"definers_changed"`
		}
		if err := json.Unmarshal(out, &result); err != nil {
			return fmt.Errorf("read the result of --exclude: %w", err)
		}
		h.holds(definers.Name, restored.Definers())
		h.report.compared(restored)
		d := append(p.truth.Part(kept).Differences(restored.Part(kept)), p.truth.DefinerDifferences(restored, mysqltest.RestoreUser.Name+"@%", h.mayDefine, result.Changed)...)
		if len(d) > 0 {
			return fmt.Errorf("restored %s %s without %s, but it differs:\n%s", p.flag, p.value, exclude, strings.Join(d[:min(len(d), 30)], "\n"))
		}
		h.logf("restored %s without %s: %d tables, equal", p.flag, exclude, len(kept))
		return nil
	}
	return fmt.Errorf("restore %s %s: after %d tries there are still tables to be left out", p.flag, p.value, excludeTries)
}

// endsRanges tells whether a restore of this history may be refused for some tables.
func (h *run) endsRanges() bool {
	return slices.ContainsFunc(h.features, func(f *Feature) bool { return f.endsRanges })
}

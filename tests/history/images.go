package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

var rowImages = Feature{
	Name: "row-images", Doc: "sessions whose row images lack columns, switched in mid-flight", Share: 50,
	Session: func(w *writer) []string { return []string{w.setImage()} },
	Between: func(w *writer) []string { return []string{w.setImage()} },
	// What the image lacks, mysqlbinlog does not tell: the feature is what is done under the least of them.
	Transaction: leanChanges, Every: 6,
}

func (w *writer) setImage() string {
	image := pick(w.r, w.leastImage(), w.leastImage(), "NOBLOB", "FULL")
	w.lean = image != "FULL"
	return "SET SESSION binlog_row_image=" + image
}

// Where images lack columns, what moves a row to another primary key, or changes a part of a document that is not logged,
// has the table read again in whose window it lies. One in divergingEvery is sent, and no more than mostDiverging of a
// history: on a slow machine a table that grows meanwhile would never be read without one, and the backup not end.
const (
	divergingEvery = 8
	mostDiverging  = 60
)

func (w *writer) mayDiverge() bool {
	return w.r.IntN(divergingEvery) == 0 && w.diverging.Add(1) <= mostDiverging
}

// bareEvery: under lean images one statement in so many inserts rows of which the log has no column, where a column does not count by
// itself. No table of the history may be without transactions then: such a one may hold rows that the log lacks (error 1534).
const bareEvery = 40

// mayBeBare tells whether rows of a table may be all defaults: a restore into another version takes no geometry without bytes.
func (w *writer) mayBeBare(columns []column) bool {
	return w.lean && !w.writers.run.features.has(engines.Name) && !slices.ContainsFunc(columns, func(c column) bool { return c.spatial() && !c.nullable })
}

// draw draws one statement on a table.
func (w *writer) draw(n name, columns []column) string {
	if w.mayBeBare(columns) && w.r.IntN(bareEvery) == 0 {
		return "INSERT INTO " + n.String() + " () VALUES ()" + pick(w.r, "", ",()")
	}
	leave := w.writers.run.kind().updatesLeaveCounters
	s := change(w.r, n, columns)
	for leave && passesCounter(s, columns) || w.lean && movesRows(s, columns) && !w.mayDiverge() {
		s = change(w.r, n, columns)
	}
	return s
}

// passesCounter tells whether a statement may give a row a number beyond the counter of its table.
func passesCounter(statement string, columns []column) bool {
	counting, ok := counted(columns)
	sets, _, _ := strings.Cut(statement, " WHERE ")
	return ok && strings.HasPrefix(statement, "UPDATE") && strings.Contains(sets, quote(counting.name)+"=")
}

// movesRows tells whether a statement may give a column of the primary key another value. A REPLACE that meets a row
// by another unique key is logged as the update of that row.
func movesRows(statement string, columns []column) bool {
	if strings.HasPrefix(statement, "REPLACE") {
		return slices.ContainsFunc(columns, func(c column) bool { return c.key && !c.primary })
	}
	sets, _, _ := strings.Cut(statement, " WHERE ")
	return slices.ContainsFunc(columns, func(c column) bool { return c.primary && strings.Contains(sets, quote(c.name)+"=") })
}

// leastImage is the least that a restore can do with: where nothing logs what foreign keys do, an image must
// have the values that children refer to, which are not the primary key alone.
func (w *writer) leastImage() string {
	on := chosen(w.features)
	if on.has(nativeKeys.Name) || w.writers.run.kind().hidesCascades && (on.has(cascades.Name) || on.has(selfReferences.Name) || on.has(cycles.Name)) {
		return "NOBLOB"
	}
	return "MINIMAL"
}

// leanChanges are some statements with the least of images.
func leanChanges(ctx context.Context, w *writer) (done int, err error) {
	if err := w.exec(ctx, "SET SESSION binlog_row_image="+w.leastImage()); err != nil {
		return 0, err
	}
	w.lean = true
	for range w.r.IntN(4) + 1 {
		switch err := w.change(ctx); {
		case isLost(err):
			return done, err
		case err == nil:
			done++
		}
	}
	w.committed.Add(int64(done))
	return done, w.exec(ctx, w.setImage())
}

var jsonDiffs = Feature{
	Name: "json-diffs", Doc: "sessions that log what changes in JSON documents (PARTIAL_JSON), switched in mid-flight", Share: 40,
	Tables: []template{{name: "papers", body: `(
  id INT NOT NULL, j JSON, k JSON, n INT, u INT, PRIMARY KEY (id), UNIQUE KEY u_u (u))`}, {name: "notes", body: `(
  id INT NOT NULL, j JSON, n INT, PRIMARY KEY (id))`}},
	Session:     func(w *writer) []string { return []string{setDiffs(w.r)} },
	Between:     func(w *writer) []string { return []string{setDiffs(w.r)} },
	Transaction: editDocuments, Every: 4,
	Logged: "\tUpdate_rows_partial",
}

func setDiffs(r *rand.Rand) string {
	return "SET SESSION binlog_row_value_options=" + pick(r, "PARTIAL_JSON", "PARTIAL_JSON", "''")
}

// editDocuments changes parts of documents, several columns in one statement, and now and then writes whole ones.
func editDocuments(ctx context.Context, w *writer) (done int, err error) {
	image, behind := w.imagesOfDiffs()
	if err := w.all(ctx, "SET SESSION binlog_row_value_options=PARTIAL_JSON", image); err != nil {
		return 0, err
	}
	for _, n := range w.writers.run.live.names() {
		var sets []string
		for _, c := range w.writers.run.live.columns(n) {
			if c.dataType == "json" && !c.generated {
				sets = append(sets, quote(c.name))
			}
		}
		if len(sets) == 0 || w.r.IntN(3) == 0 {
			continue
		}
		statement := "UPDATE " + n.String() + " SET "
		for i, column := range sets {
			if i > 0 {
				statement += ", "
			}
			statement += column + "=" + edited(w.r, column)
		}
		switch err := w.exec(ctx, statement+fmt.Sprintf(" LIMIT %d", w.r.IntN(4)+1)); {
		case isLost(err):
			return done, err
		case err == nil:
			done++
		}
	}
	w.committed.Add(int64(done))
	return done, w.all(ctx, setDiffs(w.r), behind)
}

// imagesOfDiffs are the image for changes of documents, and the one behind them.
func (w *writer) imagesOfDiffs() (image, behind string) {
	if !chosen(w.features).has(rowImages.Name) {
		return "SET SESSION binlog_row_image=FULL", "SET SESSION binlog_row_image=FULL"
	}
	behind = w.setImage()
	if w.mayDiverge() {
		return behind, behind
	}
	return "SET SESSION binlog_row_image=FULL", behind
}

// edited is an expression that changes parts of a document, or a document that has parts.
func edited(r *rand.Rand, column string) string {
	if r.IntN(4) == 0 {
		return fmt.Sprintf(`JSON_OBJECT('a',%d,'l',JSON_ARRAY(1,2,JSON_OBJECT('x',1)),'two words',NULL,'pad',REPEAT('p',150))`, r.IntN(100))
	}
	expression := column
	for range r.IntN(3) + 1 {
		path := pick(r, "$.a", "$.l[1]", "$.l[2].x", "$.l[7]", `$."two words"`, "$.new", "$.l[last]", "$.new.deeper")
		switch r.IntN(4) {
		case 0:
			expression = fmt.Sprintf("JSON_REMOVE(%s,'%s')", expression, path)
		case 1:
			expression = fmt.Sprintf("JSON_REPLACE(%s,'%s',%d)", expression, path, r.IntN(1000))
		default:
			expression = fmt.Sprintf("JSON_SET(%s,'%s',%s)", expression, path, pick(r, "1", "'text'", "CAST('{}' AS JSON)", "NULL", "-7000000000", "0.5"))
		}
	}
	return expression
}

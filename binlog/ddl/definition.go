package ddl

import (
	"sync"

	tidb "github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/mysql"

	// The parser makes literals through this package; without one it panics.
	_ "github.com/pingcap/tidb/pkg/parser/test_driver"
)

// tidbParsers keeps parsers for reuse: one is some hundred KiB of tables and buffers, and not
// safe for concurrent use.
var tidbParsers = sync.Pool{New: func() any { return tidb.New() }}

// definitionOnly tells whether the statement changes the text of a definition and nothing
// else. The tree of the TiDB parser decides; clauses that it may have dropped (fact 8.16) are
// found by counting. What does not parse changes meaning.
func (p *parser) definitionOnly() bool {
	if p.broken || p.s.Uncertain || p.s.Cascades {
		return false
	}
	tree := tidbTree(p.effective(p.inner), p.s.session.SQLMode)
	switch t := tree.(type) {
	case *ast.AlterTableStmt:
		return len(t.Specs) == p.countClauses() && harmlessSpecs(t.Specs)
	case *ast.CreateIndexStmt:
		return t.KeyType == ast.IndexKeyTypeNone && plainParts(t.IndexPartSpecifications)
	}
	return false
}

// effective returns the text from byte start on as the source's server executed it: comments
// and the marks of versioned ones blanked, so that a parser with another opinion of them reads
// the same.
func (l *lexed) effective(start int) string {
	edits := []Edit{{0, start, ""}}
	for _, g := range l.gaps {
		if g.start >= start {
			edits = append(edits, Edit{g.start, g.end, " "})
		}
	}
	return applyEdits(l.text, edits)
}

// tidbTree returns the tree of one statement, or nil.
func tidbTree(text string, sqlMode uint64) (tree ast.StmtNode) {
	defer func() {
		// A parser that gives up by a panic has not understood the text, and is not reused.
		if recover() != nil {
			tree = nil
		}
	}()
	t := tidbParsers.Get().(*tidb.Parser)
	var mode mysql.SQLMode
	if sqlMode&modeANSIQuotes != 0 {
		mode |= mysql.ModeANSIQuotes
	}
	if sqlMode&modeNoBackslashEscapes != 0 {
		mode |= mysql.ModeNoBackslashEscapes
	}
	t.SetSQLMode(mode)
	// The list is the parser's own: it is the next reader's as soon as the parser is.
	if trees, _, err := t.ParseSQL(text); err == nil && len(trees) == 1 {
		tree = trees[0]
	}
	t.Reset()
	tidbParsers.Put(t)
	return tree
}

// clauseWords begin the clauses of ALTER TABLE that can be definition only.
var clauseWords = []string{"ADD", "ALTER", "COMMENT", "AUTO_INCREMENT", "STATS_PERSISTENT", "STATS_AUTO_RECALC",
	"STATS_SAMPLE_PAGES", "ALGORITHM", "LOCK"}

// countClauses counts the clauses of the ALTER TABLE that the cursor stands in front of; -1 if
// there is one that cannot be definition only.
func (p *parser) countClauses() int {
	end := len(p.tokens)
	for end > p.i && p.isPunct(end-1, ';') {
		end--
	}
	clauses := p.list(p.i, end)
	for _, c := range clauses {
		if !p.isAnyWord(c.start, clauseWords...) {
			return -1
		}
	}
	return len(clauses)
}

func harmlessSpecs(specs []*ast.AlterTableSpec) bool {
	for _, s := range specs {
		if !harmlessSpec(s) {
			return false
		}
	}
	return true
}

func harmlessSpec(s *ast.AlterTableSpec) bool {
	switch s.Tp {
	case ast.AlterTableAlgorithm, ast.AlterTableLock, ast.AlterTableAlterColumn:
		return true
	case ast.AlterTableOption:
		return harmlessOptions(s.Options)
	case ast.AlterTableAddConstraint:
		return harmlessConstraint(s.Constraint)
	default:
		return false
	}
}

func harmlessOptions(options []*ast.TableOption) bool {
	for _, o := range options {
		switch o.Tp {
		case ast.TableOptionComment, ast.TableOptionAutoIncrement, ast.TableOptionStatsPersistent,
			ast.TableOptionStatsAutoRecalc, ast.TableOptionStatsSamplePages:
		default:
			return false
		}
	}
	return len(options) > 0
}

// harmlessConstraint accepts a plain index and a foreign key that changes no child.
func harmlessConstraint(c *ast.Constraint) bool {
	if c == nil {
		return false
	}
	switch c.Tp {
	case ast.ConstraintKey, ast.ConstraintIndex:
		return plainParts(c.Keys)
	case ast.ConstraintForeignKey:
		return c.Refer != nil && restricts(c.Refer)
	default:
		return false
	}
}

func restricts(r *ast.ReferenceDef) bool {
	for _, o := range []ast.ReferOptionType{r.OnDelete.ReferOpt, r.OnUpdate.ReferOpt} {
		if o != ast.ReferOptionNoOption && o != ast.ReferOptionRestrict && o != ast.ReferOptionNoAction {
			return false
		}
	}
	return true
}

// plainParts tells of an index over columns alone: an expression adds a hidden column.
func plainParts(parts []*ast.IndexPartSpecification) bool {
	for _, p := range parts {
		if p.Column == nil || p.Expr != nil {
			return false
		}
	}
	return len(parts) > 0
}

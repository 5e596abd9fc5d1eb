package pitr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
)

// feature is something in a definition that older servers refuse, or read over: a CHECK or an attribute
// in a versioned comment would be gone without a word.
type feature struct {
	what                string // with its table
	major, minor, patch int    // of MySQL, from which on it is known
	// notMariaDB: MariaDB does not know it, stores it as something else, or takes it for a comment.
	notMariaDB bool
	notMySQL   bool // no MySQL knows it
}

// mysqlDecimals is how many digits a DECIMAL of MySQL has behind the point at most.
const mysqlDecimals = 30

// featuresOf lists what of a definition not every MySQL knows.
func featuresOf(t *schema.Table, n schema.Name) []feature {
	var list []feature
	add := func(major, minor, patch int, format string, args ...any) {
		list = append(list, feature{what: fmt.Sprintf(format, args...) + " of " + n.String(), major: major, minor: minor, patch: patch})
	}
	notMariaDB := func() { list[len(list)-1].notMariaDB = true }
	// As SHOW CREATE TABLE of MySQL spells it.
	inComment := func(attribute string) bool { return strings.Contains(t.Create, attribute+" */") }
	for i := range t.Columns {
		c := &t.Columns[i]
		column := " column " + c.Name
		switch {
		case c.Type == "json":
			add(5, 7, 8, "the JSON%s", column)
			notMariaDB()
		case c.Type == "decimal" && c.Decimals > mysqlDecimals:
			add(0, 0, 0, "the DECIMAL(%d,%d)%s", c.Length, c.Decimals, column)
			list[len(list)-1].notMySQL = true
		case c.Type == "vector":
			add(9, 0, 0, "the VECTOR%s", column)
			notMariaDB()
		case c.SRID >= 0:
			add(8, 0, 3, "the SRID of the%s", column)
			if inComment(fmt.Sprintf("/*!80003 SRID %d", c.SRID)) {
				notMariaDB()
			}
		}
		switch {
		case c.Generated != schema.NotGenerated:
			add(5, 7, 6, "the generated%s", column)
		case strings.HasPrefix(c.Default, "("):
			add(8, 0, 13, "the default expression of the%s", column)
		}
		if c.Invisible {
			add(8, 0, 23, "the invisible%s", column)
			if inComment("/*!80023 INVISIBLE") {
				notMariaDB()
			}
		}
	}
	for i := range t.Keys {
		for _, p := range t.Keys[i].Parts {
			if p.Column == "" {
				add(8, 0, 13, "the expression in the key %s", t.Keys[i].Name)
				notMariaDB()
			}
		}
	}
	if t.Checks > 0 {
		add(8, 0, 16, "the CHECK")
		if inComment("/*!80016 NOT ENFORCED") {
			notMariaDB()
		}
	}
	return list
}

func flavorName(flavor string) string {
	if flavor == server.FlavorMariaDB {
		return "MariaDB"
	}
	return "MySQL"
}

// checkFeatures tells what of the backup's definitions the target would refuse or lose. What
// statements of the log bring is told by the target when it refuses them.
func checkFeatures(f *targetFacts, features []feature, add addFinding) {
	mariadb := f.Flavor == server.FlavorMariaDB
	var unknown []string
	for _, x := range features {
		switch {
		case mariadb && x.notMariaDB, !mariadb && x.notMySQL:
			unknown = append(unknown, x.what)
		case !mariadb && !f.AtLeast(x.major, x.minor, x.patch):
			unknown = append(unknown, fmt.Sprintf("%s (MySQL %d.%d.%d)", x.what, x.major, x.minor, x.patch))
		}
	}
	slices.Sort(unknown)
	if len(unknown) > 0 {
		add("features", LevelError, "restore into a server that knows these, or leave the tables out with --exclude",
			"the target, %s %s, does not know %s", flavorName(f.Flavor), f.Version, strings.Join(unknown, ", "))
	}
}

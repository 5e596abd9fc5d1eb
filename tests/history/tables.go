package history

import (
	"math/rand/v2"
	"strings"
)

// The schemas of a history. The third comes and goes.
const (
	mainSchema  = "shop"
	otherSchema = "Ängste-2" // upper case, non-ASCII and a dash: needs quoting and escaping everywhere
	guestSchema = "guest"
)

var schemas = []string{mainSchema, otherSchema, guestSchema}

// template is a table shape.
type template struct {
	name    string
	keyless bool
	body    string
	// keepsSchema: the table is made in the first schema, where statements of the feature name it.
	keepsSchema bool
	feature     string // filled in
}

// core are the tables of every history.
var core = []string{
	"CREATE TABLE `shop`.`parents` (id INT NOT NULL PRIMARY KEY, v VARCHAR(10), u INT, UNIQUE KEY (u))",
	"CREATE TABLE `shop`.`journal` (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, what VARCHAR(30), n INT)",
}

// create renders a template under a name in a schema.
func (t template) create(schema, name string) string {
	return "CREATE TABLE " + quoteName(schema, name) + " " + t.body
}

// layout draws where the tables of the features lie, and says which feature a name belongs to.
func layout(r *rand.Rand, on chosen) (statements []string, shapes map[string]string) {
	shapes = map[string]string{}
	for _, s := range []string{mainSchema, otherSchema} {
		statements = append(statements, "CREATE DATABASE "+quote(s)+" DEFAULT CHARACTER SET utf8mb4")
	}
	statements = append(statements, "USE "+quote(mainSchema)) // bodies name tables without a schema
	statements = append(statements, core...)
	for _, t := range on.templates() {
		schema := mainSchema
		if t.keepsSchema = t.keepsSchema || r.IntN(3) > 0; !t.keepsSchema {
			schema = otherSchema
		}
		shapes[t.name] = t.feature
		statements = append(statements, t.create(schema, t.name))
	}
	for _, feature := range on {
		statements = append(statements, feature.Linked...)
	}
	return statements, shapes
}

type name struct{ schema, table string }

func (n name) String() string { return quoteName(n.schema, n.table) }

func quote(identifier string) string {
	return "`" + strings.ReplaceAll(identifier, "`", "``") + "`"
}

func quoteName(schema, table string) string { return quote(schema) + "." + quote(table) }

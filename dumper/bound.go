package dumper

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// keyPart is one column of the key that a table is walked by.
type keyPart struct {
	column     *schema.Column
	descending bool
}

// literal renders a value of the part, as the SELECT list of package chunk gave it, so that the
// server compares the column with it exactly as it orders the key.
func (p keyPart) literal(value []byte) (string, error) {
	c := p.column
	switch c.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "enum", "set":
		return string(value), nil
	case "float", "double":
		return floatLiteral(string(value)), nil
	case "bit":
		// The bytes of a BIT are a number; as a string they would be compared as one.
		if len(value) > 8 {
			return "", fmt.Errorf("a BIT of %d bytes", len(value))
		}
		var n uint64
		for _, b := range value {
			n = n<<8 | uint64(b)
		}
		return strconv.FormatUint(n, 10), nil
	case "date", "time", "datetime", "timestamp", "year":
		// Of digits, signs and colons; YEAR as a number of two digits would be another year.
		return "'" + string(value) + "'", nil
	case "binary", "varbinary":
		return hexLiteral("", value), nil
	}
	if c.IsCharacter() {
		// With another character set the server would convert the column, and could not use the key.
		return hexLiteral("_"+c.Charset+" ", value), nil
	}
	return "", fmt.Errorf("a key over type %s", c.Type)
}

// floatLiteral makes a text a DOUBLE literal: without an exponent it is a DECIMAL.
func floatLiteral(text string) string {
	if strings.ContainsAny(text, "eE") {
		return text
	}
	return text + "e0"
}

func hexLiteral(introducer string, value []byte) string {
	return introducer + "x'" + hex.EncodeToString(value) + "'"
}

// behind renders the condition for rows behind the bound in the key's order: for a key (a,b)
// and a bound (x,y) it is a>=x AND (a>x OR a=x AND b>y), each comparison the server's own. The
// first part, redundant, lets old optimizers see a range. prefix qualifies the columns.
func behind(parts []keyPart, bound []string) string {
	condition := compare(parts, bound)
	if len(parts) > 1 {
		condition = quoted(parts[0]) + orEqual(parts[0]) + bound[0] + " AND (" + condition + ")"
	}
	return condition
}

func compare(parts []keyPart, bound []string) string {
	first := quoted(parts[0])
	condition := first + strict(parts[0]) + bound[0]
	if len(parts) == 1 {
		return condition
	}
	return condition + " OR (" + first + "=" + bound[0] + " AND (" + compare(parts[1:], bound[1:]) + "))"
}

func quoted(p keyPart) string { return schema.Quote(p.column.Name) }

func strict(p keyPart) string {
	if p.descending {
		return "<"
	}
	return ">"
}

func orEqual(p keyPart) string { return strict(p) + "=" }

// order renders the ORDER BY list of the key.
func order(parts []keyPart) string {
	terms := make([]string, len(parts))
	for i, p := range parts {
		terms[i] = quoted(p)
		if p.descending {
			terms[i] += " DESC"
		}
	}
	return strings.Join(terms, ", ")
}

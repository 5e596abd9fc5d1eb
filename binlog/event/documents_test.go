package event

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// documents makes random JSON documents: nested, with every type that a stored document can hold.
type documents struct {
	// decimals: with DECIMAL, which a document's text does not tell from DOUBLE (fact 6.6).
	decimals bool
}

// expression returns an SQL expression of type JSON.
func (d documents) expression(r *rand.Rand, depth int) string {
	if depth < 4 && r.IntN(3) > 0 {
		n := r.IntN(6)
		if depth == 0 && r.IntN(40) == 0 {
			return d.large(r)
		}
		parts := make([]string, 0, 2*n)
		if r.IntN(2) == 0 {
			for range n {
				parts = append(parts, d.expression(r, depth+1))
			}
			return "JSON_ARRAY(" + strings.Join(parts, ",") + ")"
		}
		for range n {
			parts = append(parts, randomJSONText(r, 8), d.expression(r, depth+1))
		}
		return "JSON_OBJECT(" + strings.Join(parts, ",") + ")"
	}
	scalar := d.scalar(r)
	if depth == 0 { // a column takes documents only
		return "JSON_EXTRACT(JSON_ARRAY(" + scalar + "),'$[0]')"
	}
	return scalar
}

// large takes offsets of 4 bytes.
func (d documents) large(r *rand.Rand) string {
	parts := make([]string, 0, 40)
	for i := range 20 {
		parts = append(parts, fmt.Sprintf("'k%d'", i), pick(r, d.scalar(r), "REPEAT('x',70000)", "100000", "-100000", "4000000000", "30000", "60000", "NULL"))
	}
	return pick(r, "JSON_OBJECT("+strings.Join(parts, ",")+",'z',REPEAT('long ',15000))", "JSON_ARRAY("+strings.Join(parts, ",")+",REPEAT('long ',15000))")
}

func (d documents) scalar(r *rand.Rand) string {
	switch r.IntN(16) {
	case 0:
		return strconv.FormatInt(pick(r, int64(r.Uint64())>>r.IntN(64), -32768, 32767, -32769, 32768, -2147483648, 2147483647, 2147483648, -2147483649), 10)
	case 1:
		return strconv.FormatUint(pick(r, r.Uint64()>>r.IntN(64), 65535, 65536, 4294967295, 4294967296, 18446744073709551615), 10)
	case 2:
		return fmt.Sprintf("CAST(%d AS UNSIGNED)", r.Uint64()>>r.IntN(64))
	case 3, 4:
		return "(" + randomFloat64(r) + ")"
	case 5:
		return "CAST('" + pick(r, "true", "false", "null") + "' AS JSON)"
	case 6:
		if !d.decimals {
			return "0"
		}
		p := 1 + r.IntN(65)
		s := r.IntN(min(p, 30) + 1)
		return fmt.Sprintf("CAST(%s AS DECIMAL(%d,%d))", randomDecimal(r, p, s), p, s)
	case 7:
		return fmt.Sprintf("CAST('%s' AS DATE)", randomDate(r))
	case 8:
		return fmt.Sprintf("CAST('%s' AS TIME(6))", randomTime(r, 6))
	case 9:
		return fmt.Sprintf("CAST('%s %s' AS DATETIME(6))", randomDate(r), randomClock(r, 6))
	case 10:
		return randomBytes(r, pick(r, r.IntN(40), 56, 57, 58, 114, 300))
	case 11:
		return "NULL"
	case 12:
		return "CAST(" + randomDecimal(r, 20, 6) + "e" + strconv.Itoa(r.IntN(60)-30) + " AS DOUBLE)"
	case 13:
		return "REPEAT(" + randomJSONText(r, 5) + "," + strconv.Itoa(r.IntN(100)) + ")"
	}
	return randomJSONText(r, 12)
}

// randomJSONText is a string with everything that needs an escape.
func randomJSONText(r *rand.Rand, n int) string {
	var b strings.Builder
	for range r.IntN(n + 1) {
		b.WriteRune(pick(r, rune(r.IntN(128)), '"', '\\', '/', '<', '&', '\b', '\f', '\n', '\r', '\t', 0, 0x7f, 0x1f, 0xe9, 0x2028, 0x4e2d, 0x1f600))
	}
	return "_utf8mb4 x'" + hex.EncodeToString([]byte(b.String())) + "'"
}

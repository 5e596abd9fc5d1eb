package history

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// column is what the generator knows of a column, from information_schema.
type column struct {
	name, dataType, columnType string
	nullable                   bool
	generated                  bool
	autoIncrement              bool
	charset                    string
	length                     int64 // characters
	precision, scale           int64
	srid                       int64
	key                        bool // part of the primary key or of a unique key
	primary                    bool
}

func (c column) unsigned() bool { return strings.Contains(c.columnType, "unsigned") }

func (c column) spatial() bool {
	switch c.dataType {
	case "geometry", "point", "linestring", "polygon", "multipoint", "geomcollection", "geometrycollection":
		return true
	}
	return false
}

// literal draws a value for the column as SQL text. Key columns draw from small domains, so
// that writers meet each other's rows.
func literal(r *rand.Rand, c column) string {
	if c.nullable && r.IntN(7) == 0 {
		return "NULL"
	}
	switch c.dataType {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
		return integer(r, c)
	case "decimal":
		return decimal(r, c)
	case "float":
		if c.scale > 0 {
			return fmt.Sprintf("%.3f", r.Float64()*2000-1000)
		}
		return floating(float64(math.Float32frombits(uint32(r.Uint64()))), 32)
	case "double":
		if c.key {
			return strconv.Itoa(r.IntN(20)) + ".5e0"
		}
		if c.scale > 0 {
			return fmt.Sprintf("%.4f", r.Float64()*2e6-1e6)
		}
		return floating(math.Float64frombits(r.Uint64()), 64)
	case "bit":
		bits := max(c.precision, 1)
		return strconv.FormatUint(r.Uint64()>>(64-bits), 10)
	case "year":
		return pick(r, "0", "1901", "2155", "2026", "70", "69")
	case "date", "datetime", "timestamp", "time":
		return temporal(r, c)
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		return text(r, c)
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		return bytesLiteral(r, c)
	case "enum", "set":
		return choice(r, c)
	case "json":
		return "'" + escape(document(r, 0)) + "'"
	case "vector":
		return fmt.Sprintf("STRING_TO_VECTOR('[%g,%g,%g]')", r.Float32(), -r.Float32(), float32(r.IntN(5)))
	}
	return geometry(r, c)
}

func pick(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }

func integer(r *rand.Rand, c column) string {
	if c.key || r.IntN(3) > 0 {
		return strconv.Itoa(r.IntN(60))
	}
	bits := map[string]uint{"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}[c.dataType]
	if c.columnType == "tinyint(1)" {
		return strconv.Itoa(r.IntN(2))
	}
	top := uint64(1)<<(bits-1) - 1
	if c.unsigned() {
		return pick(r, "0", strconv.FormatUint(top, 10), strconv.FormatUint(top+1, 10), strconv.FormatUint(top*2+1, 10))
	}
	return pick(r, strconv.FormatInt(-int64(top)-1, 10), strconv.FormatUint(top, 10), "-1")
}

func decimal(r *rand.Rand, c column) string {
	if c.key {
		return fmt.Sprintf("%d.%d", r.IntN(20)-5, r.IntN(3))
	}
	whole := int(c.precision - c.scale)
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('0' + r.IntN(10))
		}
		return string(b)
	}
	s := digits(r.IntN(whole+1)) + "0"
	s = s[:min(len(s), max(whole, 1))]
	if c.scale > 0 {
		s += "." + digits(r.IntN(int(c.scale))+1)
	}
	if !c.unsigned() && r.IntN(2) == 0 {
		s = "-" + s
	}
	return s
}

func floating(f float64, bits int) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "-0e0"
	}
	return strconv.FormatFloat(f, 'e', -1, bits)
}

func temporal(r *rand.Rand, c column) string {
	date := fmt.Sprintf("20%02d-%02d-%02d", r.IntN(30)+1, r.IntN(12)+1, r.IntN(28)+1)
	clock := fmt.Sprintf("%02d:%02d:%02d.%06d", r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000000))
	if c.key {
		date = fmt.Sprintf("2026-01-%02d", r.IntN(28)+1)
		clock = pick(r, "00:00:00", "10:20:30.5", "23:59:59.999999", "01:00:00.25")
	}
	switch c.dataType {
	case "date":
		if !c.key {
			date = pick(r, date, date, "0000-00-00", "2026-02-31", "2026-00-00", "9999-12-31", "1000-01-01")
		}
		return "'" + date + "'"
	case "time":
		if !c.key {
			clock = pick(r, clock, clock, "-838:59:59", "838:59:59", "-00:00:00.5", "00:00:00")
		}
		return "'" + clock + "'"
	case "datetime":
		if !c.key {
			return "'" + pick(r, date+" "+clock, date+" "+clock, "0000-00-00 00:00:00", "2026-02-31 01:02:03.4", "9999-12-31 23:59:59") + "'"
		}
	case "timestamp":
		if !c.key {
			return "'" + pick(r, date+" "+clock, "1970-01-01 00:00:01", "2038-01-19 03:14:07", "2026-10-25 00:30:00", "2026-10-25 01:30:00") + "'"
		}
	}
	return "'" + date + " " + clock + "'"
}

func text(r *rand.Rand, c column) string {
	letters := []rune("aAáÁbBßsS zZ")
	if !c.key {
		letters = append(letters, []rune("\t\n\\'\"\x00,N中文😀é\r%_\x1a")...)
	}
	limit := 3
	if !c.key {
		limit = pickInt(r, 0, 1, 4, 12, 60)
		if strings.HasSuffix(c.dataType, "text") && r.IntN(40) == 0 {
			limit = 9000
		}
	}
	if c.length > 0 && int64(limit) > c.length {
		limit = int(c.length)
	}
	var b strings.Builder
	for range limit {
		b.WriteRune(letters[r.IntN(len(letters))])
	}
	return "_utf8mb4 '" + escape(b.String()) + "'"
}

func pickInt(r *rand.Rand, of ...int) int { return of[r.IntN(len(of))] }

// escape is for a literal in single quotes under any sql_mode without NO_BACKSLASH_ESCAPES.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`, "\n", `\n`, "\r", `\r`, "\x1a", `\Z`).Replace(s)
}

func bytesLiteral(r *rand.Rand, c column) string {
	n := r.IntN(6)
	if c.key {
		n = r.IntN(2) + 1
	} else if strings.HasSuffix(c.dataType, "blob") && r.IntN(40) == 0 {
		n = 12000
	}
	if c.length > 0 && int64(n) > c.length {
		n = int(c.length)
	}
	if n == 0 {
		return "''"
	}
	b := make([]byte, n)
	for i := range b {
		if c.key {
			b[i] = byte(r.IntN(6))
		} else {
			b[i] = byte(r.Uint64())
		}
	}
	return fmt.Sprintf("x'%x'", b)
}

func choice(r *rand.Rand, c column) string {
	n := strings.Count(c.columnType, "','") + 1
	if c.dataType == "enum" {
		if !c.key && r.IntN(12) == 0 {
			return "''"
		}
		return strconv.Itoa(r.IntN(n) + 1)
	}
	return strconv.FormatUint(r.Uint64()>>(64-n), 10)
}

// document draws JSON text. Typed scalars (decimals, times) never come from text.
func document(r *rand.Rand, depth int) string {
	kind := r.IntN(9)
	if depth > 3 && kind > 6 {
		kind = 0
	}
	switch kind {
	case 0:
		return pick(r, "null", "true", "false")
	case 1:
		return strconv.FormatInt(int64(r.Uint64())>>r.IntN(64), 10)
	case 2:
		return strconv.FormatUint(r.Uint64(), 10)
	case 3:
		return pick(r, "1.0", "1e19", "-0.0", "1e300", "0.1", "1e15", "2.5e-10", "18446744073709551616", "1e22", "123456789.125")
	case 4, 5, 6:
		return jsonString(r)
	case 7:
		parts := make([]string, r.IntN(5))
		for i := range parts {
			parts[i] = document(r, depth+1)
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	parts := make([]string, r.IntN(5))
	for i := range parts {
		parts[i] = jsonString(r) + ":" + document(r, depth+1)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func jsonString(r *rand.Rand) string {
	return pick(r, `""`, `"a"`, `"\u0000\t\n"`, `"é中😀"`, `"\"q\\"`, `"/slash"`, `"`+strings.Repeat("x", r.IntN(200))+`"`, `"key"`, `"b c"`)
}

func geometry(r *rand.Rand, c column) string {
	x, y := r.IntN(80), r.IntN(80)
	point := fmt.Sprintf("%d %d.5", x, y)
	shape := ""
	switch c.dataType {
	case "linestring":
		shape = fmt.Sprintf("LINESTRING(%s, 1 1)", point)
	case "polygon":
		shape = "POLYGON((0 0, 0 5, 5 5, 0 0))"
	case "multipoint":
		shape = fmt.Sprintf("MULTIPOINT(%s, 3 4)", point)
	case "geomcollection", "geometrycollection":
		shape = fmt.Sprintf("GEOMETRYCOLLECTION(POINT(%s), LINESTRING(0 0, 1 1))", point)
	default:
		shape = "POINT(" + point + ")"
	}
	srid := max(c.srid, 0)
	if c.dataType == "geometry" && r.IntN(2) == 0 {
		srid = 4326
	}
	return fmt.Sprintf("ST_GeomFromText('%s', %d)", shape, srid)
}

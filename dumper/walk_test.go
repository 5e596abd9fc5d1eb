package dumper

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// keyCase is a table with a key of some type.
type keyCase struct {
	name    string
	columns string // definitions of the key's columns and the key
	values  func(r *rand.Rand) string
	names   string // of the columns that values are for
	walked  bool   // in chunks; else as one
	edges   []string
}

func integer(bits uint, signed bool) func(*rand.Rand) string {
	return func(r *rand.Rand) string {
		v := r.Uint64() >> (64 - bits)
		if r.IntN(4) == 0 {
			v >>= r.UintN(bits)
		}
		if signed {
			return fmt.Sprint(int64(v<<(64-bits)) >> (64 - bits))
		}
		return fmt.Sprint(v)
	}
}

func text(charset string, alphabet ...string) func(*rand.Rand) string {
	return func(r *rand.Rand) string {
		var b strings.Builder
		for range r.IntN(8) {
			b.WriteString(alphabet[r.IntN(len(alphabet))])
		}
		return fmt.Sprintf("CONVERT('%s' USING %s)", b.String(), charset)
	}
}

func bytesOf(least, most int) func(*rand.Rand) string {
	return func(r *rand.Rand) string {
		b := make([]byte, least+r.IntN(most-least+1))
		for i := range b {
			b[i] = byte(r.UintN(256))
			if r.IntN(3) == 0 {
				b[i] = 0
			}
		}
		return fmt.Sprintf("x'%x'", b)
	}
}

func pair(a, b func(*rand.Rand) string) func(*rand.Rand) string {
	return func(r *rand.Rand) string { return a(r) + ", " + b(r) }
}

func small(n int) func(*rand.Rand) string {
	return func(r *rand.Rand) string { return fmt.Sprint(r.IntN(n)) }
}

func quotedf(format string, limits ...int) func(*rand.Rand) string {
	return func(r *rand.Rand) string {
		args := make([]any, len(limits))
		for i, l := range limits {
			args[i] = r.IntN(l)
		}
		return "'" + fmt.Sprintf(format, args...) + "'"
	}
}

func keyCases() []keyCase {
	one := func(name, kind string, values func(*rand.Rand) string, edges ...string) keyCase {
		return keyCase{name: name, columns: "k " + kind + " NOT NULL PRIMARY KEY", values: values, names: "k", walked: true, edges: edges}
	}
	latin := []string{"a", "B", "A", "b", "é", "E", " ", "ß", "z", "Z", "0"}
	wide := append(slices.Clone(latin), "中", "文", "𝄞", "\u0301", "ſ")
	float := func(r *rand.Rand) string { return fmt.Sprintf("%e", (r.Float64()-0.5)*float64(int64(1)<<r.UintN(60))) }
	cases := []keyCase{
		one("tiny", "TINYINT", integer(8, true), "-128", "127", "0"),
		one("small", "SMALLINT UNSIGNED", integer(16, false), "65535"),
		one("medium", "MEDIUMINT", integer(24, true), "-8388608"),
		one("int", "INT", integer(32, true), "-2147483648", "2147483647"),
		one("big", "BIGINT", integer(64, true), "-9223372036854775808", "9223372036854775807"),
		one("ubig", "BIGINT UNSIGNED", integer(64, false), "18446744073709551615", "9223372036854775808", "0"),
		one("decimal", "DECIMAL(65,30)", func(r *rand.Rand) string {
			return fmt.Sprintf("%d%d.%d", int64(r.Uint64()), r.Uint32(), r.Uint64())
		}, "-99999999999999999999999999999999999.999999999999999999999999999999", "0.000000000000000000000000000001"),
		one("float", "FLOAT", float, "0", "1e-45", "3.402823466e38", "-3.402823466e38", "16777216"),
		one("double", "DOUBLE", float, "5e-324", "1.7976931348623157e308", "-0e0"),
		one("doublefixed", "DOUBLE(20,4)", func(r *rand.Rand) string { return fmt.Sprintf("%.4f", r.Float64()*1e9) }, "-0.0001"),
		one("latin1", "VARCHAR(20) CHARACTER SET latin1", text("latin1", latin...), "''", "_latin1 x'ff81'"),
		one("utf8ai", "VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci", text("utf8mb4", wide...), "''", "'\\\\'", "'\t\n'"),
		one("utf8bin", "VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", text("utf8mb4", wide...), "''", "'a '"),
		one("utf8pad", "CHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", text("utf8mb4", wide...)),
		one("utf16", "VARCHAR(20) CHARACTER SET utf16", text("utf16", wide...)),
		one("gbk", "VARCHAR(20) CHARACTER SET gbk", text("gbk", "a", "b", "中", "文", "国")),
		one("sjis", "VARCHAR(20) CHARACTER SET sjis", text("sjis", "a", "b", "日", "本", "ソ")),
		one("binary", "BINARY(8)", bytesOf(0, 8), "x'00'", "x'ffffffffffffffff'"),
		one("varbinary", "VARBINARY(20)", bytesOf(0, 12), "x''", "x'00'", "x'0000'", "x'5c27'"),
		one("date", "DATE", quotedf("%04d-%02d-%02d", 9999, 12, 28), "'0000-00-00'", "'2026-00-00'", "'2026-02-31'", "'9999-12-31'"),
		one("datetime", "DATETIME(6)", quotedf("20%02d-%02d-%02d %02d:%02d:%02d.%06d", 99, 12, 28, 24, 60, 60, 1000000), "'0000-00-00'", "'2026-02-31 00:00:00.000001'"),
		one("timestamp", "TIMESTAMP(6)", quotedf("20%02d-1%d-%02d %02d:%02d:%02d.%06d", 30, 2, 28, 24, 60, 60, 1000000), "0", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999999'"),
		one("time", "TIME(6)", func(r *rand.Rand) string {
			return fmt.Sprintf("'%s%d:%02d:%02d.%06d'", []string{"", "-"}[r.IntN(2)], r.IntN(838), r.IntN(60), r.IntN(60), r.IntN(1000000))
		}, "'-838:59:59'", "'838:59:59'", "'-00:00:00.000001'", "0"),
		one("year", "YEAR", func(r *rand.Rand) string { return fmt.Sprint(1901 + r.IntN(255)) }, "0", "1901", "2155"),
		one("bit", "BIT(60)", integer(60, false), "0", "b'1'"),
		{"composite", "a INT NOT NULL, b VARCHAR(20) NOT NULL, PRIMARY KEY (a, b)", pair(small(5), text("utf8mb4", wide...)), "a, b", true, nil},
		{"descending", "a INT NOT NULL, b DECIMAL(10,2) NOT NULL, PRIMARY KEY (a DESC, b)", pair(small(9), small(1000)), "a, b", true, nil},
		{"three", "a DATE NOT NULL, b VARBINARY(8) NOT NULL, c BIGINT UNSIGNED NOT NULL, PRIMARY KEY (a, b, c)",
			pair(quotedf("2026-01-%02d", 4), pair(bytesOf(0, 1), small(40))), "a, b, c", true, nil},
		{"floats", "a FLOAT NOT NULL, b DOUBLE NOT NULL, PRIMARY KEY (a, b)", pair(func(r *rand.Rand) string { return fmt.Sprintf("%e", float64(r.IntN(9))/7) }, float), "a, b", true, nil},
		{"unique", "a INT NOT NULL, b INT, UNIQUE KEY first (b), UNIQUE KEY second (a)", pair(integer(30, true), integer(30, true)), "a, b", true, nil},
		{"generated", "a INT NOT NULL, b INT GENERATED ALWAYS AS (a MOD 1000003) STORED NOT NULL, UNIQUE KEY k (b)", small(1000003), "a", true, nil},
		{"virtual", "a INT NOT NULL, b INT GENERATED ALWAYS AS (a + 1) VIRTUAL, PRIMARY KEY (a)", integer(30, true), "a", true, nil},
		{"invisible", "a INT NOT NULL INVISIBLE PRIMARY KEY", integer(30, true), "a", true, nil},
		{"prefix", "a TEXT NOT NULL, b INT NOT NULL, UNIQUE KEY p (a(3)), UNIQUE KEY whole (b)",
			func(r *rand.Rand) string { n := r.IntN(17000); return fmt.Sprintf("'%03X-tail', %d", n%4096, n) }, "a, b", true, nil},
	}
	labels := "'zero','one','two','a','B','é'"
	return append(cases,
		keyCase{"enum", "e ENUM(" + labels + ") NOT NULL, PRIMARY KEY (e)", func(r *rand.Rand) string { return fmt.Sprint(1 + r.IntN(6)) }, "e", false, []string{"0"}},
		keyCase{"set", "s SET(" + labels + ") NOT NULL, PRIMARY KEY (s)", small(64), "s", false, []string{"0"}},
		keyCase{"enumthen", "e ENUM(" + labels + ") NOT NULL, i INT NOT NULL, PRIMARY KEY (e, i)", func(r *rand.Rand) string { return fmt.Sprintf("%d, %d", 1+r.IntN(6), r.IntN(300)) }, "e, i", false, nil},
		keyCase{"enumelse", "e ENUM(" + labels + ") NOT NULL, i INT NOT NULL, PRIMARY KEY (e, i), UNIQUE KEY other (i)", func(r *rand.Rand) string { return fmt.Sprintf("%d, %d", 1+r.IntN(6), r.IntN(100000)) }, "e, i", true, nil},
	)
}

const lenient = "SET sql_mode='ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO', time_zone='+00:00', SESSION information_schema_stats_expiry=0"

// TestWalkEveryKey: under every type of key, and while other rows come and go, each row that
// stays is in the chunks exactly once, byte by byte.
func TestWalkEveryKey(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	r := rand.New(rand.NewPCG(1, 1))
	cases := keyCases()
	statements := []string{"CREATE DATABASE d", lenient}
	for _, c := range cases {
		statements = append(statements, fmt.Sprintf("CREATE TABLE d.%s (%s, w INT NOT NULL, p VARCHAR(50))", c.name, c.columns))
		for _, e := range c.edges {
			statements = append(statements, c.insert(e, 0, r))
		}
		for range 300 {
			statements = append(statements, c.insert(c.values(r), 0, r))
		}
	}
	s.exec(statements...)
	stop := s.disturb(cases)
	// Many workers have nothing to do at the end: what can be split is.
	_, m := s.backUp(func(c *Config) {
		c.tuning = tuning{firstRows: 7, mostRows: 20, chunkText: 1 << 20, splitText: 1}
		c.SnapshotTries, c.Threads = 1000, 16
	})
	stop()
	t.Logf("%d ranges were split", strings.Count(s.log.String(), "a range is split"))
	target := mysqltest.Target(t)
	s.load(target, m)
	for _, c := range cases {
		if chunks := baseOf(t, m, "d."+c.name).Chunks; c.walked != (len(chunks) > 1) {
			t.Errorf("%s was read in %d chunks", c.name, len(chunks))
		}
		remove := "DELETE FROM d." + c.name + " WHERE w<>0"
		s.exec(remove)
		mysqltest.Exec(t, target, remove)
	}
	s.equal(target, "d")
}

func (c *keyCase) insert(values string, w int, r *rand.Rand) string {
	return fmt.Sprintf("INSERT IGNORE INTO d.%s (%s, w, p) VALUES (%s, %d, '%x')", c.name, c.names, values, w, r.Uint64())
}

// disturb inserts and deletes rows that no one misses until stop is called.
func (s *site) disturb(cases []keyCase) (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	var group sync.WaitGroup
	for n := range 2 {
		group.Go(func() {
			r := rand.New(rand.NewPCG(uint64(n), 2))
			db := s.source.Connect(mysqltest.Root, "")
			defer func() { _ = db.Close() }()
			conn, err := db.Conn(ctx)
			if err != nil {
				s.t.Errorf("disturb: %v", err)
				return
			}
			defer func() { _ = conn.Close() }()
			if _, err := conn.ExecContext(ctx, lenient); err != nil {
				s.t.Errorf("disturb: %v", err)
			}
			for ctx.Err() == nil {
				c := cases[r.IntN(len(cases))]
				statement := c.insert(c.values(r), 1, r)
				if r.IntN(3) == 0 {
					statement = fmt.Sprintf("DELETE FROM d.%s WHERE w=1 LIMIT %d", c.name, 1+r.IntN(3))
				}
				if _, err := conn.ExecContext(ctx, statement); err != nil && ctx.Err() == nil && !strings.Contains(err.Error(), "1213") {
					s.t.Errorf("disturb: %s: %v", statement, err)
					return
				}
			}
		})
	}
	return func() { cancel(); group.Wait() }
}

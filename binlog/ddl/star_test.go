package ddl

import "testing"

func TestHasStar(t *testing.T) {
	for text, want := range map[string]bool{
		"CREATE VIEW v AS SELECT * FROM t": true, "CREATE VIEW v AS SELECT DISTINCT\n* FROM t": true, "CREATE VIEW v AS SELECT a, `t`.* FROM t": true,
		"CREATE VIEW v AS SELECT COUNT(*) FROM t": false, "CREATE VIEW v AS SELECT a*b FROM t": false, "CREATE VIEW v AS SELECT a, b * 2 FROM t": false,
	} {
		st, err := Parse([]byte(text), Session{Schema: "s"})
		if err != nil {
			t.Fatal(err)
		}
		if st.HasStar() != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
}

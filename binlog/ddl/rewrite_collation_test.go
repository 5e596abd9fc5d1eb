package ddl

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// What a server shows, run elsewhere, has to be shown the same way again.
func TestInheritCollationsKeepsTheDefinition(t *testing.T) {
	s := mysqltest.Source(t)
	mysqltest.Exec(t, s, "CREATE DATABASE inherit; CREATE DATABASE copy")
	for name, body := range map[string]string{
		"inherited": "(k VARCHAR(9), e ENUM('a COLLATE x','b'), g VARCHAR(9) GENERATED ALWAYS AS (k COLLATE latin1_bin) STORED) CHARSET latin1 COLLATE latin1_german1_ci",
		"spelled":   "(k VARCHAR(9) COLLATE latin1_german1_ci, d VARCHAR(9) CHARACTER SET latin1, t TEXT) CHARSET latin1 COLLATE latin1_german1_ci",
		"mixed":     "(k VARCHAR(9) COLLATE utf8mb4_bin, d VARCHAR(9) COMMENT 'COLLATE utf8mb4_bin', b BLOB, j JSON) CHARSET utf8mb4 COLLATE utf8mb4_general_ci",
		"plain":     "(k VARCHAR(9) COLLATE utf8mb4_0900_ai_ci, d CHAR(3)) CHARSET utf8mb4",
	} {
		mysqltest.Exec(t, s, "CREATE TABLE inherit."+name+" "+body)
		want := show(t, s.Root(), schema.Name{Schema: "inherit", Name: name})
		text, err := InheritCollations(want)
		if err != nil {
			t.Fatal(err)
		}
		mysqltest.Exec(t, s, "USE copy; "+text)
		if got := show(t, s.Root(), schema.Name{Schema: "copy", Name: name}); got != want {
			t.Errorf("source\n%s\nrestored\n%s\nby\n%s", want, got, text)
		}
	}
}

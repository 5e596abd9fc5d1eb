package ddl

import (
	"slices"
	"testing"
)

func TestKeyClauses(t *testing.T) {
	s := parseFor(t, "CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `b` varchar(20) DEFAULT 'KEY x (y)',\n  PRIMARY KEY (`a`),\n"+
		"  UNIQUE KEY `u` (`b`(3)) USING BTREE COMMENT 'x\\ny,(z' /*!80000 INVISIBLE */,\n  UNIQUE KEY `e``x` ((lower(`b`))),\n  KEY `k` (`b` DESC),\n"+
		"  FULLTEXT KEY `f` (`b`),\n  CONSTRAINT `c_1` CHECK ((`a` > 0))\n) ENGINE=InnoDB", session97)
	got, err := s.KeyClauses()
	if err != nil {
		t.Fatal(err)
	}
	want := []KeyClause{
		{"u", true, "UNIQUE KEY `u` (`b`(3)) USING BTREE COMMENT 'x\\ny,(z' /*!80000 INVISIBLE */"},
		{"e`x", true, "UNIQUE KEY `e``x` ((lower(`b`)))"},
		{"k", false, "KEY `k` (`b` DESC)"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if a, b := got[1].AsPlain(), got[2].AsUnique(); a != "KEY `e``x` ((lower(`b`)))" || b != "UNIQUE KEY `k` (`b` DESC)" || got[1].AsUnique() != got[1].Text {
		t.Errorf("got %s and %s", a, b)
	}
}

package ddl

import (
	"slices"
	"testing"
)

func TestConstraints(t *testing.T) {
	s := parseFor(t, "CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `b` int DEFAULT NULL,\n  PRIMARY KEY (`a`),\n  UNIQUE KEY `u` (`b`),\n"+
		"  CONSTRAINT `f``1` FOREIGN KEY (`b`) REFERENCES `p` (`id`) ON DELETE SET NULL,\n"+
		"  CONSTRAINT `c_1` CHECK ((`a` > 0)),\n  CONSTRAINT `c_2` CHECK ((`a` <> _utf8mb4')')) /*!80016 NOT ENFORCED */\n) ENGINE=InnoDB", session97)
	got, err := s.Constraints()
	if err != nil {
		t.Fatal(err)
	}
	want := []Constraint{
		{"f`1", true, "ADD CONSTRAINT `f``1` FOREIGN KEY (`b`) REFERENCES `p` (`id`) ON DELETE SET NULL"},
		{"c_1", false, "ADD CONSTRAINT `c_1` CHECK ((`a` > 0))"},
		{"c_2", false, "ADD CONSTRAINT `c_2` CHECK ((`a` <> _utf8mb4')')) /*!80016 NOT ENFORCED */"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if a, b := got[0].DropConstraint(), got[1].DropConstraint(); a != "DROP FOREIGN KEY `f``1`" || b != "DROP CHECK `c_1`" {
		t.Errorf("got %s and %s", a, b)
	}
	if got, want := got[2].Called("d`3"), "ADD CONSTRAINT `d``3` CHECK ((`a` <> _utf8mb4')')) /*!80016 NOT ENFORCED */"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

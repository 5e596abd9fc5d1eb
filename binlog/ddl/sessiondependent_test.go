package ddl

import (
	"slices"
	"testing"
)

// The stored columns of which check and restore warn are those that a session may compute in another way, and no others.
func TestSessionDependentColumns(t *testing.T) {
	const base = "CREATE TABLE `t` (`id` int, `c` char(5), `v` varchar(9), `d` datetime(3), `day` date, `j` json, `n` decimal(9,2)," +
		" `x` double GENERATED ALWAYS AS ((`id` / 7)) VIRTUAL, `g` "
	for column, depends := range map[string]bool{
		"int GENERATED ALWAYS AS ((`id` + 1)) STORED":                                             false,
		"int GENERATED ALWAYS AS ((`id` / 7)) VIRTUAL":                                            false,
		"int GENERATED ALWAYS AS ((`id` / 7)) STORED":                                             true,
		"int GENERATED ALWAYS AS ((`id` DIV 7)) STORED":                                           false,
		"double GENERATED ALWAYS AS ((`x` + 1)) STORED":                                           true,
		"varchar(9) GENERATED ALWAYS AS (upper(`c`)) STORED":                                      true,
		"varchar(9) GENERATED ALWAYS AS (upper(`v`)) STORED":                                      false,
		"varchar(9) GENERATED ALWAYS AS (concat(`v`,_utf8mb4'\\\\')) STORED":                      true,
		"varchar(9) GENERATED ALWAYS AS (json_unquote(json_extract(`j`,_utf8mb4'$.a/b'))) STORED": false,
		"date GENERATED ALWAYS AS (cast(`d` as date)) STORED":                                     false,
		"date GENERATED ALWAYS AS (cast(`v` as date)) STORED":                                     true,
		"datetime GENERATED ALWAYS AS (`d`) STORED":                                               true,
		"int GENERATED ALWAYS AS (year(`day`)) STORED":                                            false,
		"int GENERATED ALWAYS AS (year(`v`)) STORED":                                              true,
		"int GENERATED ALWAYS AS (week(`day`,0)) STORED":                                          false,
		"int GENERATED ALWAYS AS (unix_timestamp(`d`)) STORED":                                    true,
		"varchar(9) GENERATED ALWAYS AS (date_format(`d`,_utf8mb4'%Y-%m')) STORED":                false,
		"varchar(9) GENERATED ALWAYS AS (date_format(`d`,_utf8mb4'%b')) STORED":                   true,
		"varchar(9) GENERATED ALWAYS AS (dayname(`d`)) STORED":                                    true,
		"varbinary(99) GENERATED ALWAYS AS (aes_encrypt(`v`,_utf8mb4'k')) STORED":                 true,
		"varchar(99) GENERATED ALWAYS AS (concat(cast(`d` as datetime),_utf8mb4'/')) STORED":      true,
		"varchar(99) GENERATED ALWAYS AS (concat(`v`,_utf8mb4'cast(x as datetime)/')) STORED":     false,
	} {
		def, err := ParseCreateTable(base+column+")", "d")
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Contains(def.SessionDependent(), "g"); got != depends {
			t.Errorf("%s: depends %v", column, got)
		}
	}
}

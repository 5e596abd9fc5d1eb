package history

// cascades have indexes of their own for the keys: no client can tell an index that the server made for a foreign key,
// and drops by itself later, from one that somebody asked for.
var cascades = Feature{
	Name: "cascades", Doc: "foreign keys that cascade, which 9.7 alone logs (fact 4.1)", Share: 80,
	Tables: []template{
		{name: "children", keepsSchema: true, body: "(id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, p INT, v VARCHAR(10), KEY (p)," +
			" CONSTRAINT fk_p FOREIGN KEY (p) REFERENCES `shop`.parents (id) ON DELETE CASCADE ON UPDATE CASCADE)"},
		{name: "orphans", keepsSchema: true, body: "(id INT NOT NULL PRIMARY KEY, p INT, u INT, KEY k_u (u)," +
			" CONSTRAINT fk_o FOREIGN KEY (u) REFERENCES `shop`.parents (u) ON DELETE SET NULL ON UPDATE CASCADE)"},
	},
}

// selfReferences and cycles: rows that can only be loaded in the right order, or without checks.
var (
	selfReferences = Feature{
		Name: "self-reference", Doc: "a table with a foreign key to itself that cascades", Share: 40,
		Tables: []template{{name: "tree", keepsSchema: true, body: "(id INT NOT NULL PRIMARY KEY, up INT, v VARCHAR(10), KEY (up)," +
			" CONSTRAINT fk_up FOREIGN KEY (up) REFERENCES `shop`.tree (id) ON DELETE CASCADE)"}},
	}
	cycles = Feature{
		Name: "cycle", Doc: "two tables with foreign keys to each other", Share: 40,
		Tables: []template{
			{name: "egg", keepsSchema: true, body: "(id INT NOT NULL PRIMARY KEY, hen INT, v VARCHAR(10), KEY (hen))"},
			{name: "hen", keepsSchema: true, body: "(id INT NOT NULL PRIMARY KEY, egg INT, KEY (egg), CONSTRAINT fk_egg FOREIGN KEY (egg) REFERENCES `shop`.egg (id) ON DELETE SET NULL)"},
		},
		Linked: []string{"ALTER TABLE `shop`.`egg` ADD CONSTRAINT fk_hen FOREIGN KEY (hen) REFERENCES `shop`.hen (id) ON DELETE CASCADE"},
	}
)

package history

// engines hold tables whose changes no transaction takes back: what a refused statement has written stays, and where there
// are GTIDs the server refuses them in transactions that have changed other tables.
var engines = Feature{
	Name: "engines", Doc: "tables of MyISAM, MEMORY (hash and btree keys) and CSV, with keys and without, and others that become such", Share: 40,
	Tables: []template{
		{name: "isam", body: `(
  id INT NOT NULL AUTO_INCREMENT, u INT, v VARCHAR(20), tx TEXT, e ENUM('x','y'), j JSON, PRIMARY KEY (id), UNIQUE KEY u_u (u),
  FULLTEXT KEY ft (tx)) ENGINE=MyISAM`},
		{name: "fixed", body: `(k CHAR(4) NOT NULL, n INT NOT NULL, at DATETIME(3), f FLOAT, b BIT(9), PRIMARY KEY (k, n)) ENGINE=MyISAM ROW_FORMAT=FIXED`},
		{name: "isamloose", keyless: true, body: `(n INT, s VARCHAR(12), b VARBINARY(8), KEY k_n (n)) ENGINE=MyISAM`},
		{name: "heap", body: `(id INT NOT NULL, u INT, v VARCHAR(20), PRIMARY KEY (id), UNIQUE KEY u_u (u)) ENGINE=MEMORY`},
		{name: "heaptree", body: `(
  id INT NOT NULL AUTO_INCREMENT, k VARCHAR(6) NOT NULL, v VARBINARY(20), d DECIMAL(12,3), PRIMARY KEY (id) USING BTREE,
  UNIQUE KEY u_k (k) USING BTREE) ENGINE=MEMORY`},
		{name: "heaploose", keyless: true, body: `(n INT, v VARCHAR(10), KEY k_n (n)) ENGINE=MEMORY`},
		{name: "csv", keyless: true, body: `(n INT NOT NULL, s VARCHAR(12) NOT NULL, d DECIMAL(12,3) NOT NULL, at DATETIME NOT NULL, b VARBINARY(8) NOT NULL) ENGINE=CSV`},
	},
	DDL: []kind{{"engine", engine, meaning | staying, ""}, {"engine", engine, meaning | staying, ""}},
}

// engine moves a table to another engine. Most of those that had transactions get them back: a history of none would hold little.
func engine(d *ddl, n name, _ []column) []string {
	if d.run.live.isPartitioned(n) && d.run.kind() != d.run.target() { // MySQL since 8.0 parts tables of InnoDB alone
		return nil
	}
	statements := []string{"ALTER TABLE " + n.String() + " ENGINE=" + pick(d.r, "MyISAM", "MyISAM", "MEMORY", "CSV", "InnoDB")}
	if d.run.shapes[n.table] != "engines" && d.r.IntN(4) > 0 {
		statements = append(statements,
			"REPLACE INTO "+n.String()+" SELECT * FROM "+n.String()+" LIMIT 1", // through the other engine
			"ALTER TABLE "+n.String()+" ENGINE=InnoDB")
	}
	return statements
}

package history

var partsTable = template{name: "parts", body: `(
  id INT NOT NULL, v VARCHAR(20), n INT, PRIMARY KEY (id)) PARTITION BY RANGE (id)
  (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20), PARTITION p2 VALUES LESS THAN (100), PARTITION px VALUES LESS THAN MAXVALUE)`}

var partitions = Feature{
	Name: "partitions", Doc: "a partitioned table; partitions are truncated, dropped, cut, and exchanged with a table", Share: 75,
	Tables: []template{partsTable},
	DDL:    []kind{{"partition", partition, setsBack, ""}, {"exchange", exchange, setsBack, ""}},
}

// partitioned returns the table, or another one that is partitioned.
func (d *ddl) partitioned(n name) (name, bool) {
	if d.run.live.isPartitioned(n) {
		return n, true
	}
	for _, other := range d.run.live.names() {
		if d.run.live.isPartitioned(other) {
			return other, true
		}
	}
	return n, false
}

func partition(d *ddl, n name, _ []column) []string {
	n, ok := d.partitioned(n)
	if !ok {
		n = name{n.schema, d.fresh("parts")}
		return []string{partsTable.create(n.schema, n.table), "ALTER TABLE " + n.String() + " REBUILD PARTITION p1"}
	}
	return []string{"ALTER TABLE " + n.String() + " " + pick(d.r, "TRUNCATE PARTITION p1", "DROP PARTITION p0", "REBUILD PARTITION p2", "TRUNCATE PARTITION ALL",
		"REORGANIZE PARTITION px INTO (PARTITION p5 VALUES LESS THAN (500), PARTITION px VALUES LESS THAN MAXVALUE)")}
}

// exchange gives a partition's rows to a table, and that table's to the partition.
func exchange(d *ddl, n name, _ []column) []string {
	n, ok := d.partitioned(n)
	if !ok {
		return nil
	}
	other := name{n.schema, d.fresh("exchanged")}
	return []string{
		"CREATE TABLE " + other.String() + " LIKE " + n.String(),
		"ALTER TABLE " + other.String() + " REMOVE PARTITIONING",
		"INSERT IGNORE INTO " + other.String() + " (id) VALUES (11), (13), (17)",
		"ALTER TABLE " + n.String() + " EXCHANGE PARTITION p1 WITH TABLE " + other.String(),
	}
}

package history

// oddNames: names in other scripts, and with characters that have a meaning in file names, patterns, flags and statements. The server takes
// no name with a character beyond the basic plane (emoji), and none that ends with a space.
var oddNames = Feature{
	Name: "names", Doc: "tables, columns, indexes and constraints in other scripts, with spaces, dots, quotes, backticks and wildcards", Share: 40,
	Tables: []template{
		{name: "таблица №1", keepsSchema: true, body: "(`ключ` INT NOT NULL AUTO_INCREMENT, `имя фамилия` VARCHAR(20), `с.точкой` INT, `удвоено` INT GENERATED ALWAYS AS (`с.точкой` * 2) STORED," +
			" PRIMARY KEY (`ключ`), UNIQUE KEY `ключ.два` (`с.точкой`), CONSTRAINT `проверка ``1``` CHECK (`с.точкой` <> 1000))"},
		{name: "表.格`a", keepsSchema: true, body: "(`键` VARCHAR(6) NOT NULL, `it's` INT, `a\"b` VARBINARY(8), `100%_\\` DATETIME(2), PRIMARY KEY (`键`), KEY `索引 /*x*/` (`it's`)," +
			" CONSTRAINT `外键` FOREIGN KEY (`it's`) REFERENCES `shop`.`таблица №1` (`ключ`) ON DELETE SET NULL)"},
		{name: "a=b, c", body: "(`select` INT NOT NULL, `,` INT NOT NULL, `--` VARCHAR(20), `#;` BLOB, PRIMARY KEY (`,`, `select`))"},
		{name: "*?[a-z]%2e", body: "(id INT NOT NULL PRIMARY KEY, `Größe` DECIMAL(9,2), `GRÖSSE 2` TEXT, `ＷＩＤＥ` BIT(3))"},
	},
}

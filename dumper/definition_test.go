package dumper

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestDefinitionsInOtherCharacterSets: defaults, comments, labels and names of tables in other
// character sets, made by clients that speak these, are those of the source in another server.
func TestDefinitionsInOtherCharacterSets(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec("CREATE DATABASE d CHARACTER SET gbk", "USE d", "SET NAMES utf8mb4",
		"CREATE TABLE member_space (mid INT PRIMARY KEY, spacename VARCHAR(50) NOT NULL DEFAULT '', sign VARCHAR(100) NOT NULL DEFAULT '没签名' COMMENT '签名') ENGINE=InnoDB DEFAULT CHARSET=gbk COMMENT '空间'",
		"INSERT INTO member_space (mid) VALUES (1)",
		"CREATE TABLE japanese (id INT PRIMARY KEY, v VARCHAR(20) DEFAULT '表ソ' COMMENT '能', e ENUM('表','ソ') DEFAULT 'ソ', s SET('構','造') DEFAULT '構,造') CHARSET sjis",
		"INSERT INTO japanese (id) VALUES (1)",
		"CREATE TABLE wide (id INT PRIMARY KEY, v VARCHAR(20) CHARACTER SET utf16 DEFAULT '😀é', x VARCHAR(20) CHARACTER SET ucs2 DEFAULT (CONCAT('中', 'x')), CHECK (v <> '文')) CHARSET utf32",
		"INSERT INTO wide (id) VALUES (1)",
		"SET NAMES gbk", "CREATE TABLE `\xd6\xd0` (`\xce\xc4` VARCHAR(10) CHARACTER SET latin1 DEFAULT 'a', `\xd7\xd6` VARCHAR(10) DEFAULT '\xd6\xd0\xd5\x5c' COMMENT '\xd6\xd0', PRIMARY KEY (`\xd7\xd6`))",
		"INSERT INTO `\xd6\xd0` () VALUES ()",
		"SET NAMES latin1", "CREATE TABLE programmes (id INT PRIMARY KEY, type ENUM('programm\xe9e','inopin\xe9e') NOT NULL DEFAULT 'inopin\xe9e', v VARCHAR(20) DEFAULT 'programm\xe9e') CHARSET latin1",
		"INSERT INTO programmes (id) VALUES (1)", "INSERT INTO programmes VALUES (2,'programm\xe9e','\xe9')")
	_, m := s.backUp()
	text, err := s.catalog.OpenSchemaObject(t.Context(), instanceName, m.ID, baseOf(t, m, "d.member_space").SchemaKey)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "DEFAULT '没签名' COMMENT '签名'") {
		t.Errorf("stored as %s", text)
	}
	target := mysqltest.Target(t)
	s.load(target, m)
	s.equal(target, "d")
	// What the target fills in itself is what the source fills in.
	for _, server := range []*mysqltest.Server{s.source, target} {
		mysqltest.Exec(t, server, "INSERT INTO d.member_space (mid) VALUES (2)", "INSERT INTO d.japanese (id) VALUES (2)", "INSERT INTO d.wide (id) VALUES (2)", "INSERT INTO d.programmes (id) VALUES (3)")
	}
	s.equal(target, "d")
}

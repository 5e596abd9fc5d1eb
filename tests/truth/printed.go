package truth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
)

// scratch is the schema in which PrintedBy makes tables.
const scratch = "truth_printed"

// PrintedBy returns the truth of an older server as a newer one says the same: each table's
// definition as db prints it when it is run there, and in all other texts the names that changed (utf8 became utf8mb3)
// or went (modes of sql_mode).
func (t *Truth) PrintedBy(ctx context.Context, db *sql.DB) (_ *Truth, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect for the truth: %w", err)
	}
	defer conn.Close()
	exec := func(statements ...string) error {
		for _, s := range statements {
			if _, err := conn.ExecContext(ctx, s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		return nil
	}
	version, err := list(ctx, conn, "SELECT VERSION()")
	if err != nil {
		return nil, err
	}
	mariadb := strings.Contains(version[0][0], "MariaDB")
	collation := func(to string) string {
		if mariadb { // it knows no other for utf8mb4 alone
			return "DO 1"
		}
		return "SET default_collation_for_utf8mb4=" + to
	}
	if err := exec("CREATE DATABASE "+scratch, "USE "+scratch, "SET NAMES utf8mb4, sql_mode='ALLOW_INVALID_DATES', foreign_key_checks=0, sql_quote_show_create=1, innodb_strict_mode=OFF",
		collation("utf8mb4_general_ci")); err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, exec("DROP DATABASE "+scratch, "SET NAMES utf8mb4, sql_mode=DEFAULT, foreign_key_checks=1, innodb_strict_mode=DEFAULT", collation("DEFAULT")))
	}()
	printed := *t
	printed.objects, printed.collations = maps.Clone(t.objects), maps.Clone(t.collations)
	for key, text := range t.collations {
		printed.collations[key] = renamedSince(text, false)
	}
	for key, text := range t.objects {
		if !strings.HasPrefix(key, "table ") {
			printed.objects[key] = renamedSince(text, !mariadb)
			continue
		}
		if err := exec(text); err != nil {
			return nil, err
		}
		_, name, _ := strings.Cut(key, ".")
		shown, err := list(ctx, conn, "SHOW CREATE TABLE "+quote(name))
		if err != nil {
			return nil, err
		}
		if err := exec("DROP TABLE " + quote(name)); err != nil {
			return nil, err
		}
		printed.objects[key] = autoIncrementText.ReplaceAllString(shown[0][1], "")
	}
	return &printed, nil
}

var (
	utf8Charset  = regexp.MustCompile(`\butf8\b`)
	removedModes = regexp.MustCompile(`,?NO_AUTO_CREATE_USER|NO_AUTO_CREATE_USER,`)
)

// Before 5.7 a table has one trigger of a kind, without a place among others; and SHOW CREATE TRIGGER
// shows the names as they were given, with a schema or without.
var (
	triggerOrder = regexp.MustCompile(` order 0$`)
	triggerNames = regexp.MustCompile("(?s)CREATE TRIGGER (?:" + identifier + "\\.)?(?:`((?:[^`]|``)+)`|(\\w+)) ((?:BEFORE|AFTER) \\w+) ON (?:" + identifier + "\\.)?(?:`((?:[^`]|``)+)`|(\\w+)) FOR")
)

const identifier = "(?:`(?:[^`]|``)+`|\\w+)"

// returnedWidth is what an integer is printed in, up to 8.0.
var returnedWidth = regexp.MustCompile(`(RETURNS (?:small|medium|big)?int)\(\d+\)`)

// spelledText is a column in a definition up to its character set and collation.
var spelledText = regexp.MustCompile("(?m)^(  `(?:[^`]|``)+` \\w+(?:\\((?:'(?:[^']|'')*'|[^')])*\\))?)(?: CHARACTER SET \\w+)?(?: COLLATE \\w+)?")

// shortenedText is a key over as much of a text as 767 bytes hold, of one that is not unique.
var shortenedText = regexp.MustCompile("(?m)^(  KEY `(?:[^`]|``)+` \\(.*?`)\\((?:191|255|383|767)\\)")

// Unspelled returns a truth whose definitions leave out the character sets and collations of columns, which are compared all
// the same, and to what MySQL 5.6 shortened keys that are too long for it. A server before 8.0 does not know whether collations were
// spelled; a later one shows those that were.
func (t *Truth) Unspelled() *Truth {
	plain := *t
	plain.objects = maps.Clone(t.objects)
	for key, text := range t.objects {
		if strings.HasPrefix(key, "table ") {
			plain.objects[key] = shortenedText.ReplaceAllString(spelledText.ReplaceAllString(text, "$1"), "$1")
		}
	}
	return &plain
}

// Loosely returns a truth without what MySQL and MariaDB print otherwise of the same view, routine or trigger:
// parentheses around conditions, the collation that a function returns, names as they were given.
func (t *Truth) Loosely() *Truth {
	loose := *t
	loose.objects = maps.Clone(t.objects)
	for key, text := range t.objects {
		if !strings.HasPrefix(key, "table ") {
			text = returnedCollation.ReplaceAllString(text, "$1")
			loose.objects[key] = strings.NewReplacer("(", "", ")", "").Replace(text)
		}
	}
	return &loose
}

var returnedCollation = regexp.MustCompile(`(RETURNS \w+\(\d+\) CHARSET \w+) COLLATE \w+`)

func renamedSince(text string, modesWent bool) string {
	text = triggerOrder.ReplaceAllString(text, " order 1")
	text = strings.ReplaceAll(text, "utf8_", "utf8mb3_")
	text = utf8Charset.ReplaceAllString(text, "utf8mb3")
	if !modesWent {
		return text
	}
	text = returnedWidth.ReplaceAllString(text, "$1")
	return removedModes.ReplaceAllString(text, "")
}

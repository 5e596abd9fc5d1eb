package ddl

import (
	"regexp"
	"strings"
)

// secretLiteral finds literals that may hold a password where a statement of a table or a server has one: the connection of a FEDERATED
// table, the options of CONNECT and SPIDER, which take a comment for options as well. One that is cut off counts to the text's end.
var secretLiteral = regexp.MustCompile(`(?is)\b(CONNECTION|PASSWORD|OPTION_LIST|BY|AS|COMMENT)(\s*=?\s*)('(?:[^'\\]|\\.|'')*(?:'|$)|"(?:[^"\\]|\\.|"")*(?:"|$))`)

// Redacted is the text of a statement as messages, logs and manifests may show it: without passwords.
func Redacted(text string) string {
	return secretLiteral.ReplaceAllStringFunc(text, func(found string) string {
		at := secretLiteral.FindStringSubmatchIndex(found)
		word, literal := strings.ToUpper(found[at[2]:at[3]]), strings.ToLower(found[at[6]:at[7]])
		if word == "COMMENT" && !strings.Contains(literal, "password") {
			return found
		}
		if (word == "BY" || word == "AS") && !strings.Contains(strings.ToUpper(text), "IDENTIFIED") {
			return found // no account: a separator, a name
		}
		return found[:at[6]] + "'***'"
	})
}

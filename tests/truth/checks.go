package truth

import (
	"regexp"
	"strings"
)

var (
	negated = regexp.MustCompile(`-\((\d+)\)`)
	quoted  = regexp.MustCompile(`_utf8mb4'(\d+)'`)
)

// preparedChecks is a definition with its checks as MySQL prints them behind an ALTER, which a restore may need where the source had
// none (docs/limits.md): `-5` for `-(5)`, 7 for `'7'`.
func preparedChecks(definition string) string {
	if !strings.Contains(definition, "` bigint") && !strings.Contains(definition, "` year") {
		return definition // others keep what they compare with
	}
	lines := strings.Split(definition, "\n")
	for i, line := range lines {
		if isCheck(line) {
			lines[i] = quoted.ReplaceAllString(negated.ReplaceAllString(line, "-$1"), "$1")
		}
	}
	return strings.Join(lines, "\n")
}

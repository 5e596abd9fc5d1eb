package truth

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
)

// definerText is the account that defines an object, in front of its definition.
var definerText = regexp.MustCompile("DEFINER=[`\"]([^`\"]*)[`\"]@[`\"]([^`\"]*)[`\"] ?")

// definer notes the account that defines an object.
func (t *Truth) definer(key, definition string) {
	if found := definerText.FindStringSubmatch(definition); found != nil {
		t.definers[key] = found[1] + "@" + found[2]
	}
}

// Definers returns how many objects have a definer.
func (t *Truth) Definers() int { return len(t.definers) }

// DefinerDifferences lists the objects whose definer is neither kept nor told to be changed.
// restorer is the account that restored, mayAll whether it may set other accounts than itself,
// changed what the restore told, each as "kind schema.name: user@host" with the account that
// the source has.
func (t *Truth) DefinerDifferences(restored *Truth, restorer string, mayAll bool, changed []string) []string {
	var out []string
	told := map[string]string{}
	for _, c := range changed {
		object, account, _ := strings.Cut(c, ": ")
		if _, twice := told[object]; twice {
			out = append(out, fmt.Sprintf("definer of %s: told twice to be changed", object))
		}
		if _, there := restored.definers[object]; !there {
			out = append(out, fmt.Sprintf("definer of %s: told to be changed, but there is no such object", object))
		}
		told[object] = account
	}
	for object, got := range restored.definers {
		want, is := t.definers[object]
		account, listed := told[object]
		switch {
		case !is: // an object too many, which is told of as such
		case got == want && listed:
			out = append(out, fmt.Sprintf("definer of %s: kept, but told to be changed", object))
		case got == want:
		case mayAll || got != restorer:
			out = append(out, fmt.Sprintf("definer of %s: %s, the source has %s", object, got, want))
		case !listed:
			out = append(out, fmt.Sprintf("definer of %s: %s instead of %s, and not told", object, got, want))
		case account != want:
			out = append(out, fmt.Sprintf("definer of %s: told to have been %s, the source has %s", object, account, want))
		}
	}
	sort.Strings(out)
	return out
}

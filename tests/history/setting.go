package history

import (
	"fmt"
	"slices"
	"strings"
)

// Setting is what all histories of a soak have in common, whatever their seeds draw.
type Setting struct {
	Name, Doc string
	With      []string
	Kind      string // of servers; what is asked for where empty
	// GTIDs says whether the i-th history's source has them; nil for two of three.
	GTIDs func(i int) bool
}

func always(int) bool { return true }
func never(int) bool  { return false }

// settings are all there are.
var settings = []Setting{
	{Name: "mixed", Doc: "two of three with GTIDs, all else by seed"},
	{Name: "gtid", Doc: "with GTIDs", GTIDs: always},
	{Name: "file", Doc: "without GTIDs", GTIDs: never},
	{Name: "compressed", Doc: "transactions are compressed", With: []string{compression.Name}},
	{Name: "row-images", Doc: "row images are not whole, and JSON documents are logged as differences", With: []string{rowImages.Name, jsonDiffs.Name}},
	{Name: "native-keys", Doc: "what foreign keys cascade is not in the log", With: []string{nativeKeys.Name, cascades.Name}},
	{Name: "5.6", Doc: "a source of MySQL 5.6, restored into 5.6 or 9.7", Kind: "5.6"},
	{Name: "mariadb", Doc: "a source of MariaDB 10.11, restored into MariaDB", Kind: "mariadb", GTIDs: always},
}

// ParseSettings reads a,b; all for each but mixed.
func ParseSettings(text string) ([]Setting, error) {
	if text == everything {
		return slices.Clone(settings[1:]), nil
	}
	var list []Setting
	for name := range strings.SplitSeq(text, ",") {
		i := slices.IndexFunc(settings, func(s Setting) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no setting %q; %s", name, settingNames())
		}
		list = append(list, settings[i])
	}
	return list, nil
}

func settingNames() string {
	var names []string
	for _, s := range settings {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ") + ", or all"
}

// ListSettings tells what there are.
func ListSettings() string {
	var b strings.Builder
	for _, s := range settings {
		fmt.Fprintf(&b, "%-14s %s\n", s.Name, s.Doc)
	}
	return b.String()
}

// apply makes the i-th history's configuration.
func (s Setting) apply(c Config, i int) Config {
	c.Seed += uint64(i)
	if s.Kind != "" {
		c.Kind = s.Kind
	}
	c.With = slices.Concat(c.With, s.With)
	c.Without = slices.DeleteFunc(slices.Clone(c.Without), func(f string) bool { return slices.Contains(s.With, f) })
	if c.GTID = i%3 != 2; s.GTIDs != nil {
		c.GTID = s.GTIDs(i)
	}
	return c
}

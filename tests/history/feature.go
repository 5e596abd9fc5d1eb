package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// Feature is a switch: something that a history holds or does not. Each stands in a file of its own, as a
// variable, and is listed in [features]; doc.go has the recipe. Every field but Name and Doc may be empty.
type Feature struct {
	Name string
	Doc  string // one line, for -list
	// Share is how many of a hundred seeds hold it, unless -features or -without say so.
	Share int
	// Not tells why a history cannot have it; empty where it can. Whoever asks for it by name is refused with that.
	Not func(c Config) string

	// Server changes the options that source and target are started with. Servers are kept by their options, and
	// a start takes seconds: a setting that a running server takes belongs into Globals.
	Server func(source, target *mysqltest.Options)
	// Globals are settings of the source for the time of the history, "name=value", and, without a value, those
	// that the feature changes on the way: they are put back to their defaults behind it.
	Globals []string
	// Tables are made, and written to, beside those of the other features. Linked statements follow the tables.
	Tables []template
	Linked []string

	// Session draws what a session of a writer begins with; Between what it now and then sends between two
	// transactions: settings that change in mid-flight.
	Session, Between func(w *writer) []string
	// Transaction is run in the place of one in every Every transactions of a writer. It returns how often it did what
	// the feature is for. An error of a statement is the application's daily life, one of the connection ends the
	// history.
	Transaction func(ctx context.Context, w *writer) (int, error)
	Every       int
	// Beside makes the step of one more session, which no other transaction runs in: it is called again and
	// again, passing the gate each time, so that what it begins may stay open at a stop point.
	Beside func() func(ctx context.Context, w *writer) (int, error)

	// DDL are further kinds of statements of the session that changes definitions and settings, one at a time.
	// They are drawn from a deck in which each lies once; where a kind was not drawn, or refused, it is tried
	// before the last stop point.
	DDL []kind

	// Backup and Restore are flags of the commands.
	Backup, Restore []string
	// Judge compares more, behind the restores of all stop points, and returns how much it compared.
	Judge func(ctx context.Context, h *run) (int, error)

	// Logged is what the server's mysqlbinlog prints for each one that the archive holds, LogArgs what makes it
	// print that.
	Logged  string
	LogArgs []string

	endsRanges bool // a restore may be refused for some tables (exit 12), by their names
	counts     bool // something else tells run.holds of it
}

// chosen are the features that a history has, in the order of the list.
type chosen []*Feature

// String lists their names.
func (c chosen) String() string {
	names := make([]string, len(c))
	for i, f := range c {
		names[i] = f.Name
	}
	return strings.Join(names, ",")
}

func (c chosen) has(name string) bool {
	return slices.ContainsFunc(c, func(f *Feature) bool { return f.Name == name })
}

// everything, in -features or -without, is each feature that can be.
const everything = "all"

// choose returns the features of a history as its servers have them: those that its seed draws, with the asked ones and
// without the unwanted. One that cannot be is an error where it was asked for by name.
func choose(c Config) (chosen, error) {
	if err := CheckKinds(c.Kind, c.Into); err != nil {
		return nil, err
	}
	kind := c.kind()
	r := rand.New(rand.NewPCG(c.Seed, 20))
	var list chosen
	for i := range features {
		f := &features[i]
		wanted := r.IntN(100) < f.Share
		switch {
		case slices.Contains(c.With, f.Name):
			wanted = true
		case slices.Contains(c.Without, f.Name), slices.Contains(c.Without, everything):
			wanted = false
		case slices.Contains(c.With, everything):
			wanted = true
		}
		if !wanted {
			continue
		}
		if why := kind.without(c, f); why != "" && slices.Contains(c.With, f.Name) {
			return nil, fmt.Errorf("no %s in this history: %s", f.Name, why)
		} else if why != "" {
			continue
		}
		list = append(list, kind.adapt(f))
	}
	list = list.limited(r, c.Tables, c.With, func(f *Feature) bool { return len(f.Tables) > 0 })
	list = list.limited(r, c.Judges, c.With, func(f *Feature) bool { return f.Judge != nil && len(f.DDL) == 0 })
	if !slices.ContainsFunc([]string{views.Name, routines.Name, triggers.Name, events.Name}, list.has) && !slices.Contains(c.With, definers.Name) {
		list = slices.DeleteFunc(list, func(f *Feature) bool { return f.Name == definers.Name }) // nothing has one
	}
	return list, nil
}

// limited leaves out features that are such, by chance, until there are no more than so many; 0 for all. Those asked for by name stay.
func (c chosen) limited(r *rand.Rand, most int, asked []string, such func(*Feature) bool) chosen {
	if most == 0 {
		return c
	}
	var named []string
	for _, f := range c {
		if such(f) && !slices.Contains(asked, f.Name) {
			named = append(named, f.Name)
		}
	}
	r.Shuffle(len(named), func(i, j int) { named[i], named[j] = named[j], named[i] })
	gone := named[min(most, len(named)):]
	return slices.DeleteFunc(c, func(f *Feature) bool { return slices.Contains(gone, f.Name) })
}

// ParseFeatures reads the value of -features or -without.
func ParseFeatures(list string) ([]string, error) {
	var names []string
	for _, n := range strings.Split(list, ",") {
		n = strings.TrimSpace(n)
		if n == "" {
			continue
		}
		if n != everything && !slices.ContainsFunc(features, func(f Feature) bool { return f.Name == n }) {
			return nil, fmt.Errorf("there is no feature %q: -list shows all", n)
		}
		names = append(names, n)
	}
	return names, nil
}

// ListFeatures is the text of -list.
func ListFeatures() string {
	var b strings.Builder
	for _, f := range features {
		fmt.Fprintf(&b, "%-14s %3d%%  %s\n", f.Name, f.Share, f.Doc)
	}
	return b.String()
}

// templates are the tables of the features.
func (c chosen) templates() (list []template) {
	for _, feature := range c {
		for _, t := range feature.Tables {
			t.feature = feature.Name
			list = append(list, t)
		}
	}
	return list
}

// kinds are the DDL of the features.
func (c chosen) kinds() (list []kind) {
	for _, feature := range c {
		for _, k := range feature.DDL {
			k.feature = feature.Name
			list = append(list, k)
		}
	}
	return list
}

// flags joins the flags that features add to a command.
func (c chosen) flags(of func(*Feature) []string) (list []string) {
	for _, feature := range c {
		list = append(list, of(feature)...)
	}
	return list
}

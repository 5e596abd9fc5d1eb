package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// damage is one thing that happens to an object of a store.
type damage struct {
	name string
	do   func(t *testing.T, path string, content []byte)
}

var (
	truncated = damage{"truncated", func(t *testing.T, path string, content []byte) { write(t, path, content[:len(content)*2/3]) }}
	emptied   = damage{"emptied", func(t *testing.T, path string, _ []byte) { write(t, path, nil) }}
	altered   = damage{"one bit altered", func(t *testing.T, path string, content []byte) {
		other := bytes.Clone(content)
		other[len(other)*3/4] ^= 4
		write(t, path, other)
	}}
	extended = damage{"extended", func(t *testing.T, path string, content []byte) { write(t, path, append(bytes.Clone(content), 'x')) }}
	removed  = damage{"removed", func(t *testing.T, path string, _ []byte) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}}
	frontAltered = damage{"header altered", func(t *testing.T, path string, content []byte) {
		other := bytes.Clone(content)
		other[60] ^= 1
		write(t, path, other)
	}}
	// newerVersion makes the first format version of an object a later one, with as many bytes.
	newerVersion = damage{"newer version", func(t *testing.T, path string, content []byte) {
		for _, form := range []string{`"version":1,`, `"version": 1,`} {
			if bytes.Contains(content, []byte(form)) {
				write(t, path, bytes.Replace(content, []byte(form), []byte(strings.Replace(form, "1", "9", 1)), 1))
				return
			}
		}
		t.Fatalf("%s names no version", path)
	}}
)

// objects of the story's store by what they are.
func (s *story) object(t *testing.T, store, what string) string {
	t.Helper()
	backup := filepath.Join(instance, "backups", s.backup)
	pattern := map[string]string{
		"instance":      filepath.Join(instance, "instance.json"),
		"manifest":      filepath.Join(backup, "manifest.json"),
		"chunk":         filepath.Join(backup, "data", "shop", "customers", "*.tsv.zst"),
		"definition":    filepath.Join(backup, "schema", "shop", "table.customers.sql"),
		"head":          filepath.Join(instance, "binlog", s.timeline, "head.json"),
		"segment":       filepath.Join(instance, "binlog", s.timeline, "binlog%2E000002", "*.seg"),
		"first segment": filepath.Join(instance, "binlog", s.timeline, "binlog%2E000002", "00000000000000000000-*.seg"),
	}[what]
	found := find(t, store, pattern)
	if len(found) == 0 {
		t.Fatalf("the store has no %s (%s)", what, pattern)
	}
	if what == "segment" {
		if len(found) < 3 {
			t.Fatalf("the file has only %d segments", len(found))
		}
		return found[1] // one in the middle
	}
	return found[0]
}

// A damaged object is found and named, and once it is back, the same command goes on and ends
// with the right content.
func TestDamagedObjects(t *testing.T) {
	story, target := tell(t), targetServer(t)
	for _, c := range []struct {
		object  string
		damages []damage
	}{
		{"chunk", []damage{truncated, altered, removed, extended}},
		{"definition", []damage{altered, removed}},
		{"segment", []damage{truncated, altered, frontAltered, emptied, removed}},
		{"first segment", []damage{removed}},
		{"manifest", []damage{truncated, altered, emptied}},
		{"instance", []damage{altered}},
		{"head", []damage{altered}},
	} {
		for _, dmg := range c.damages {
			t.Run(c.object+" "+dmg.name, func(t *testing.T) {
				d := newDesk(t)
				copyFolder(t, story.store, d.storeFolder())
				emptyTarget(t, target)
				path := story.object(t, d.storeFolder(), c.object)
				content := read(t, path)
				dmg.do(t, path, content)
				want := refusal{code: 13, kind: "integrity", says: []string{key(d.storeFolder(), path)}, once: key(d.storeFolder(), path)}
				if dmg.name == removed.name && strings.Contains(c.object, "segment") {
					// What is not there has no name: the file and the offset that are missing tell.
					want.says = []string{"binlog.000002"}
				}
				args := d.restore(target, "--to-gtid", story.moments["end"].gtids)
				d.refusedText(want, args...)
				emptyTarget(t, target)
				d.refusedJSON(want, args...)
				if c.object == "manifest" || c.object == "instance" || c.object == "head" {
					d.refusedJSON(want, "list", "--store", d.store())
				}
				write(t, path, content)
				d.again(args...)
				story.moments["end"].equals(t, target, "the restore once the object was back")
			})
		}
	}
}

// again repeats a restore that was cut short: it goes on by itself, or says that --force is how
// to begin anew.
func (d *desk) again(args ...string) {
	d.t.Helper()
	o := d.run(args...)
	if o.Code == 1 && strings.Contains(o.Stderr, "not finished") && strings.Contains(o.Stderr, "--force") {
		o = d.run(append(args[:len(args):len(args)], "--force")...)
	}
	if o.Code != 0 {
		d.t.Errorf("the restore does not go on\n%s", o)
	}
}

// commandInHint is a command that a hint tells to run.
var commandInHint = regexp.MustCompile(`tripod ([a-z]+) (?:--|to |prints|shows|removes)`)

// A hint that leads to a command that this version does not have is no remedy.
func TestHintsLeadToCommandsThatAreThere(t *testing.T) {
	story, target := tell(t), targetServer(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	path := story.object(t, d.storeFolder(), "manifest")
	content := read(t, path)
	altered.do(t, path, content)
	hints := []string{d.hintOf(refusal{code: 13}, d.restore(target)...)}
	write(t, path, content)
	hints = append(hints, d.hintOf(refusal{code: 12}, d.restore(target, "--to-time", "2099-01-01T00:00:00Z")...))
	if err := os.Remove(story.object(t, d.storeFolder(), "segment")); err != nil {
		t.Fatal(err)
	}
	hints = append(hints, d.hintOf(refusal{code: 13}, d.restore(target)...))
	hints = append(hints, d.hintOf(refusal{code: 10}, d.restore(target, "--backup", "none")...))
	for _, hint := range hints {
		for _, m := range commandInHint.FindAllStringSubmatch(hint, -1) {
			if _, is := commands[m[1]]; !is && m[1] != "help" {
				t.Errorf("there is no tripod %s: %q", m[1], hint)
			}
		}
	}
}

// The last segment is told to be missing too: the head knows how far the archive reached.
func TestMissingLastSegment(t *testing.T) {
	story, target := tell(t), targetServer(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	segments := find(t, d.storeFolder(), filepath.Join(instance, "binlog", story.timeline, "*", "*.seg"))
	if err := os.Remove(segments[len(segments)-1]); err != nil {
		t.Fatal(err)
	}
	d.refused(refusal{code: 13, kind: "integrity", says: []string{key(d.storeFolder(), segments[len(segments)-1])}}, d.restore(target)...)
}

// A restore reads only what it needs: damage behind its stop point does not concern it.
func TestDamageBehindTheStopPoint(t *testing.T) {
	story, target := tell(t), targetServer(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	path := story.object(t, d.storeFolder(), "segment")
	altered.do(t, path, read(t, path))
	d.works(d.restore(target, "--to-position", story.moments["first"].position())...)
	story.moments["first"].equals(t, target, "a restore that ends before the damage")
}

func TestNewerFormat(t *testing.T) {
	story, target := tell(t), targetServer(t)
	for _, object := range []string{"manifest", "instance", "head", "segment"} {
		t.Run(object, func(t *testing.T) {
			d := newDesk(t)
			copyFolder(t, story.store, d.storeFolder())
			emptyTarget(t, target)
			path := story.object(t, d.storeFolder(), object)
			content := read(t, path)
			newerVersion.do(t, path, content)
			want := refusal{code: 1, kind: "version", says: []string{key(d.storeFolder(), path), "version"}, hint: []string{"newer tripod"}}
			args := d.restore(target, "--to-gtid", story.moments["end"].gtids)
			d.refused(want, args...)
			if object != "segment" {
				d.refusedJSON(want, "list", "--store", d.store())
			}
			write(t, path, content)
			d.works(args...)
			story.moments["end"].equals(t, target, "the restore once the object was back")
		})
	}
}

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/tripod-db/tripod/internal/fault"
)

// configHint goes with every fault of the config file or the environment.
const configHint = "a config file is a YAML mapping of flag names to values, with a mapping per command where wanted; correct the line, or the TRIPOD_ variable"

// configFile is what a config file says, by the keys of its top level.
type configFile map[string]configEntry

// configEntry is a setting, or the section of a command.
type configEntry struct {
	// text is the value as it is written, for a flag to read: YAML's own reading of a number would turn 0123 into 83. Items of a list
	// are joined by commas.
	text    string
	section map[string]string // nil where the entry is a setting
}

// knownSettings tells which keys may stand in a section, by its command, and at the top, by "".
type knownSettings map[string][]string

// commands are those that may have a section.
func (k knownSettings) isCommand(name string) bool { _, ok := k[name]; return ok && name != "" }

// readConfigFile reads a file. The first key that no flag has is refused with its line: a setting that is spelled wrong must not
// be a setting that is silently off, nor one that stands in the section of a command which does not know it.
func readConfigFile(path string, known knownSettings) (configFile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		hint := "name an existing YAML file with --config"
		if errors.Is(err, fs.ErrPermission) {
			hint = "make the file readable for this user"
		}
		return nil, fault.New(fault.CodeUsage, fault.KindUsage, hint, "read config file: %w", err)
	}
	parsed, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, fault.New(fault.CodeUsage, fault.KindUsage, configHint, "read config file %s: %w", path, err)
	}
	file := configFile{}
	r := configReader{path: path, anchors: map[string]ast.Node{}}
	for i, doc := range parsed.Docs {
		switch {
		case doc.Body == nil || doc.Body.Type() == ast.CommentType:
			continue
		case i > 0:
			return nil, r.fault(doc.Body, "there is more than one document")
		}
		ast.Walk(&r, doc.Body)
		err := r.each(doc.Body, func(key ast.MapKeyNode, value ast.Node) error {
			name := key.String()
			if _, twice := file[name]; twice {
				return r.fault(key, "%q is there twice", name)
			}
			file[name], err = r.entry(name, key, value, known)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return file, nil
}

// configReader makes settings of the nodes of a file. It is a visitor that collects the anchors.
type configReader struct {
	path    string
	anchors map[string]ast.Node
}

// Visit implements ast.Visitor.
func (r *configReader) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok {
		r.anchors[a.Name.String()] = a.Value
	}
	return r
}

func (r *configReader) fault(at ast.Node, format string, args ...any) error {
	return fault.New(fault.CodeUsage, fault.KindUsage, configHint, "config file %s, line %d: %w", r.path, at.GetToken().Position.Line, fmt.Errorf(format, args...))
}

// each goes through a mapping.
func (r *configReader) each(n ast.Node, fn func(key ast.MapKeyNode, value ast.Node) error) error {
	m, ok := r.resolved(n).(ast.MapNode)
	if !ok {
		return r.fault(n, "want a mapping of settings")
	}
	for it := m.MapRange(); it.Next(); {
		if err := fn(it.Key(), it.Value()); err != nil {
			return err
		}
	}
	return nil
}

// resolved is what an anchor, an alias or a tag stands in front of.
func (r *configReader) resolved(n ast.Node) ast.Node {
	for range 8 { // an alias of itself ends as what it is
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.TagNode:
			n = v.Value
		case *ast.AliasNode:
			to, ok := r.anchors[v.Value.String()]
			if !ok {
				return n
			}
			n = to
		default:
			return n
		}
	}
	return n
}

// entry reads what stands at the top. A command may have the name of a flag (backup, verify): then a mapping is its section.
func (r *configReader) entry(name string, key ast.MapKeyNode, value ast.Node, known knownSettings) (e configEntry, err error) {
	content := r.resolved(value)
	_, isMapping := content.(ast.MapNode)
	isSetting := slices.Contains(known[""], name)
	switch {
	case known.isCommand(name) && (isMapping || content == nil || content.Type() == ast.NullType):
		e.section = map[string]string{}
		if !isMapping {
			return e, nil
		}
		return e, r.each(content, func(key ast.MapKeyNode, value ast.Node) error {
			k := key.String()
			if _, twice := e.section[k]; twice {
				return r.fault(key, "%q is there twice", name+"."+k)
			}
			if !slices.Contains(known[name], k) {
				return r.unknown(key, name+"."+k)
			}
			e.section[k], err = r.text(name+"."+k, key, value)
			return err
		})
	case isSetting:
		e.text, err = r.text(name, key, value)
		return e, err
	case known.isCommand(name):
		return e, r.fault(key, "%s is a command: want a mapping of its settings", name)
	}
	return e, r.unknown(key, name)
}

func (r *configReader) unknown(key ast.MapKeyNode, name string) error {
	f := fault.Of(r.fault(key, "no setting is called %q", name))
	return fault.New(f.Code, f.Kind, "settings have the names of the flags, those of a command's section the names of its own; tripod help lists them", "%w", f.Err)
}

// text is the value of a setting.
func (r *configReader) text(name string, key ast.MapKeyNode, value ast.Node) (string, error) {
	switch v := r.resolved(value).(type) {
	case *ast.StringNode:
		return v.Value, nil
	case *ast.LiteralNode:
		return v.Value.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return v.GetToken().Value, nil
	case *ast.SequenceNode:
		items := make([]string, len(v.Values))
		for i, item := range v.Values {
			if _, isList := r.resolved(item).(*ast.SequenceNode); isList {
				return "", r.fault(key, "setting %q is a list of lists", name)
			}
			var err error
			if items[i], err = r.text(name, key, item); err != nil {
				return "", err
			}
		}
		return strings.Join(items, ","), nil
	}
	return "", r.fault(key, "setting %q has no value", name)
}

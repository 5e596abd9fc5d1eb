package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tripod-db/tripod/internal/fault"
)

// lookup reads one environment variable; os.LookupEnv outside tests.
type lookup func(name string) (string, bool)

// secretSettings may stand in the environment or the config file, never in argv.
var secretSettings = []string{"source-password", "target-password"}

// configHint goes with every fault of the config file or the environment.
const configHint = "a config file is a YAML mapping of flag names to values, with a mapping per command where wanted; correct the line, or the TRIPOD_ variable"

// settings fills the flags that the command line left alone: from TRIPOD_<FLAG> first, then
// from the config file. A flag's value on the command line wins over both.
type settings struct {
	env  lookup
	file map[string]any // keys of the YAML file's top level; commands are nested maps
}

// loadSettings reads the config file named by --config or TRIPOD_CONFIG, if there is one.
func loadSettings(path string, env lookup, commands []string, known func(key string) bool) (*settings, error) {
	s := &settings{env: env}
	if path == "" {
		return s, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		hint := "name an existing YAML file with --config"
		if errors.Is(err, fs.ErrPermission) {
			hint = "make the file readable for this user"
		}
		return nil, fault.New(fault.CodeUsage, fault.KindUsage, hint, "read config file: %w", err)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, fault.New(fault.CodeUsage, fault.KindUsage, configHint, "read config file %s: %w", path, err)
	}
	if err := refuseUnknownKeys(path, file, commands, known); err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(text, &s.file); err != nil {
		return nil, fault.New(fault.CodeUsage, fault.KindUsage, configHint, "read config file %s: %w", path, err)
	}
	return s, nil
}

// refuseUnknownKeys names the first key that no flag has, with its line: a setting that is
// spelled wrong must not be a setting that is silently off.
func refuseUnknownKeys(path string, file *ast.File, commands []string, known func(string) bool) error {
	for _, doc := range file.Docs {
		top, ok := doc.Body.(ast.MapNode)
		if !ok {
			if doc.Body == nil {
				continue
			}
			return fault.New(fault.CodeUsage, fault.KindUsage, configHint, "read config file %s: want a mapping of settings", path)
		}
		for it := top.MapRange(); it.Next(); {
			key := it.Key().String()
			if slices.Contains(commands, key) {
				section, ok := it.Value().(ast.MapNode)
				if !ok {
					continue
				}
				for in := section.MapRange(); in.Next(); {
					if k := in.Key().String(); !known(k) {
						return unknownKey(path, in.Key(), key+"."+k)
					}
				}
				continue
			}
			if !known(key) {
				return unknownKey(path, it.Key(), key)
			}
		}
	}
	return nil
}

func unknownKey(path string, node ast.MapKeyNode, key string) error {
	line := node.GetToken().Position.Line
	return fault.New(fault.CodeUsage, fault.KindUsage, "settings have the names of the flags; tripod help lists them",
		"config file %s, line %d: no setting is called %q", path, line, key)
}

// value finds a setting for a command outside the command line.
func (s *settings) value(command, name string) (string, bool, error) {
	if v, ok := s.env("TRIPOD_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))); ok {
		return v, true, nil
	}
	if section, ok := s.file[command].(map[string]any); ok {
		if v, ok := section[name]; ok {
			text, err := settingText(name, v)
			return text, true, err
		}
	}
	if v, ok := s.file[name]; ok {
		text, err := settingText(name, v)
		return text, true, err
	}
	return "", false, nil
}

func settingText(name string, v any) (string, error) {
	switch v := v.(type) {
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = fmt.Sprint(v[i])
		}
		return strings.Join(parts, ","), nil
	case map[string]any, nil:
		return "", fault.New(fault.CodeUsage, fault.KindUsage, configHint, "config file: setting %q has no value", name)
	default:
		return fmt.Sprint(v), nil
	}
}

// apply sets every flag of cmd that was not given and is set elsewhere.
func (s *settings) apply(cmd *cobra.Command) error {
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || failed != nil || f.Name == "help" || f.Name == "config" {
			return
		}
		v, ok, err := s.value(cmd.Name(), f.Name)
		if err != nil {
			failed = err
			return
		}
		if !ok {
			return
		}
		if err := cmd.Flags().Set(f.Name, v); err != nil {
			failed = fault.New(fault.CodeUsage, fault.KindUsage, configHint, "setting %s: %w", f.Name, err)
		}
	})
	return failed
}

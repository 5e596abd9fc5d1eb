package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tripod-db/tripod/internal/fault"
)

// lookup reads one environment variable; os.LookupEnv outside tests.
type lookup func(name string) (string, bool)

// secretSettings may stand in the environment or the config file, never in argv; by the flag of the server that
// they are for.
var secretSettings = map[string]string{"source": "source-password", "target": "target-password"}

// settings fills the flags that the command line left alone: from TRIPOD_<FLAG> first, then
// from the config file. A flag's value on the command line wins over both.
type settings struct {
	env  lookup
	file configFile
}

// loadSettings reads the config file named by --config or TRIPOD_CONFIG, if there is one.
func loadSettings(path string, env lookup, known knownSettings) (*settings, error) {
	s := &settings{env: env}
	if path == "" {
		return s, nil
	}
	var err error
	s.file, err = readConfigFile(path, known)
	return s, err
}

// variable is the name of the environment variable of a setting.
func variable(setting string) string {
	return "TRIPOD_" + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
}

// value finds a setting for a command outside the command line.
func (s *settings) value(command, name string) (string, bool) {
	if v, ok := s.env(variable(name)); ok {
		return v, true
	}
	if v, ok := s.file[command].section[name]; ok {
		return v, true
	}
	if e, ok := s.file[name]; ok && e.section == nil {
		return e.text, true
	}
	return "", false
}

// apply sets every flag of cmd that was not given and is set elsewhere. The output's form comes first: what is wrong
// with the others is told in it.
func (s *settings) apply(cmd *cobra.Command) error {
	failed := s.applyTo(cmd, cmd.Flags().Lookup("json"))
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if failed == nil {
			failed = s.applyTo(cmd, f)
		}
	})
	return failed
}

func (s *settings) applyTo(cmd *cobra.Command, f *pflag.Flag) error {
	if f == nil || f.Changed || f.Name == "help" || f.Name == "config" {
		return nil
	}
	v, ok := s.value(cmd.Name(), f.Name)
	if !ok {
		return nil
	}
	if err := cmd.Flags().Set(f.Name, v); err != nil {
		return fault.New(fault.CodeUsage, fault.KindUsage, configHint, "setting %s: %w", f.Name, err)
	}
	return nil
}

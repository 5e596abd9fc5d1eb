package cli

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// configFile writes a config file and returns its path.
func (d *desk) configFile(name, text string) string {
	d.t.Helper()
	path := filepath.Join(d.folder, name)
	write(d.t, path, []byte(text))
	return path
}

// A flag wins over the environment, which wins over the config file.
func TestConfigPrecedence(t *testing.T) {
	story := tell(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	good, none := d.store(), "file://"+filepath.Join(d.folder, "none")
	right := d.configFile("right.yaml", "store: "+good+"\n")
	wrong := d.configFile("wrong.yaml", "store: "+none+"\n")
	ofCommand := d.configFile("command.yaml", "store: "+none+"\nlist:\n  store: "+good+"\n")
	for name, c := range map[string]struct {
		env   []string
		args  []string
		works bool
	}{
		"flag":                       {nil, []string{"--store", good}, true},
		"environment":                {[]string{"TRIPOD_STORE=" + good}, nil, true},
		"file":                       {nil, []string{"--config", right}, true},
		"file named in environment":  {[]string{"TRIPOD_CONFIG=" + right}, nil, true},
		"flag over environment":      {[]string{"TRIPOD_STORE=" + none}, []string{"--store", good}, true},
		"flag over environment, bad": {[]string{"TRIPOD_STORE=" + good}, []string{"--store", none}, false},
		"environment over file":      {[]string{"TRIPOD_STORE=" + good}, []string{"--config", wrong}, true},
		"environment over file, bad": {[]string{"TRIPOD_STORE=" + none}, []string{"--config", right}, false},
		"flag over file":             {nil, []string{"--config", wrong, "--store", good}, true},
		"flag over file, bad":        {nil, []string{"--config", right, "--store", none}, false},
		"command's own section":      {nil, []string{"--config", ofCommand}, true},
		"unknown environment":        {[]string{"TRIPOD_STORE=" + good, "TRIPOD_NO_SUCH_FLAG=1", "TRIPOD_=x", "TRIPOD_TEST_MYSQLD=/x"}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			d := d.with(c.env...)
			d.t = t
			args := append([]string{"list"}, c.args...)
			if c.works {
				var l listResult
				d.must(&l, args...)
				l.check(t, instance)
				return
			}
			d.refused(refusal{code: 10, kind: "not_found", says: []string{"none"}}, args...)
		})
	}
}

// TestConfigSections: commands have the names of flags too (backup, verify), and one file serves them all. Values are read as they
// are written.
func TestConfigSections(t *testing.T) {
	story := tell(t)
	source := sourceServer(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	path := d.configFile("all.yaml", "store: &s "+d.store()+"\ninstance: "+instance+"\nusers: true\nbackup:\n  threads: 2\n  source-password: 0123\nverify:\n  deep: true\nlist:\nrestore:\n  store: *s\n  verify: chunks\n  tables: [shop.a, shop.b]\n")
	d.works("list", "--config", path)
	d.works("verify", "--config", path)
	d.refused(refusal{code: 1, kind: "connect"}, "restore", "--config", path, "--target", "mysql://u@127.0.0.1:1/")
	d.works("verify", "--config", d.configFile("id.yaml", "store: "+d.store()+"\ninstance: "+instance+"\nbackup: "+story.backup+"\n"))
	// 0123 is no 83, and the section's password is that of its command.
	mysqltest.Exec(t, source, "CREATE USER digits@'%' IDENTIFIED BY '0123'")
	d.Env = d.Env[:2] // without passwords
	url := source.URL(mysqltest.User{Name: "digits"})
	d.refused(refusal{code: 1, kind: "grant"}, "backup", "--config", path, "--source", url)
	d.refused(refusal{code: 1, kind: "password"}, "archive", "--config", path, "--source", url, "--until-idle")
	for name, c := range map[string]struct{ text, says string }{
		"flag of another command":     {"list:\n  threads: 4\n", "list.threads"},
		"password of another command": {"list:\n  source-password: x\n", "list.source-password"},
		"command without a mapping":   {"list: 5\n", "list"},
		"null":                        {"store:\n", "store"},
		"two documents":               {"json: true\n---\njson: false\n", "document"},
		"twice in a section":          {"list:\n  store: a\n  store: b\n", "store"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.refused(refusal{code: 2, kind: "usage", says: []string{c.says}}, "list", "--config", d.configFile("config.yaml", c.text))
		})
	}
}

// TestJSONOfEarlyFaults: what is wrong before a command begins is told as it was asked for, wherever that was.
func TestJSONOfEarlyFaults(t *testing.T) {
	d := newDesk(t)
	inFile := d.configFile("json.yaml", "json: true\n")
	for name, c := range map[string]struct{ env, args []string }{
		"unknown flag, environment":   {[]string{"TRIPOD_JSON=1"}, []string{"list", "--nope"}},
		"no config file, environment": {[]string{"TRIPOD_JSON=true"}, []string{"list", "--config", "/nonexistent"}},
		"wrong setting, environment":  {[]string{"TRIPOD_JSON=1", "TRIPOD_BANDWIDTH=x"}, []string{"list", "--store", "file:///s"}},
		"unknown flag, file":          {[]string{"TRIPOD_CONFIG=" + inFile}, []string{"list", "--nope"}},
		"unknown flag, --json=1":      {nil, []string{"list", "--nope", "--json=1"}},
		"empty backup":                {nil, []string{"verify", "--store", d.store(), "--instance", "i", "--backup", "", "--json"}},
		"empty instance":              {nil, []string{"list", "--store", d.store(), "--instance", "", "--json"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := d.with(c.env...)
			d.t = t
			o := d.run(c.args...)
			var document struct {
				Error struct {
					Code int
					Kind string
				}
			}
			if err := json.Unmarshal([]byte(o.Stdout), &document); err != nil || o.Code != 2 || document.Error.Code != 2 || document.Error.Kind != "usage" {
				t.Errorf("%v\n%s", err, o)
			}
		})
	}
}

func TestConfigFileFaults(t *testing.T) {
	d := newDesk(t)
	for name, c := range map[string]struct {
		text string
		says []string
	}{
		"unknown key":            {"# comment\nstore: file:///s\n\nstor: file:///s\n", []string{"line 4", "stor"}},
		"unknown key of command": {"list:\n  store: file:///s\n  colour: red\n", []string{"line 3", "colour"}},
		"no YAML":                {"store: [\n", []string{"config.yaml"}},
		"no mapping":             {"- store\n", []string{"config.yaml"}},
		"value of a wrong kind":  {"max-lag: soon\n", []string{"max-lag"}},
		"mapping for a value":    {"store:\n  a: b\n", []string{"store"}},
		"duplicate key":          {"store: file:///a\nstore: file:///b\n", []string{"store"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			path := d.configFile("config.yaml", c.text)
			d.refused(refusal{code: 2, kind: "usage", says: c.says}, "list", "--config", path)
		})
	}
	d.refused(refusal{code: 2, kind: "usage", says: []string{"nowhere.yaml"}}, "list", "--config", filepath.Join(d.folder, "nowhere.yaml"))
	t.Run("wrong value in the environment", func(t *testing.T) {
		d := newDesk(t).with("TRIPOD_MAX_LAG=soon")
		d.refused(refusal{code: 2, kind: "usage", says: []string{"max-lag"}}, "list", "--store", "file:///s")
	})
}

// Passwords come from the environment, a defaults file or the config file.
func TestPasswordSources(t *testing.T) {
	source := sourceServer(t)
	smallShop(t, source)
	// Quoted for YAML and for an option file.
	const quoted = `"b@ck:up/ \"p%w'"`
	for name, c := range map[string]struct {
		defaults, config string
		env              string
		works            bool
	}{
		"defaults file":           {defaults: "[client]\nuser=nobody\npassword=" + quoted + "\n", works: true},
		"defaults file, wrong":    {defaults: "[client]\npassword=" + wrongPassword + "\n"},
		"config file":             {config: "source-password: " + quoted + "\n", works: true},
		"config file, wrong":      {config: "source-password: " + wrongPassword + "\n"},
		"environment over config": {config: "source-password: " + wrongPassword + "\n", env: mysqltest.BackupUser.Password, works: true},
		"none":                    {},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.Env = d.Env[:2] // without passwords
			if c.env != "" {
				d = d.with("TRIPOD_SOURCE_PASSWORD=" + c.env)
			}
			args := d.source("archive", source, "--until-idle")
			if c.defaults != "" {
				path := d.configFile("my.cnf", c.defaults)
				args = append(args, "--defaults-file", path)
				// The file means what it means to MySQL's own programs.
				if err := stockLogin(t, source, path); (err == nil) != c.works {
					t.Fatalf("mysqladmin with this file: %v", err)
				}
			}
			if c.config != "" {
				args = append(args, "--config", d.configFile("tripod.yaml", c.config))
			}
			if c.works {
				d.works(args...)
				return
			}
			d.refused(refusal{code: 1, kind: "password", says: []string{mysqltest.BackupUser.Name}}, args...)
		})
	}
}

// stockLogin logs in with MySQL's own client.
func stockLogin(t *testing.T, s *mysqltest.Server, defaults string) error {
	t.Helper()
	client, err := s.Install().Program("mysql")
	if err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(t.Context(), client, "--defaults-file="+defaults, "--protocol=tcp", "--host=127.0.0.1",
		"--port="+strconv.Itoa(s.Port()), "--user="+mysqltest.BackupUser.Name, "--execute=SELECT 1").Run()
}

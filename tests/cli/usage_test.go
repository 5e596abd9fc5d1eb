package cli

import (
	"strings"
	"testing"
)

// commands are those of this version, each with arguments that are right but lead nowhere:
// nothing listens on port 1, and there is no such store. Wrong usage has to be told before
// anybody is asked.
var commands = map[string][]string{
	"archive": {"--source", "mysql://u@127.0.0.1:1/", "--store", "file:///nonexistent/store", "--instance", "i"},
	"backup":  {"--source", "mysql://u@127.0.0.1:1/", "--store", "file:///nonexistent/store", "--instance", "i"},
	"check":   {"--store", "file:///nonexistent/store"},
	"list":    {"--store", "file:///nonexistent/store"},
	"verify":  {"--store", "file:///nonexistent/store"},
	"restore": {"--store", "file:///nonexistent/store", "--instance", "i", "--target", "mysql://u@127.0.0.1:1/"},
}

// replaced returns a command line with one of its values changed, or left out if value is "".
func replaced(command, flag, value string) []string {
	args := []string{command}
	given := commands[command]
	for i := 0; i < len(given); i += 2 {
		switch {
		case given[i] != flag:
			args = append(args, given[i], given[i+1])
		case value != "":
			args = append(args, flag, value)
		}
	}
	return args
}

func with(command string, more ...string) []string {
	return append(append([]string{command}, commands[command]...), more...)
}

func TestWrongUsage(t *testing.T) {
	d := newDesk(t)
	usage := func(says ...string) refusal { return refusal{code: 2, kind: "usage", says: says} }
	for name, c := range map[string]struct {
		want refusal
		args []string
	}{
		"unknown command":       {usage("frobnicate"), []string{"frobnicate"}},
		"unknown flag":          {usage("--colour"), with("list", "--colour", "red")},
		"unknown short flag":    {usage("x"), with("list", "-x")},
		"argument":              {usage("extra"), with("list", "extra")},
		"flag without value":    {usage("--store"), []string{"list", "--store"}},
		"no store":              {usage("--store"), []string{"list"}},
		"empty store":           {usage("--store"), []string{"list", "--store", ""}},
		"backup no source":      {usage("--source"), replaced("backup", "--source", "")},
		"backup no instance":    {usage("--instance"), replaced("backup", "--instance", "")},
		"archive no store":      {usage("--store"), replaced("archive", "--store", "")},
		"restore no target":     {usage("--target"), replaced("restore", "--target", "")},
		"restore no instance":   {usage("--instance"), replaced("restore", "--instance", "")},
		"two stop points":       {usage("stop point"), with("restore", "--to-time", "2026-01-01T00:00:00Z", "--to-position", "binlog.000001:4")},
		"two GTID stop points":  {usage("stop point"), with("restore", "--to-gtid", someGTID, "--before-gtid", someGTID)},
		"time":                  {usage("yesterday"), with("restore", "--to-time", "yesterday")},
		"31 February":           {usage("2026-02-31"), with("restore", "--to-time", "2026-02-31T00:00:00Z")},
		"time without seconds":  {usage("2026-01-01"), with("restore", "--to-time", "2026-01-01")},
		"GTID":                  {usage("not-a-gtid"), with("restore", "--to-gtid", "not-a-gtid")},
		"GTID interval":         {usage("9-1"), with("restore", "--to-gtid", strings.TrimSuffix(someGTID, "1")+"9-1")},
		"before two GTIDs":      {usage("1-5"), with("restore", "--before-gtid", strings.TrimSuffix(someGTID, "1")+"1-5")},
		"position":              {usage("binlog"), with("restore", "--to-position", "binlog")},
		"position offset":       {usage("binlog.000001:x"), with("restore", "--to-position", "binlog.000001:x")},
		"position without file": {usage(":44"), with("restore", "--to-position", ":44")},
		"position no number":    {usage("mysql-bin:4"), with("restore", "--to-position", "mysql-bin:4")},
		"empty time":            {usage("--to-time"), with("restore", "--to-time", "")},
		"events":                {usage("--events", "some"), with("restore", "--events", "some")},
		"compress":              {refusal{code: 2, kind: "usage", says: []string{"lz4"}, hint: []string{"--compress"}}, with("backup", "--compress", "lz4")},
		"threads":               {usage("threads"), with("backup", "--threads", "-1")},
		"restore threads":       {usage("threads"), with("restore", "--threads", "-1")},
		"max hold":              {usage("--max-hold"), with("backup", "--max-hold", "long")},
		"max hold nothing":      {usage("--max-hold"), with("backup", "--max-hold", "0s")},
		"flush":                 {usage("--flush"), with("archive", "--flush", "often")},
		"no flush":              {usage("--flush"), with("archive", "--flush", "0s")},
		"negative flush":        {usage("--flush"), with("archive", "--flush", "-1s")},
		"segment size":          {usage("--segment-size"), with("archive", "--segment-size", "much")},
		"tiny segments":         {usage("--segment-size"), with("archive", "--segment-size", "1B")},
		"memory":                {usage("--memory"), with("list", "--memory", "-1")},
		"little memory":         {usage("--memory", "32MiB"), with("restore", "--memory", "1MiB")},
		"bandwidth":             {usage("--bandwidth", "10MiB"), with("list", "--bandwidth", "fast")},
		"little bandwidth":      {usage("--bandwidth", "4KiB"), with("backup", "--bandwidth", "1KiB")},
		"max lag":               {usage("--max-lag"), with("list", "--max-lag", "long")},
		"log level":             {usage("loud"), with("list", "--log-level", "loud")},
		"log format":            {usage("xml"), with("list", "--log-format", "xml")},
		"database with a table": {usage("shop.orders"), with("backup", "--databases", "shop.orders")},
		"broken name":           {usage("`shop"), with("backup", "--tables", "`shop")},
		"exclude":               {usage("a.b.c"), with("backup", "--exclude", "a.b.c")},
		"no config file":        {usage("missing.yaml"), with("list", "--config", d.folder+"/missing.yaml")},
	} {
		t.Run(name, func(t *testing.T) {
			d := *d
			d.t = t
			d.refused(c.want, c.args...)
		})
	}
}

const someGTID = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1"

func TestWrongURLs(t *testing.T) {
	d := newDesk(t)
	for name, c := range map[string]struct {
		command, flag, value string
		says                 []string
	}{
		"source scheme":       {"backup", "--source", "postgres://u@h:1/", []string{"mysql://"}},
		"source not a URL":    {"backup", "--source", "localhost", []string{"mysql://"}},
		"source port":         {"backup", "--source", "mysql://u@h:port/", []string{"URL"}},
		"source schema":       {"archive", "--source", "mysql://u@h:1/shop", []string{"shop"}},
		"source parameter":    {"archive", "--source", "mysql://u@h:1/?ssl=1", []string{"ssl"}},
		"source tls":          {"archive", "--source", "mysql://u@h:1/?tls=maybe", []string{"maybe"}},
		"source without user": {"backup", "--source", "mysql://h:1/", []string{"user"}},
		"target scheme":       {"restore", "--target", "http://u@h:1/", []string{"mysql://"}},
		"store scheme":        {"list", "--store", "ftp://h/p", []string{"ftp"}},
		"store relative":      {"list", "--store", "file:store", []string{"store"}},
		"store host":          {"backup", "--store", "file://host/store", []string{"host"}},
		"store no URL":        {"list", "--store", "/store", []string{"store"}},
		"store parameter":     {"list", "--store", "file:///store?region=x", []string{"parameter"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := *d
			d.t = t
			d.refused(refusal{code: 2, kind: "usage", says: c.says}, replaced(c.command, c.flag, c.value)...)
		})
	}
}

// A password in a URL would stand in every process list: it is refused, and not repeated.
func TestPasswordInURL(t *testing.T) {
	d := newDesk(t)
	const url = "mysql://u:wr0ng%3Apass%2Fword@127.0.0.1:1/"
	for command, flag := range map[string]string{"backup": "--source", "archive": "--source", "restore": "--target"} {
		t.Run(command, func(t *testing.T) {
			d := *d
			d.t = t
			d.refused(refusal{code: 2, kind: "usage", says: []string{"password"}, hint: []string{"TRIPOD_"}}, replaced(command, flag, url)...)
		})
	}
}

func TestHelp(t *testing.T) {
	d := newDesk(t)
	for command := range commands {
		for _, args := range [][]string{{command, "--help"}, {"help", command}} {
			o := d.run(args...)
			if o.Code != 0 || o.Stderr != "" {
				t.Errorf("help is a failure\n%s", o)
			}
			for _, part := range []string{"EXIT STATUS", "130", "--json", "--config", "--store"} {
				if !strings.Contains(o.Stdout, part) {
					t.Errorf("the help of %s lacks %q", command, part)
				}
			}
		}
	}
	// Every flag of the contract, by command.
	for command, flags := range map[string]string{
		"backup":  "--source --store --instance --databases --tables --exclude --threads --max-hold --compress --spool --fresh --keyless-missing --wait --ddl-tries --snapshot-tries --dry-run",
		"archive": "--source --store --instance --flush --segment-size --spool --spool-size --server-id --from-oldest --new-timeline --single-writer --until-idle",
		"check":   "--source --target --store",
		"list":    "--store --instance --max-lag",
		"verify":  "--store --instance --backup --deep",
		"restore": "--store --instance --target --backup --to-time --to-gtid --before-gtid --to-position --threads --events --dry-run --force",
	} {
		help := d.run(command, "--help").Stdout
		for flag := range strings.FieldsSeq(flags + " --config --defaults-file --memory --bandwidth --log-level --log-format") {
			if !strings.Contains(help, flag+" ") && !strings.Contains(help, flag+"\n") {
				t.Errorf("%s has no %s", command, flag)
			}
		}
	}
	var version struct{ Version string }
	d.must(&version, "version")
	if version.Version == "" {
		t.Error("version tells none")
	}
}

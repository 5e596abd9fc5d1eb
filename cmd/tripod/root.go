package main

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
)

// invocation is one run of the program: what every command needs and none may change.
type invocation struct {
	st      streams
	env     lookup
	global  globalFlags
	set     *settings
	command string // that runs
	screen  *screen
	log     *slog.Logger
	board   *progress.Board
	started bool // a command's own work began: what fails now is no usage error
	result  any
}

// globalFlags are understood by every command.
type globalFlags struct {
	config       string
	defaultsFile string
	json         bool
	memory       byteSize
	bandwidth    perSecond
	logLevel     string
	logFormat    string
}

// run executes one command line and returns the process's exit code.
func run(ctx context.Context, args []string, st streams, env lookup) int {
	inv := &invocation{st: st, env: env, global: globalFlags{memory: defaultMemory}, screen: newScreen(st.err, env), board: progress.NewBoard(time.Now)}
	root := newRoot(inv)
	root.SetArgs(args)
	err := execute(ctx, root)
	var f *fault.Error
	if err != nil && !inv.started && !errors.As(err, &f) {
		// Unknown commands, unknown flags and values that do not parse come from cobra.
		err = fault.New(fault.CodeUsage, fault.KindUsage, "tripod help lists commands and flags", "%w", err)
	}
	asJSON := inv.global.json
	if !inv.started && !asJSON {
		asJSON = inv.wantsJSON(root, args)
	}
	return finish(ctx, st, asJSON && !completes(args), inv.result, err)
}

// execute runs the command line. A panic is a fault of the program, and not the wrong usage that the runtime's own exit code would
// say it is.
func execute(ctx context.Context, root *cobra.Command) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.CodeFailed, fault.KindInternal, "this is a fault of tripod: please report it with the log", "panic: %v\n%s", p, debug.Stack())
		}
	}()
	return root.ExecuteContext(ctx)
}

// completes tells a question of a shell's completion script, whose answer is lines.
func completes(args []string) bool {
	return len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// wantsJSON looks for the setting where a command ended before it was read: on the command line, in the environment, and in a
// config file that can be read.
func (inv *invocation) wantsJSON(root *cobra.Command, args []string) bool {
	if json, given := jsonFlag(args); given {
		return json
	}
	command := ""
	if cmd, _, err := root.Find(args); err == nil {
		command = cmd.Name()
	}
	set := inv.set
	if set == nil {
		set = &settings{env: inv.env}
		if err := inv.load(root); err == nil {
			set = inv.set
		}
	}
	text, _ := set.value(command, "json")
	json, err := strconv.ParseBool(text)
	return err == nil && json
}

// asksJSON is what the command line and the environment say of it.
func asksJSON(args []string, env lookup) bool {
	if json, given := jsonFlag(args); given {
		return json
	}
	text, _ := env(variable("json"))
	json, err := strconv.ParseBool(text)
	return err == nil && json
}

// jsonFlag finds --json, the last one, where parsing failed before the flag was reached.
func jsonFlag(args []string) (json, given bool) {
	for _, a := range args {
		switch value, long := strings.CutPrefix(a, "--json="); {
		case a == "--":
			return json, given
		case a == "--json":
			json, given = true, true
		case long:
			if v, err := strconv.ParseBool(value); err == nil {
				json, given = v, true
			}
		}
	}
	return json, given
}

func newRoot(inv *invocation) *cobra.Command {
	root := &cobra.Command{
		Use:   "tripod",
		Short: "Back up MySQL without a lock, archive its binlog, restore any second",
		Long: `tripod backs up MySQL servers over which it has no power: no locks, no SUPER, often one
primary and no replica. It stands on three legs: an unlocked dump, an unbroken binlog
archive, and a replay that makes the two agree.

Passwords come from TRIPOD_SOURCE_PASSWORD and TRIPOD_TARGET_PASSWORD, from a
--defaults-file, or from the config file; never from the command line.
` + exitStatus,
		Example: `  tripod backup --source mysql://tripod@db:3306/ --store file:///backups --instance shop
  tripod restore --store file:///backups --instance shop --target mysql://restorer@other:3306/ --to-time 2026-11-20T12:00:00Z
  tripod help restore`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.SetIn(inv.st.in)
	root.SetOut(inv.st.out)
	root.SetErr(inv.st.err)
	p := root.PersistentFlags()
	p.StringVar(&inv.global.config, "config", "", "YAML `FILE` with settings named as the flags")
	p.StringVar(&inv.global.defaultsFile, "defaults-file", "", "MySQL option `FILE`; its [client] group may hold user, password, host, port, socket")
	p.BoolVar(&inv.global.json, "json", false, "print exactly one JSON document on stdout; logs go to stderr")
	p.Var(&inv.global.memory, "memory", "`BYTES` of memory to stay under, plus twice the largest row or event")
	p.Var(&inv.global.bandwidth, "bandwidth", "`BYTES` per second to put into the store and get from it, at most (default: no bound)")
	p.StringVar(&inv.global.logLevel, "log-level", "info", "debug, info, warn or error")
	p.StringVar(&inv.global.logFormat, "log-format", "text", "text or json")
	root.AddCommand(newArchive(inv), newBackup(inv), newCheck(inv), newCompletion(inv), newList(inv), newRestore(inv), newVerify(inv), newVersion(inv))
	root.SetHelpCommand(newHelp())
	root.SetHelpFunc(inv.help(root.HelpFunc()))
	root.InitDefaultHelpCmd()
	inv.completeFlags(root)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Name() == cobra.ShellCompRequestCmd {
			return nil // settings that are broken must not break a shell
		}
		return inv.prepare(root, cmd)
	}
	return root
}

// prepare reads the settings that lie outside the command line and sets up logging.
func (inv *invocation) prepare(root, cmd *cobra.Command) (err error) {
	if err := inv.load(root); err != nil {
		return err
	}
	inv.command = cmd.Name()
	if err := inv.set.apply(cmd); err != nil {
		return err
	}
	if inv.log, err = newLogger(inv.screen, inv.global.logLevel, inv.global.logFormat); err != nil {
		return err
	}
	if err := errors.Join(requireFlags(cmd), refuseEmpty(cmd)); err != nil {
		return err
	}
	if err := inv.global.check(); err != nil {
		return err
	}
	limitHeap(inv.global.memory)
	inv.started = true
	return nil
}

// load reads the config file that --config or the environment names.
func (inv *invocation) load(root *cobra.Command) error {
	path := inv.global.config
	if v, ok := inv.env("TRIPOD_CONFIG"); ok && path == "" {
		path = v
	}
	known := knownSettings{}
	for _, c := range root.Commands() {
		names := flagNames(c)
		for server, secret := range secretSettings {
			if slices.Contains(names, server) {
				names = append(names, secret)
			}
		}
		known[c.Name()] = names
		known[""] = append(known[""], names...)
	}
	set, err := loadSettings(path, inv.env, known)
	if err != nil {
		return err
	}
	inv.set = set
	return nil
}

const (
	// leastMemory is what promise 8 is tested with: below it the runtime alone would leave nothing for rows.
	leastMemory = byteSize(32 * mebibyte)
	// leastBandwidth lets a lease's beat, of some hundred bytes each 5 s, come through beside chunks.
	leastBandwidth = perSecond(4 * kibibyte)
)

// check refuses bounds in which no command can work.
func (g *globalFlags) check() error {
	if g.memory < leastMemory {
		return fault.New(fault.CodeUsage, fault.KindUsage, "--memory 512MiB is the default", "--memory %s: want 32MiB or more", &g.memory)
	}
	if g.bandwidth != 0 && g.bandwidth < leastBandwidth {
		return fault.New(fault.CodeUsage, fault.KindUsage, "write --bandwidth 10MiB, or leave it out", "--bandwidth %s: want 4KiB per second or more", &g.bandwidth)
	}
	return nil
}

// required marks a flag that a command cannot do without; unlike cobra's own mark it is
// checked after the environment and the config file were read.
const required = "tripod_required"

func mustHave(cmd *cobra.Command, names ...string) {
	for _, n := range names {
		if err := cmd.Flags().SetAnnotation(n, required, []string{"true"}); err != nil {
			panic(err) // a flag that does not exist: found by the first run of any test
		}
	}
}

func requireFlags(cmd *cobra.Command) error {
	var missing []string
	for _, n := range flagNames(cmd) {
		f := cmd.Flag(n)
		if f != nil && f.Annotations[required] != nil && f.Value.String() == "" {
			missing = append(missing, "--"+n)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fault.New(fault.CodeUsage, fault.KindUsage, "tripod help "+cmd.Name()+" shows its flags",
		"%s needs %s", cmd.Name(), strings.Join(missing, ", "))
}

// narrowing are the flags that say what is meant. One that is given and empty is a variable of a script that was not set, and must not
// become everything, the newest backup or the end of the archive.
// Lists of names refuse that themselves.
var narrowing = []string{"instance", "backup", "to-time", "to-gtid", "before-gtid", "to-position", "skip-gtid"}

func refuseEmpty(cmd *cobra.Command) error {
	for _, name := range narrowing {
		if f := cmd.Flag(name); f != nil && f.Changed && f.Annotations[required] == nil && f.Value.String() == "" {
			return fault.New(fault.CodeUsage, fault.KindUsage, "give it a value, or leave it out", "--%s is empty", name)
		}
	}
	return nil
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/pitr"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/chunk"
)

// shells are those that cobra writes scripts for.
var shells = map[string]func(root *cobra.Command, w io.Writer) error{
	"bash":       func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
	"zsh":        func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) },
	"fish":       func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
	"powershell": func(root *cobra.Command, w io.Writer) error { return root.GenPowerShellCompletionWithDesc(w) },
}

var shellNames = []string{"bash", "zsh", "fish", "powershell"}

// completionResult is the JSON of `tripod completion`.
type completionResult struct {
	Shell  string `json:"shell"`
	Script string `json:"script"`
}

func newCompletion(inv *invocation) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a script by which a shell completes tripod's commands and flags",
		Long: `Print a script by which a shell completes commands, flags, values that are one of a few,
and, where --store is given (or set in the environment or the config file), the names of
instances and the ids of backups.
` + exitStatus,
		Example: `  source <(tripod completion bash)
  tripod completion zsh > "${fpath[1]}/_tripod"
  tripod completion fish > ~/.config/fish/completions/tripod.fish`,
		ValidArgs: shellNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || shells[args[0]] == nil {
				return fault.New(fault.CodeUsage, fault.KindUsage, "write tripod completion bash (or zsh, fish, powershell)", "completion needs one shell, got %q", args)
			}
			var script bytes.Buffer
			if err := shells[args[0]](cmd.Root(), &script); err != nil {
				return fmt.Errorf("write the script: %w", err)
			}
			inv.result = completionResult{Shell: args[0], Script: script.String()}
			if inv.global.json {
				return nil
			}
			_, err := script.WriteTo(inv.st.out)
			return err
		},
	}
}

// flagValues are the values of flags that take one of a few.
var flagValues = map[string][]string{
	"compress":      {chunk.Zstd, chunk.Gzip, chunk.None},
	"events":        {string(pitr.KeepEvents), string(pitr.DisableEvents)},
	"on-divergence": {string(pitr.StopOnDivergence), string(pitr.BinlogWins)},
	"log-level":     {"debug", "info", "warn", "error"},
	"log-format":    {"text", "json"},
	"verify":        {string(pitr.VerifyNone), string(pitr.VerifyChunks)},
}

// flagPrefixes are what a URL begins with.
var flagPrefixes = map[string][]string{"store": {"file:///"}, "source": {"mysql://"}, "target": {"mysql://"}}

// completeFor is how long a shell may wait for a store.
const completeFor = 3 * time.Second

// completeFlags tells every command how its flags are completed: by their names, which mean
// the same in all of them.
func (inv *invocation) completeFlags(root *cobra.Command) {
	told := map[*pflag.Flag]bool{} // those of all commands are told once
	for _, cmd := range append(root.Commands(), root) {
		for _, name := range flagNames(cmd) {
			complete := inv.completeFlag(name)
			if complete == nil || told[cmd.Flag(name)] {
				continue
			}
			told[cmd.Flag(name)] = true
			if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
				panic(err) // told twice: found by the first run of any test
			}
		}
	}
}

func (inv *invocation) completeFlag(name string) cobra.CompletionFunc {
	if values := flagValues[name]; values != nil {
		return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	}
	if prefixes := flagPrefixes[name]; prefixes != nil {
		return cobra.FixedCompletions(prefixes, cobra.ShellCompDirectiveNoSpace|cobra.ShellCompDirectiveNoFileComp)
	}
	switch name {
	case "config":
		return cobra.FixedCompletions([]string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt)
	case "spool":
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	case "instance":
		return inv.completeByStore((*catalog.Catalog).Instances)
	case "backup":
		return inv.completeByStore(nil)
	}
	return nil
}

// completeByStore asks the store that the command line, the environment or the config file
// names; without a question for the backups of the instance. A store that does not answer
// completes nothing: the command itself will say why.
func (inv *invocation) completeByStore(ask func(*catalog.Catalog, context.Context) ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		const nothing = cobra.ShellCompDirectiveNoFileComp
		if err := inv.load(cmd.Root()); err != nil || inv.set.apply(cmd) != nil {
			return nil, nothing
		}
		inv.log = slog.New(slog.DiscardHandler)
		store := cmd.Flag("store")
		if store == nil || store.Value.String() == "" {
			return nil, nothing
		}
		cat, end, err := inv.openStore(store.Value.String(), false)
		if err != nil {
			return nil, nothing
		}
		defer end() //nolint:errcheck // nobody would see it
		ctx, cancel := context.WithTimeout(cmd.Context(), completeFor)
		defer cancel()
		var found []string
		if ask != nil {
			found, err = ask(cat, ctx)
		} else if instance := cmd.Flag("instance"); instance != nil {
			found, err = cat.Backups(ctx, instance.Value.String())
			slices.Reverse(found) // the newest is the likeliest
		}
		if err != nil {
			return nil, nothing
		}
		return found, nothing | cobra.ShellCompDirectiveKeepOrder
	}
}

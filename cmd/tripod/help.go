package main

import (
	"bytes"

	"github.com/spf13/cobra"

	"github.com/tripod-db/tripod/internal/fault"
)

// helpResult is the JSON of any help.
type helpResult struct {
	Help string `json:"help"`
}

func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Show what a command does, its flags and its exit codes",
		Long:  "Show what a command does, its flags, examples, and its exit codes.\n" + exitStatus,
		Example: `  tripod help restore
  tripod restore --help`,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, c := range cmd.Root().Commands() {
				if len(args) == 0 {
					names = append(names, c.Name()+"\t"+c.Short)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return fault.New(fault.CodeUsage, fault.KindUsage, "tripod help lists the commands", "there is no command %q", args)
			}
			about.InitDefaultHelpFlag() // it is not the command that runs
			return about.Help()
		},
	}
}

// help prints as cobra does, or keeps what that would print for the JSON document.
func (inv *invocation) help(print func(*cobra.Command, []string)) func(*cobra.Command, []string) {
	return func(cmd *cobra.Command, args []string) {
		if !inv.global.json {
			print(cmd, args)
			return
		}
		var text bytes.Buffer
		out := cmd.OutOrStdout()
		cmd.SetOut(&text)
		print(cmd, args)
		cmd.SetOut(out)
		inv.result = helpResult{Help: text.String()}
	}
}

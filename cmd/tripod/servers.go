package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tripod-db/tripod/internal/server"
)

// sourceFlags are those of every command that talks to a source.
type sourceFlags struct {
	url      string
	store    string
	instance string
	spool    string
}

func (f *sourceFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.url, "source", "", "source server, `URL` mysql://user@host:port/?tls=preferred or mysql://user@/path/to/socket")
	cmd.Flags().StringVar(&f.store, "store", "", "store, `URL` file:///path")
	cmd.Flags().StringVar(&f.instance, "instance", "", "`NAME` of the source in the store, through all its failovers")
	cmd.Flags().StringVar(&f.spool, "spool", "", "`DIR` for the local spool (default: a folder per store and instance in the user's state directory)")
	mustHave(cmd, "source", "store", "instance")
}

// openServer connects to the server of a URL, with the password from the environment, the
// defaults file or the config file.
func (inv *invocation) openServer(ctx context.Context, raw string, role server.Role) (*server.Server, error) {
	address, err := server.ParseURL(raw)
	if err != nil {
		return nil, err
	}
	name := role.String() + "-password"
	if v, ok, err := inv.set.value("", name); err != nil {
		return nil, err
	} else if ok {
		address.Password = server.NewSecret(v)
	}
	if inv.global.defaultsFile != "" {
		defaults, err := server.ReadDefaultsFile(inv.global.defaultsFile)
		if err != nil {
			return nil, err
		}
		address = defaults.Complete(address)
	}
	return server.Open(ctx, address, role)
}

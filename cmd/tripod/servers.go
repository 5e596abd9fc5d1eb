package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
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

// address reads a server's URL and completes it with the password from the environment, the
// defaults file or the config file.
func (inv *invocation) address(raw string, role server.Role) (server.Address, error) {
	address, err := server.ParseURL(raw)
	if err != nil {
		return server.Address{}, err
	}
	name := role.String() + "-password"
	if v, ok := inv.set.value(inv.command, name); ok {
		address.Password = server.NewSecret(v)
	}
	if inv.global.defaultsFile != "" {
		defaults, err := server.ReadDefaultsFile(inv.global.defaultsFile)
		if err != nil {
			return server.Address{}, err
		}
		address = defaults.Complete(address)
	}
	return address, nil
}

// open opens store and source. Every URL is read before anybody is looked for: wrong usage is
// told first.
func (f *sourceFlags) open(ctx context.Context, inv *invocation) (source *server.Server, cat *catalog.Catalog, end func() error, err error) {
	address, err := inv.address(f.url, server.Source)
	if err != nil {
		return nil, nil, nil, err
	}
	cat, closeStore, err := inv.openStore(f.store, true)
	if err != nil {
		return nil, nil, nil, err
	}
	source, err = server.Open(ctx, address, server.Source)
	if err != nil {
		return nil, nil, nil, errors.Join(err, closeStore())
	}
	return source, cat, func() error { return errors.Join(source.Close(), closeStore()) }, nil
}

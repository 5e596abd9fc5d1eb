package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	logsource "github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr"
)

type checkCommand struct {
	source, target, store string
}

// checkResult is the JSON of `tripod check`.
type checkResult struct {
	OK       bool           `json:"ok"`
	Findings []checkFinding `json:"findings"`
}

// checkFinding is one finding. Its id is that of the package it comes from, behind the subject:
// source-binlog-format, target-grants, store-put.
type checkFinding struct {
	ID      string `json:"id"`
	Level   string `json:"level"` // error, warning, info
	Message string `json:"message"`
	Remedy  string `json:"remedy"`

	kind fault.Kind
}

// levelError is that of findings for which ok is false.
const levelError = string(logsource.LevelError)

func newCheck(inv *invocation) *cobra.Command {
	c := &checkCommand{}
	cmd := &cobra.Command{
		Use:   "check [--source URL] [--target URL] [--store URL]",
		Short: "Say what is possible with a source, a target or a store, and what is missing",
		Long: `Say what is possible with a source, a target or a store, what is missing, and the statement
that mends it. Of a source it says what a backup of the whole server would refuse (error) or
warn about; of a target what every restore would be refused for (error) and what only some
backups need (warning); of a store whether everything that tripod does there works, tried out
with an object that is removed again. Nothing else is written anywhere.

All findings are collected; each has an id that stays: docs/checks.md lists them.
` + exitStatus,
		Example: `  tripod check --source mysql://tripod@db:3306/
  tripod check --source mysql://tripod@db:3306/ --store file:///backups --target mysql://restorer@other:3306/ --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context(), inv) },
	}
	f := cmd.Flags()
	f.StringVar(&c.source, "source", "", "source server, `URL` mysql://user@host:port/?tls=preferred or mysql://user@/path/to/socket")
	f.StringVar(&c.target, "target", "", "target server, `URL` likewise")
	f.StringVar(&c.store, "store", "", "store, `URL` file:///path")
	return cmd
}

func (c *checkCommand) run(ctx context.Context, inv *invocation) error {
	if c.source == "" && c.target == "" && c.store == "" {
		return fault.New(fault.CodeUsage, fault.KindUsage, "name one of them or several", "check needs --source, --target or --store")
	}
	result := &checkResult{Findings: []checkFinding{}}
	// Wrong usage is told before anybody is asked.
	looks, err := c.looks(inv, result)
	if err != nil {
		return err
	}
	for _, look := range looks {
		if err := look.at(ctx); err != nil {
			if ctx.Err() != nil {
				return ctxErr(ctx, context.Cause(ctx))
			}
			result.fault(look.subject, err)
		}
	}
	problem := result.problem()
	result.OK = problem == nil
	inv.result = result
	if !inv.global.json {
		if err := result.print(inv.st.out); err != nil {
			return err
		}
	}
	return problem
}

// checkLook is one subject; an error of its look becomes a finding.
type checkLook struct {
	subject string
	at      func(context.Context) error
}

func (c *checkCommand) looks(inv *invocation, r *checkResult) ([]checkLook, error) {
	var looks []checkLook
	for _, of := range []struct {
		url  string
		role server.Role
		at   func(context.Context, *server.Server) error
	}{{c.source, server.Source, r.source}, {c.target, server.Target, r.target}} {
		if of.url == "" {
			continue
		}
		address, err := inv.address(of.url, of.role)
		if err != nil {
			return nil, err
		}
		looks = append(looks, checkLook{subject: of.role.String(), at: func(ctx context.Context) (err error) {
			srv, err := server.Open(ctx, address, of.role)
			if err != nil {
				return err
			}
			defer closing(&err, srv.Close)
			return of.at(ctx, srv)
		}})
	}
	if c.store != "" {
		cat, end, err := inv.openStore(c.store, true)
		switch f := fault.Of(err); {
		case err == nil:
			looks = append(looks, checkLook{subject: "store", at: func(ctx context.Context) (err error) {
				defer closing(&err, end)
				return r.store(ctx, c.store, cat)
			}})
		case f.Code == fault.CodeUsage:
			return nil, err
		default:
			looks = append(looks, checkLook{subject: "store", at: func(context.Context) error { return err }})
		}
	}
	return looks, nil
}

// add takes a finding of a package.
func (r *checkResult) add(subject, id, level, message, remedy string, kind fault.Kind) {
	r.Findings = append(r.Findings, checkFinding{
		ID: subject + "-" + strings.ReplaceAll(id, "_", "-"), Level: level, Message: message, Remedy: remedy, kind: kind,
	})
}

// fault takes an error that ended the look at a subject: a host that does not answer, a password.
func (r *checkResult) fault(subject string, err error) {
	f := fault.Of(err)
	id := "failed"
	if f.Kind == fault.KindConnect || f.Kind == fault.KindPassword {
		id = string(f.Kind)
	}
	r.add(subject, id, levelError, oneLine(f.Error()), f.Hint, f.Kind)
}

func (r *checkResult) source(ctx context.Context, srv *server.Server) error {
	findings, _, err := logsource.Survey(ctx, srv, logsource.Scope{})
	for _, f := range findings {
		r.add("source", f.ID, string(f.Level), f.Message, f.Remedy, f.Kind())
	}
	return err
}

func (r *checkResult) target(ctx context.Context, srv *server.Server) error {
	findings, err := pitr.CheckTarget(ctx, srv)
	for _, f := range findings {
		kind := fault.KindTarget
		if f.ID == "grants" {
			kind = fault.KindGrant
		}
		r.add("target", f.ID, string(f.Level), f.Message, f.Remedy, kind)
	}
	return err
}

// problem is exit 1 where there is an error among the findings.
func (r *checkResult) problem() error {
	var first *checkFinding
	errors := 0
	for i := range r.Findings {
		if r.Findings[i].Level != levelError {
			continue
		}
		if errors++; first == nil {
			first = &r.Findings[i]
		}
	}
	switch errors {
	case 0:
		return nil
	case 1:
		return fault.New(fault.CodeFailed, first.kind, first.Remedy, "%s", first.Message)
	}
	return fault.New(fault.CodeFailed, first.kind, first.Remedy, "%d errors were found, the first: %s", errors, first.Message)
}

func (r *checkResult) print(out io.Writer) error {
	for _, f := range r.Findings {
		fmt.Fprintf(out, "%-7s  %s: %s\n", f.Level, f.ID, oneLine(f.Message))
		if f.Remedy != "" {
			fmt.Fprintf(out, "         remedy: %s\n", f.Remedy)
		}
	}
	state := "no error was found"
	if !r.OK {
		state = "errors were found: what they name does not work"
	}
	_, err := fmt.Fprintln(out, state)
	return err
}

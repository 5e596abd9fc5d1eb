package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/tripod-db/tripod/storage/catalog"
)

type versionResult struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	// Formats are the newest versions of stored documents that this program reads.
	Formats map[string]int `json:"formats"`
}

func newVersion(inv *invocation) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the program's version and the formats it reads",
		Long:    "Print the program's version and the formats it reads.\n" + exitStatus,
		Example: "  tripod version --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			r := versionResult{
				Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
				Formats: map[string]int{"manifest": catalog.ManifestVersion},
			}
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						r.Commit = s.Value
					}
				}
			}
			inv.result = r
			if !inv.global.json {
				_, err := fmt.Fprintf(inv.st.out, "tripod %s (%s, %s)\n", r.Version, r.Go, r.Platform)
				return err
			}
			return nil
		},
	}
}

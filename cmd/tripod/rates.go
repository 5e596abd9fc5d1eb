package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tripod-db/tripod/pitr"
)

// keptRates are those of the last restore from this machine into each target, by its address.
type keptRates map[string]pitr.Rates

func (inv *invocation) ratesFile() (string, error) {
	state, err := inv.stateFolder()
	return filepath.Join(state, "rates.json"), err
}

func readRates(file string) (keptRates, error) {
	rates := keptRates{}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return rates, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &rates)
	}
	if err != nil {
		return keptRates{}, fmt.Errorf("read the rates of earlier restores: %w", err)
	}
	return rates, nil
}

// knownRates returns those by which a restore into a target is estimated; zero where none are
// known: an estimate is no reason to fail.
func (inv *invocation) knownRates(target string) pitr.Rates {
	file, err := inv.ratesFile()
	if err != nil {
		return pitr.Rates{}
	}
	rates, err := readRates(file)
	if err != nil {
		inv.log.Warn("the estimate goes by usual rates", "error", err)
	}
	return rates[target]
}

// keepRates notes how fast a restore was. That it could not is worth a line and no more.
func (inv *invocation) keepRates(target string, plan *pitr.Plan, r *pitr.Result) {
	measured, ok := r.Rates(plan)
	if !ok {
		return
	}
	measured.From = "the restore of " + time.Now().UTC().Format("2006-01-02") + " into this target"
	if err := inv.writeRates(target, measured); err != nil {
		inv.log.Warn("the rates of this restore are not kept for later estimates", "error", err)
	}
}

func (inv *invocation) writeRates(target string, measured pitr.Rates) error {
	file, err := inv.ratesFile()
	if err != nil {
		return err
	}
	rates, err := readRates(file)
	if err != nil {
		inv.log.Warn("the rates of earlier restores are begun anew", "error", err)
	}
	rates[target] = measured
	text, err := json.MarshalIndent(rates, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	part := fmt.Sprintf("%s.%d", file, os.Getpid())
	if err := os.WriteFile(part, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(part, file)
}

package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Victims of kills, and what they were at. All but the source's and the target's are tripod's own
// processes.
const (
	archiverVictim = "archiver"
	backupVictim   = "backup"
	restoreVictim  = "restore"
	sourceVictim   = "source"
	targetVictim   = "target"
)

// phases are what has to be hit: by victim, in the order in which they come.
var phases = map[string][]string{
	archiverVictim: {"archive"},
	backupVictim:   {"begin", "tables"},
	restoreVictim:  {"begin", "load", "replay", "finish"},
	sourceVictim:   {"backup"},
	targetVictim:   {"restore"},
}

// hitsWanted is how often each phase has to be hit in a soak.
const hitsWanted = 5

// Kills counts kills by victim and phase.
type Kills map[string]map[string]int

func (k Kills) add(victim, phase string) {
	if k[victim] == nil {
		k[victim] = map[string]int{}
	}
	k[victim][phase]++
}

// Total is the number of all kills.
func (k Kills) Total() int {
	n := 0
	for _, phases := range k {
		for _, hits := range phases {
			n += hits
		}
	}
	return n
}

// missed lists the phases that were hit less often than wanted.
func (k Kills) missed(wanted int) []string {
	var list []string
	for victim, names := range phases {
		for _, phase := range names {
			if n := k[victim][phase]; n < wanted {
				list = append(list, fmt.Sprintf("%s of the %s %d times", phase, victim, n))
			}
		}
	}
	slices.Sort(list)
	return list
}

// String prints victim (phase hits, ..), .. in a stable order.
func (k Kills) String() string {
	var list []string
	for _, victim := range slices.Sorted(maps.Keys(k)) {
		var hits []string
		for _, phase := range slices.Sorted(maps.Keys(k[victim])) {
			hits = append(hits, fmt.Sprintf("%s %d", phase, k[victim][phase]))
		}
		list = append(list, victim+" ("+strings.Join(hits, ", ")+")")
	}
	return strings.Join(list, ", ")
}

// KillSoak kills (-9) archivers, backups, restores, sources and targets, each at a moment drawn
// uniformly over the time that an unkilled run takes, until there were so many kills and each
// phase was hit often enough (where that is asked for). Each round is a history of its own: at its
// end archive and restore are judged, and nothing that tripod made for itself may be left.
func KillSoak(ctx context.Context, f *Fleet, c Config, kills int, everyPhase bool, out io.Writer) error {
	if c.kind() != &kinds[0] {
		return fmt.Errorf("kills are of servers of %s, not of %s: an older one sets its counters back when it is killed", kinds[0].Name, c.Kind)
	}
	began := time.Now()
	first := c.Seed
	all := Kills{}
	var sum Report
	rounds := 0
	for ; all.Total() < kills || everyPhase && len(all.missed(hitsWanted)) > 0; rounds++ {
		if all.Total() > 2*kills {
			return fmt.Errorf("%d kills, and some phases were hardly hit: %s", all.Total(), strings.Join(all.missed(hitsWanted), ", "))
		}
		c.Seed = first + uint64(rounds)
		c.GTID = rounds%3 != 2
		share := killsOfRound
		if !everyPhase {
			share = min(share, kills-all.Total())
		}
		servers, err := f.Servers(ctx, c)
		if err != nil {
			return err
		}
		round, err := killRound(ctx, servers, c, share)
		for victim, hits := range round.kills {
			for phase, n := range hits {
				for range n {
					all.add(victim, phase)
				}
			}
		}
		if err != nil {
			return errors.Join(err, fmt.Errorf("kills of this round: %s", round.kills))
		}
		sum.Transactions += round.report.Transactions
		sum.Files += round.report.Files
		sum.Rows += round.report.Rows
		if _, err := fmt.Fprintf(out, "seed %d gtid=%-5v %d kills: %s; %d transactions, %d files equal, restore equal, %d objects in the store, each with an owner, %.1f s\n",
			c.Seed, c.GTID, round.kills.Total(), round.kills, round.report.Transactions, round.report.Files, round.objects, round.report.Took.Seconds()); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "%d kills in %d rounds (seeds %d..%d) in %.1f minutes: %s; %d transactions, %d rows backed up, %d files of the source's equal, %d restores equal\n",
		all.Total(), rounds, first, c.Seed, time.Since(began).Minutes(), all, sum.Transactions, sum.Rows, sum.Files, rounds)
	return err
}

package history

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// killsOfRound is how many kills one history holds: enough that several lie in one backup and one
// restore, few enough that all that comes between them is looked at often.
const killsOfRound = 10

// round is one history with kills.
type round struct {
	*run
	kills   Kills
	objects int // in the store at the end
	random  *rand.Rand
	began   time.Time
	// What an unkilled backup and an unkilled restore of this history took: kills lie anywhere in it.
	backupTakes, restoreTakes time.Duration
}

func killRound(ctx context.Context, s Servers, c Config, kills int) (*round, error) {
	// A backup that is killed again and again comes to no end beside what has it read everything again, and a
	// source that is killed loses the rows of MEMORY tables, which the model of their counters does not know; nor does it
	// know what statements on partitions leave of them.
	c.Without = append(slices.Clone(c.Without), statements.Name, engines.Name, partitionKinds.Name)
	r, err := newRun(s, c)
	if err != nil {
		return &round{run: &run{}}, err
	}
	k := &round{run: r, kills: Kills{}, random: rand.New(rand.NewPCG(c.Seed, 11)), began: time.Now()}
	err = k.all(ctx, kills)
	k.report.Took = time.Since(k.began)
	if err != nil {
		err = fmt.Errorf("kills of seed %d (GTIDs %v): %w", c.Seed, c.GTID, err)
	}
	return k, errors.Join(err, k.cleanUp(err))
}

func (k *round) all(ctx context.Context, kills int) error {
	if err := k.prepare(ctx); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	if err := k.write(ctx); err != nil {
		return err
	}
	if err := k.startArchiver(ctx); err != nil {
		return err
	}
	for _, kills := range []int{0, (kills + 1) / 2} {
		if err := k.backUp(ctx, kills); err != nil {
			return fmt.Errorf("back up: %w", err)
		}
		if kills == 0 {
			k.backupTakes = k.report.Backup
		}
	}
	if err := k.takeStopPoints(ctx); err != nil {
		return err
	}
	if err := k.endArchive(ctx); err != nil {
		return err
	}
	if err := k.checkArchive(ctx); err != nil {
		return err
	}
	for i, p := range k.stops {
		share, before := 0, k.report.Restores
		if i == len(k.stops)-1 {
			share = kills / 2
		}
		if err := k.restoreKilled(ctx, p, share); err != nil {
			return err
		}
		k.restoreTakes = k.report.Restores - before
	}
	return k.owned(ctx)
}

// write starts writers and DDL, or others in the place of those whose source died.
func (k *round) write(ctx context.Context) (err error) {
	k.writers = k.moreWriters(ctx)
	if k.ddl != nil {
		k.ddl.close() // its connection died with the source
	}
	done := k.ddl
	if k.ddl, err = k.newDDL(ctx, rand.New(rand.NewPCG(k.Seed, k.random.Uint64()))); err != nil {
		return err
	}
	if done != nil {
		k.ddl.count, k.ddl.done, k.ddl.definitionOnly = done.count, done.done, done.definitionOnly
	}
	return nil
}

func (k *round) moreWriters(ctx context.Context) *writers {
	w := k.startWriters(ctx, k.random.Uint64(), k.Writers)
	if k.writers != nil {
		w.committed.Store(k.writers.committed.Load())
		w.rolledBack.Store(k.writers.rolledBack.Load())
	}
	return w
}

// backUp has backups killed, archivers beside them, and the source under both, and then one
// that comes to its end.
func (k *round) backUp(ctx context.Context, kills int) error {
	victims := []string{backupVictim, backupVictim, archiverVictim, backupVictim, sourceVictim}
	for i := range kills {
		service, err := k.prog.start(ctx, k.killedArgs()...)
		if err != nil {
			return err
		}
		err = k.killBackup(ctx, service, victims[i%len(victims)])
		if err != nil {
			service.kill()
			return err
		}
	}
	var result backedUp
	o, err := k.prog.must(ctx, &result, k.killedArgs()...)
	if err != nil {
		return err
	}
	k.report.Backup, k.report.Tables, k.report.Rows = o.took, len(result.Tables), result.Rows
	k.logf("backup %s: %d tables, %d rows, %s", result.BackupID, len(result.Tables), result.Rows, o.took.Round(time.Millisecond))
	return nil
}

func (k *round) killedArgs() []string {
	args := k.sourceArgs("backup", "--threads", "4", "--ddl-tries", "200", "--snapshot-tries", "200")
	return append(args, k.features.flags(func(f *Feature) []string { return f.Backup })...)
}

func (k *round) moment(takes time.Duration) time.Duration {
	return time.Duration(k.random.Int64N(int64(takes)))
}

// killBackup kills the backup, or another victim while the backup runs.
func (k *round) killBackup(ctx context.Context, backup *service, victim string) error {
	before := k.count("backups/*/data/*/*/*")
	if err := k.changeFor(ctx, k.moment(k.backupTakes), backup); err != nil {
		return err
	}
	phase := func() string {
		if k.count("backups/*/data/*/*/*") > before {
			return "tables"
		}
		return "begin"
	}
	switch over, how := backup.ended(); {
	case over && backup.cmd.ProcessState.ExitCode() != 0:
		return fmt.Errorf("the backup ended by itself: %s", how)
	case over:
		return nil
	}
	switch victim {
	case backupVictim:
		k.kills.add(backupVictim, phase())
		backup.kill()
		return nil
	case archiverVictim:
		k.archiver.kill()
		k.kills.add(archiverVictim, "archive")
		if err := k.startArchiver(ctx); err != nil {
			return err
		}
	case sourceVictim:
		if err := k.killSource(ctx); err != nil {
			return err
		}
		k.kills.add(sourceVictim, "backup")
	}
	// The backup goes on, or says why not; the next one has to succeed in any case.
	if err := k.changeFor(ctx, k.backupTakes, backup); err != nil {
		return err
	}
	over, how := backup.ended()
	if !over {
		k.kills.add(backupVictim, phase())
		backup.kill()
		return nil
	}
	if code := backup.cmd.ProcessState.ExitCode(); code > 1 { // a hole, a difference
		return fmt.Errorf("the backup whose %s was killed: %s", victim, how)
	}
	return nil
}

// changeFor lets DDL run for a time, or until the service ends.
func (k *round) changeFor(ctx context.Context, d time.Duration, s *service) error {
	for until := time.Now().Add(d); time.Now().Before(until); {
		if over, _ := s.ended(); over {
			return nil
		}
		if k.pace.IntN(8) == 0 {
			if _, err := k.ddl.step(ctx); err != nil {
				return err
			}
		}
		if err := pause(ctx, min(20*time.Millisecond, max(time.Until(until), 0))); err != nil {
			return err
		}
	}
	return nil
}

// count counts objects of the store by a glob.
func (k *round) count(glob string) int {
	found, err := filepath.Glob(filepath.Join(k.folder, "store", instance, glob))
	if err != nil {
		return 0 // of a bad pattern only
	}
	return len(found)
}

// killSource kills the server while its writers commit.
func (k *round) killSource(ctx context.Context) error {
	if err := k.servers.Source.Kill(); err != nil {
		return err
	}
	k.writers.stop()
	k.writers.done.Wait() // whatever their connections died of
	if err := k.servers.Source.Restart(ctx); err != nil {
		return err
	}
	if err := k.live.refresh(ctx, k.source, k.kind()); err != nil {
		return err
	}
	return k.write(ctx)
}

// restoreKilled restores a stop point by runs that are killed, or whose target is, and one that
// comes to its end.
func (k *round) restoreKilled(ctx context.Context, p stopPoint, kills int) error {
	if err := k.emptyTarget(ctx); err != nil {
		return err
	}
	for i := 0; i < kills; {
		service, err := k.prog.start(ctx, k.restoreArgs(p)...)
		if err != nil {
			return err
		}
		_ = pause(ctx, k.moment(k.restoreTakes)) // a context that ended ends the rest as well
		victim, phase := restoreVictim, k.restorePhase(ctx)
		if i%4 == 3 {
			victim, phase = targetVictim, "restore"
			err = k.killTarget(ctx, service)
		} else {
			service.kill()
		}
		switch code := service.cmd.ProcessState.ExitCode(); {
		case err != nil:
			return err
		case code == 0: // it was quicker
			if err := k.emptyTarget(ctx); err != nil {
				return err
			}
			continue
		case code == 1 && wasWhole(service.logs.String()):
			if err := k.checkWhole(ctx, p); err != nil {
				return err
			}
			continue
		case code > 1:
			return fmt.Errorf("the restore that was to be killed ended with %d: %s", code, lastLines(service.logs.String(), 25))
		}
		k.kills.add(victim, phase)
		i++
	}
	err := k.judge(ctx, p)
	if err != nil && kills > 0 && wasWhole(err.Error()) {
		if err = k.checkWhole(ctx, p); err == nil {
			err = k.judge(ctx, p)
		}
	}
	if err != nil {
		return err
	}
	var left int
	err = k.servers.Target.Root().QueryRowContext(ctx, `SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME LIKE '\_\_tripod%'`).Scan(&left)
	if err == nil && left != 0 {
		err = fmt.Errorf("%d tables of tripod's are left on the target", left)
	}
	return err
}

// wasWhole tells from what a restore says that the kill before it came between the drop of the progress
// table and the exit: nothing is left that tells of a restore, and all objects are there.
func wasWhole(said string) bool {
	return strings.Contains(said, "the target has objects that this restore would create")
}

// checkWhole wants the target to be what such a restore has to leave, and empties it.
func (k *round) checkWhole(ctx context.Context, p stopPoint) error {
	_, d, err := k.differences(ctx, p)
	if err == nil && len(d) > 0 {
		err = fmt.Errorf("a killed restore of %s %s left no progress table, but it is not whole:\n%s", p.flag, p.value, strings.Join(d[:min(len(d), 30)], "\n"))
	}
	return errors.Join(err, k.emptyTarget(ctx))
}

// killTarget kills the server under a restore, waits for the restore's end and starts it again.
func (k *round) killTarget(ctx context.Context, restore *service) error {
	err := k.servers.Target.Kill()
	<-restore.done //nolint:errcheck // its exit code tells
	return errors.Join(err, k.servers.Target.Restart(ctx))
}

// restorePhase asks the progress table.
func (k *round) restorePhase(ctx context.Context) string {
	for _, s := range schemas {
		var phase string
		if k.servers.Target.Root().QueryRowContext(ctx, "SELECT value FROM "+quote(s)+".__tripod_restore WHERE kind='phase'").Scan(&phase) == nil {
			return strings.Trim(phase, `"`)
		}
	}
	return "begin" // no table yet
}

// owned wants every object of the store whole, and named by something in it.
func (k *round) owned(ctx context.Context) error {
	var result struct {
		Objects        int      `json:"objects"`
		Unowned        []string `json:"unowned"`
		UnownedObjects *int     `json:"unowned_objects"`
	}
	if _, err := k.prog.must(ctx, &result, "verify", "--store", k.store(), "--deep"); err != nil {
		return err
	}
	if result.UnownedObjects == nil || *result.UnownedObjects != 0 {
		return fmt.Errorf("objects that nothing owns: %s", strings.Join(result.Unowned, ", "))
	}
	k.objects = result.Objects
	return nil
}

func (h *run) restoreArgs(p stopPoint) []string {
	args := []string{"restore", "--store", h.store(), "--instance", instance, "--target", h.servers.Target.URL(mysqltest.RestoreUser)}
	if p.flag != "" {
		args = append(args, p.flag, p.value)
	}
	if p.flag == "--to-time" { // one in three is as good as all
		args = append(args, "--verify", "chunks")
	}
	return append(args, h.features.flags(func(f *Feature) []string { return f.Restore })...)
}

package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// Fleet keeps servers for as many histories as wanted, by what they were started with. Not safe for concurrent use.
type Fleet struct {
	dir  string
	kept []*keptServer // the one used last is the last
	// starting is what starts of servers have used of the processors.
	starting time.Duration
}

type keptServer struct {
	*mysqltest.Server
	options string
}

// keptServers bounds what is kept: a server has 270 MB, one with the performance schema twice that.
const keptServers = 5

// NewFleet returns a fleet whose servers live below dir (empty: the temporary folder). They are started when a history
// needs them.
func NewFleet(dir string) (*Fleet, error) {
	if _, err := mysqltest.Find(mysqltest.MySQL97); err != nil {
		return nil, err
	}
	return &Fleet{dir: dir}, nil
}

// Servers returns source and target for a history with the features that it will have.
func (f *Fleet) Servers(ctx context.Context, c Config) (s Servers, err error) {
	on, err := choose(c)
	if err != nil {
		return s, err
	}
	source := sourceOptions(f.dir, c.kind(), c.GTID)
	target := mysqltest.Options{Kind: c.target().server, Dir: f.dir, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true}
	for o, kind := range map[*mysqltest.Options]*Kind{&source: c.kind(), &target: c.target()} {
		o.ExtraArgs = append(o.ExtraArgs, "--innodb-flush-method=nosync", // kills are of processes, never of the machine
			"--max-allowed-packet="+strconv.Itoa(largePacket)) // MySQL's own default; others have less
		o.ExtraArgs = append(o.ExtraArgs, kind.cheaper...)
	}
	for _, feature := range on {
		if feature.Server != nil {
			feature.Server(&source, &target)
		}
	}
	if s.Source, err = f.server(ctx, source); err != nil {
		return s, fmt.Errorf("start a source: %w", err)
	}
	if s.Target, err = f.server(ctx, target); err != nil {
		return s, fmt.Errorf("start a target: %w", err)
	}
	return s, nil
}

// server returns one with these options.
func (f *Fleet) server(ctx context.Context, o mysqltest.Options) (*mysqltest.Server, error) {
	options := fmt.Sprintf("%+v", o)
	if at := slices.IndexFunc(f.kept, func(s *keptServer) bool { return s.options == options }); at >= 0 {
		s := f.kept[at]
		f.kept = append(slices.Delete(f.kept, at, at+1), s)
		return s.Server, nil
	}
	if len(f.kept) == keptServers {
		if err := f.kept[0].Stop(ctx); err != nil {
			return nil, err
		}
		f.kept = f.kept[1:]
	}
	install, err := mysqltest.Find(o.Kind)
	if err != nil {
		return nil, err
	}
	s, err := install.Start(ctx, o)
	if err == nil {
		f.starting += s.CPUTime()
		f.kept = append(f.kept, &keptServer{s, options})
	}
	return s, err
}

// Stop ends the servers.
func (f *Fleet) Stop(ctx context.Context) error {
	var errs []error
	for _, s := range f.kept {
		errs = append(errs, s.Stop(ctx))
	}
	f.kept = nil
	return errors.Join(errs...)
}

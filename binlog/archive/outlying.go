package archive

import (
	"context"

	"github.com/tripod-db/tripod/binlog"
)

// Servers that log no commit time have that of the event's header, which is the session's clock: SET timestamp moves it, without
// any privilege. A time that is off by more than an hour is ignored where a search meets it, so that one session does not
// move every later stop time.

const offBy binlog.Time = 3600 * 1_000_000 // an hour

// outlying tells whether a header's time lies more than an hour ahead of what is logged behind it, though that is no earlier than
// what was logged before: the clock has not been set back, a session had one of its own. One alone among others that lies back may be a
// session's too. Without anything before or behind nobody can tell.
func outlying(before, t binlog.Time, behind []binlog.Time) bool {
	if before == 0 {
		return false
	}
	back, on := 0, 0
	for _, next := range behind {
		switch {
		case next == 0 || next < before-offBy:
		case next < t-offBy:
			back++
		default:
			on++
		}
	}
	return back > 1 || back == 1 && on == 0
}

// laterIn finds the first entry of part n of a stretch's file i that was committed later than t; last is the last commit in front of it.
func (r *Reader) laterIn(ctx context.Context, s Stretch, i int, f *fileRead, n int, t, last binlog.Time) (p found, is bool, err error) {
	if f.headers[n].GreatestCommit <= t {
		return found{}, false, nil
	}
	var first entryAt
	p, err = r.entries(ctx, f, n, func(e entryAt) bool {
		first = e
		return e.commit > t
	})
	if err != nil || first.commit <= t || !first.fromHeader {
		return p, first.commit > t, err
	}
	var list []binlog.Time
	if _, err = r.entries(ctx, f, n, func(e entryAt) bool {
		list = append(list, e.commit)
		return false
	}); err != nil {
		return found{}, false, err
	}
	behind, err := r.firstCommits(ctx, s, i, f, n)
	if err != nil {
		return found{}, false, err
	}
	held := len(list)
	list = append(list, behind...)
	before, at := last, -1
	for k := 0; k < held && at < 0; k++ {
		switch off := outlying(before, list[k], list[k+1:]); {
		case off:
		case list[k] > t:
			at = k
		default:
			before = list[k]
		}
	}
	if at < 0 {
		return found{}, false, nil
	}
	p, err = r.entries(ctx, f, n, func(entryAt) bool {
		at--
		return at < 0
	})
	return p, true, err
}

// firstCommits are those of the parts behind one, in its file and the next.
func (r *Reader) firstCommits(ctx context.Context, s Stretch, i int, f *fileRead, n int) (list []binlog.Time, err error) {
	headers := f.headers[n+1:]
	if i+1 < len(s.files) {
		next, err := r.read(ctx, s, s.files[i+1])
		if err != nil {
			return nil, err
		}
		headers = append(headers[:len(headers):len(headers)], next.headers...)
	}
	for _, h := range headers {
		list = append(list, h.FirstCommit)
	}
	return list, nil
}

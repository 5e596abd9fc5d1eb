package history

import "errors"

// errTimeIsOver ends a minimization early.
var errTimeIsOver = errors.New("the time to shrink is over")

// minimize is delta debugging: it looks for a small set of items, of n, with which fails still says true. It tries to do
// without large shares first, then smaller ones, down to single items. All items together are known to fail.
func minimize(n int, fails func(kept []int) (bool, error)) error {
	kept := make([]int, n)
	for i := range kept {
		kept[i] = i
	}
	for size := (n + 1) / 2; size >= 1; {
		smaller := false
		for from := 0; from < len(kept); {
			to := min(from+size, len(kept))
			rest := append(append([]int(nil), kept[:from]...), kept[to:]...)
			failed, err := fails(rest)
			if errors.Is(err, errTimeIsOver) {
				return nil
			}
			if err != nil {
				return err
			}
			if failed {
				kept, smaller = rest, true
				continue // what moved up to this place is next
			}
			from = to
		}
		if size == 1 && !smaller {
			return nil
		}
		if size = min(size, len(kept)); size > 1 {
			size = (size + 1) / 2
		}
	}
	return nil
}

package binlog

import (
	"cmp"
	"slices"
)

// OffsetRange is a part of a binlog file: from Start to End, exclusive.
type OffsetRange struct {
	Start uint64 `json:"start"`
	End   uint64 `json:"end"`
}

// InRanges tells whether an offset lies in one of the ranges, which are in order and do not overlap.
func InRanges(ranges []OffsetRange, offset uint64) bool {
	i, starts := slices.BinarySearchFunc(ranges, offset, func(r OffsetRange, o uint64) int { return cmp.Compare(r.Start, o) })
	return starts || i > 0 && offset < ranges[i-1].End
}

package segment

import (
	"errors"
	"fmt"
	"slices"
)

// ErrApart: two segments do not join.
var ErrApart = errors.New("segments do not join")

// Follows tells whether h begins where a segment of the same file ends, with the same bytes before it.
func (h *Header) Follows(before *Header) bool {
	return h.Timeline == before.Timeline && h.File == before.File && h.FormatTime == before.FormatTime &&
		h.Start == before.End && h.SHA256Start == before.SHA256End
}

// Append makes h, the header of a segment, that of one which holds the next segment's bytes too:
// what Encode would be given for both together. Its stored fields are no longer of any meaning.
func (h *Header) Append(next *Header) error {
	if !next.Follows(h) {
		return fmt.Errorf("%s to %d and %s: %w", h.StartPosition(), h.End, next.StartPosition(), ErrApart)
	}
	if next.PreviousGTIDs != nil {
		h.PreviousGTIDs = next.PreviousGTIDs
	}
	h.GTIDs = h.GTIDs.Clone()
	h.GTIDs.AddSet(next.GTIDs)
	h.Entries += next.Entries
	if h.FirstCommit == 0 {
		h.FirstCommit, h.SmallestCommit = next.FirstCommit, next.SmallestCommit
	} else if next.SmallestCommit != 0 {
		h.SmallestCommit = min(h.SmallestCommit, next.SmallestCommit)
	}
	if next.LastCommit != 0 {
		h.LastCommit = next.LastCommit
	}
	h.GreatestCommit = max(h.GreatestCommit, next.GreatestCommit)
	h.Limits = slices.Clone(h.Limits)
	for _, l := range next.Limits {
		h.Limits = AddLimit(h.Limits, l)
	}
	h.Undone = slices.Concat(h.Undone, next.Undone)
	if h.Content = h.Content.Clone(); h.Content != nil && next.Content != nil {
		h.Content.Add(next.Content)
	} else {
		h.Content = nil // of one of them nothing is known
	}
	h.End, h.SHA256End, h.Closed = next.End, next.SHA256End, next.Closed
	h.EndsInside, h.Boundary, h.Resume, h.OpenXA = next.EndsInside, next.Boundary, next.Resume, next.OpenXA
	return nil
}

// Frame returns the frame of a segment whose compressed bytes are those of several segments one
// behind the other. h is their header, joined by Append, with the stored fields of the whole.
func Frame(h Header) ([]byte, error) {
	h.Version = Version
	if err := h.Validate(); err != nil {
		return nil, fmt.Errorf("encode segment: %w", err)
	}
	return appendFrame(nil, &h)
}

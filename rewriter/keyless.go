package rewriter

// keyless adds the statement for a table without a key: a row is found by its whole image,
// byte by byte, and of equal rows exactly one is changed (fact 11.6).
func (b *Batch) keyless(t *Table, c Change, o Origin) error {
	if !c.Before.Exists() {
		return b.addTuple(t, verbInsert, c, o, 1)
	}
	return b.addOther(t, c, o, func(dst []byte) ([]byte, error) {
		var err error
		if c.After.Exists() {
			dst = append(dst, t.updateHead...)
			if dst, err = t.appendAssignments(dst, c.Map, c.After); err != nil {
				return dst, err
			}
			dst = append(dst, " WHERE "...)
		} else {
			dst = append(dst, t.deleteHead...)
		}
		dst, err = t.appendImageMatch(dst, c.Map, c.Before)
		return append(dst, " LIMIT 1"...), err
	})
}

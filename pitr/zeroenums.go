package pitr

import "slices"

// zeroEnums counts, in LOAD DATA text that passes, the ENUM values of index 0: each brings one
// warning with it. In a chunk that is written with STRICT it counts nothing.
type zeroEnums struct {
	enums  []bool // by field
	names  []string
	field  int
	length int  // of the present field
	zero   bool // it begins with the digit 0
	seen   uint64
}

func newZeroEnums(j loadJob) *zeroEnums {
	z := new(zeroEnums)
	if !j.chunk.ZeroEnum {
		return z
	}
	z.enums = make([]bool, len(j.load.Columns))
	for i, c := range j.load.Columns {
		column, _ := j.def.Column(c.Name)
		if z.enums[i] = column != nil && column.Type == "enum"; z.enums[i] {
			z.names = append(z.names, c.Name)
		}
	}
	return z
}

// Write implements io.Writer; it never fails.
func (z *zeroEnums) Write(text []byte) (int, error) {
	z.count(text)
	return len(text), nil
}

func (z *zeroEnums) count(text []byte) {
	if !slices.Contains(z.enums, true) {
		return
	}
	for _, b := range text {
		if b != '\t' && b != '\n' {
			z.zero = b == '0' && z.length == 0
			z.length++
			continue
		}
		if z.length == 1 && z.zero && z.field < len(z.enums) && z.enums[z.field] {
			z.seen++
		}
		z.length = 0
		if z.field++; b == '\n' {
			z.field = 0
		}
	}
}

// take returns how many there were since the last call.
func (z *zeroEnums) take() uint64 {
	n := z.seen
	z.seen = 0
	return n
}

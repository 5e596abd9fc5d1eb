package ddl

import (
	"sync"
	"testing"
)

// Parsers are shared: what a statement is must not depend on those that are read beside it.
func TestStatementsAreReadBesideEachOther(t *testing.T) {
	var readers sync.WaitGroup
	for i := range 8 {
		text, want := "ALTER TABLE t COMMENT='x'", DefinitionOnly
		if i%2 == 0 {
			text, want = "ALTER TABLE t DROP COLUMN v", Meaning
		}
		readers.Go(func() {
			for range 300 {
				st, err := Parse([]byte(text), Session{Schema: "s"})
				if err != nil || st.Kind != want {
					t.Errorf("%s: kind %v, %v", text, st.Kind, err)
					return
				}
			}
		})
	}
	readers.Wait()
}

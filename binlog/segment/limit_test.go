package segment

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/schema"
)

func limitOf(start uint64, table string) Limit {
	return Limit{Start: start, Kind: LimitXA, Rows: true, Tables: []schema.Name{{Schema: "d", Name: table}}}
}

// A list of limits stays short, whatever comes, and none of them is forgotten: one that is not
// there by itself is counted in by another of its tables, or of every table.
func TestLimitsAreBounded(t *testing.T) {
	var list []Limit
	for i := range uint64(2 * MaxLimits) {
		list = AddLimit(list, limitOf(100+i, "a"))
		list = AddLimit(list, limitOf(100+i, "a")) // once more behind a crash
	}
	list = AddLimit(list, limitOf(9000, "b"))
	list = AddLimit(list, limitOf(9100, "c"))
	list = AddLimit(list, limitOf(9200, "a"))
	if len(list) != MaxLimits+1 {
		t.Fatalf("%d limits", len(list))
	}
	if a := list[MaxLimits-1]; a.Start != 100+MaxLimits-1 || a.Until != 9200 {
		t.Errorf("the last of table a is %+v", a)
	}
	if every := list[MaxLimits]; !every.EveryTable || len(every.Tables) != 0 || every.Start != 9000 || every.Until != 9100 || every.Kind != LimitXA {
		t.Errorf("the others are %+v", every)
	}
}

// Headers without limits read as before, and what a later version writes is kept as it is.
func TestLimitsInHeaders(t *testing.T) {
	h := Header{Limits: []Limit{limitOf(4, "a")}}
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var again Header
	if err := json.Unmarshal([]byte(strings.Replace(string(text), `"xa"`, `"of a later version"`, 1)), &again); err != nil {
		t.Fatal(err)
	}
	if len(again.Limits) != 1 || again.Limits[0].Kind != "of a later version" || fmt.Sprint(again.Limits[0].Tables) != "[d.a]" {
		t.Errorf("limits %+v", again.Limits)
	}
	h.Limits = nil
	if text, err = json.Marshal(h); err != nil || strings.Contains(string(text), "limits") {
		t.Errorf("%s, %v", text, err)
	}
}

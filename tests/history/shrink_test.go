package history

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

func TestMinimizeKeepsWhatFails(t *testing.T) {
	for _, needed := range [][]int{{}, {0}, {99}, {3, 4, 77}, {10, 30, 50, 70, 90}} {
		tries := 0
		var smallest []int
		err := minimize(100, func(kept []int) (bool, error) {
			tries++
			for _, n := range needed {
				if !slices.Contains(kept, n) {
					return false, nil
				}
			}
			smallest = kept
			return true, nil
		})
		if err != nil || !slices.Equal(smallest, needed) {
			t.Errorf("of %v %v was left (%v)", needed, smallest, err)
		}
		if tries > 130 {
			t.Errorf("%d tries for %v", tries, needed)
		}
	}
	tries := 0
	if err := minimize(50, func([]int) (bool, error) { tries++; return false, errTimeIsOver }); err != nil || tries != 1 {
		t.Errorf("%d tries behind the end of the time: %v", tries, err)
	}
}

func TestRecordsAreReadAsWritten(t *testing.T) {
	r := &Recorded{Seed: 1 << 60, GTID: true, Features: "views,ctas", ChunkRows: 12, Threads: 4, Failpoints: "dumper/bases/W3=return(true)", Failure: "a restore differs", Stop: -1}
	r.steps = []step{{session: "w", sql: "SET x = 'é\xff\n\t\"'"}, {session: harness, sql: "chunk `a`.`b`"}, {session: "w", sql: "!", refused: true}}
	path := filepath.Join(t.TempDir(), recordFile)
	must(t, r.Save(path))
	got, err := LoadRecord(path)
	must(t, err)
	if !reflect.DeepEqual(got, r) {
		t.Errorf("got %+v, want %+v", got, r)
	}
	must(t, os.WriteFile(path, []byte("nonsense\n"), 0o600))
	if _, err := LoadRecord(path); err == nil {
		t.Error("nonsense was read")
	}
}

func TestStepsAreGrouped(t *testing.T) {
	r := &Recorded{steps: []step{
		0: {session: setupSession, sql: "SET NAMES utf8mb4"}, 1: {session: setupSession, sql: "CREATE TABLE `shop`.`a` (n INT)"},
		2: {session: setupSession, sql: "CREATE TABLE `shop`.`b` (n INT)"}, 3: {session: "w0", sql: "SET NAMES utf8mb4"},
		4: {session: "w0", sql: "BEGIN"}, 5: {session: "ddl", sql: "RENAME TABLE `shop`.`a` TO `shop`.`a_1`"}, 6: {session: "w0", sql: "DELETE FROM `shop`.`b`"},
		7: {session: harness, sql: "chunk `shop`.`a`"}, 8: {session: "w0", sql: "COMMIT"},
		9: {session: probeSession, sql: "BEGIN"}, 10: {session: probeSession, sql: "INSERT INTO `shop`.`a_1` VALUES (9)"}, 11: {session: probeSession, sql: "COMMIT"},
		12: {session: harness, sql: "counter 10 `shop`.`a_1`"}, 13: {session: harness, sql: "stop --to-time"},
	}}
	for _, test := range []struct {
		name      string
		got, want [][]int
	}{
		{"tables", tableGroups(r), [][]int{{1, 5, 7, 10, 12}, {2, 6}}},
		{"transactions", transactionGroups(r), [][]int{{3}, {5}, {4, 6, 8}, {9, 10, 11, 12}}},
		{"statements", statementGroups(r), [][]int{{1}, {2}, {6}, {7}}},
	} {
		if !reflect.DeepEqual(test.got, test.want) {
			t.Errorf("%s are %v, want %v", test.name, test.got, test.want)
		}
	}
}

package binlog

import "testing"

func TestPositionOrderIsByFileNumber(t *testing.T) {
	p := Position{Timeline: "t", File: "binlog.999999", Pos: 900}
	q := Position{Timeline: "t", File: "binlog.1000000", Pos: 4}
	if !p.Before(q) || q.Before(p) {
		t.Errorf("%s must come before %s", p, q)
	}
}

func TestW5_PositionsOfTimelinesAreNotCompared(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("positions of two timelines were compared")
		}
	}()
	Position{Timeline: "a", File: "b.1", Pos: 4}.Before(Position{Timeline: "b", File: "b.1", Pos: 9})
}

func TestParsePosition(t *testing.T) {
	p, err := ParsePosition("u-1~2/binlog.000003:157")
	if err != nil || p != (Position{"u-1~2", "binlog.000003", 157}) {
		t.Errorf("got %+v, %v", p, err)
	}
	if p.String() != "u-1~2/binlog.000003:157" {
		t.Errorf("prints %s", p)
	}
	if p, err := ParsePosition("binlog.000003:157"); err != nil || p.Timeline != "" {
		t.Errorf("got %+v, %v", p, err)
	}
	for _, bad := range []string{"", "binlog.000003", "binlog:5", "/binlog.000001:4", "binlog.000001:x", ":4", "binlog.000001:-1"} {
		if p, err := ParsePosition(bad); err == nil {
			t.Errorf("%q was read as %s", bad, p)
		}
	}
}

func TestWindowSide(t *testing.T) {
	at := func(pos uint64) Position { return Position{"t", "b.000001", pos} }
	w := Window{Low: at(100), High: at(200)}
	for pos, want := range map[uint64]Side{4: Skip, 99: Skip, 100: Inside, 199: Inside, 200: After, 300: After} {
		if got := w.Side(at(pos)); got != want {
			t.Errorf("an entry that starts at %d is %s, want %s", pos, got, want)
		}
	}
}

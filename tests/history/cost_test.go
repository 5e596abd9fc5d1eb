package history

import (
	"testing"
	"time"
)

func TestCostTellsTheDearestFirst(t *testing.T) {
	sum, one := newCost(), newCost()
	one.took("restores", 3*time.Second)
	one.took(partTruth, time.Second)
	one.used("source", time.Second)
	one.used("target", 2*time.Second)
	one.ended("tripod restore", nil)
	sum.add(one)
	sum.add(one)
	sum.add(nil)
	want := "  seconds of a history by the clock: restores 1.50, truth 0.50\n  and of the processors, 1.50: target 1.00, source 0.50\n"
	if got := sum.each(4); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

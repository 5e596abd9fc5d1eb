package mysqltest

import "testing"

// recorder is a test that must fail.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Fatal(...any) { r.failed = true }

func TestFailpointNeedsABuildWithFailpoints(t *testing.T) {
	r := &recorder{TB: t}
	requireFailpoints(r)
	if r.failed == failpointsBuiltIn(t) {
		t.Errorf("the test failed: %v, failpoints are built in: %v", r.failed, failpointsBuiltIn(t))
	}
}

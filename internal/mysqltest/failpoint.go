package mysqltest

import (
	"testing"

	"github.com/pingcap/failpoint"
)

// module is the import path in front of every failpoint's name.
const module = "github.com/tripod-db/tripod/"

// Failpoint makes the failpoint name (package folder and name: "dumper/skip-w1") evaluate term, such as `return(true)` or
// `panic`, until the test ends. It fails the test in a build without failpoints, in which the test would prove nothing.
func Failpoint(t testing.TB, name, term string) {
	t.Helper()
	requireFailpoints(t)
	if err := failpoint.Enable(module+name, term); err != nil {
		t.Fatalf("enable failpoint %s: %v", name, err)
	}
	t.Cleanup(func() { disable(t, name) })
}

// FailpointWhile is [Failpoint] while do runs.
func FailpointWhile(t testing.TB, name, term string, do func()) {
	t.Helper()
	requireFailpoints(t)
	if err := failpoint.Enable(module+name, term); err != nil {
		t.Fatalf("enable failpoint %s: %v", name, err)
	}
	defer disable(t, name)
	do()
}

// FailpointCall has fn called by every failpoint.InjectCall of that name until the test ends. See [Failpoint].
func FailpointCall(t testing.TB, name string, fn any) {
	t.Helper()
	requireFailpoints(t)
	if err := failpoint.EnableCall(module+name, fn); err != nil {
		t.Fatalf("enable failpoint %s: %v", name, err)
	}
	t.Cleanup(func() { disable(t, name) })
}

// FailpointVariable renders the setting of GO_FAILPOINTS that enables a failpoint in a program built with failpoints.
func FailpointVariable(name, term string) string {
	return "GO_FAILPOINTS=" + module + name + "=" + term
}

func disable(t testing.TB, name string) {
	t.Helper()
	if err := failpoint.Disable(module + name); err != nil {
		t.Errorf("disable failpoint %s: %v", name, err)
	}
}

func requireFailpoints(t testing.TB) {
	t.Helper()
	if !failpointsBuiltIn(t) {
		t.Fatal(`this build has no failpoints: run make test, or go test -overlay="$(go run ./scripts/failpoints)"`)
	}
}

// failpointsBuiltIn reports whether failpoint markers were rewritten in this build: one of our own tells.
func failpointsBuiltIn(t testing.TB) (builtIn bool) {
	t.Helper()
	const own = module + "internal/mysqltest/built-in"
	if err := failpoint.Enable(own, "return(true)"); err != nil {
		t.Fatalf("enable failpoint %s: %v", own, err)
	}
	defer disable(t, "internal/mysqltest/built-in")
	failpoint.Inject("built-in", func() { builtIn = true })
	return builtIn
}

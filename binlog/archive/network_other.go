//go:build !linux

package archive

// isLocal is never certain here: a lease is then waited for, not taken over at once.
func isLocal(string) (bool, error) { return false, nil }

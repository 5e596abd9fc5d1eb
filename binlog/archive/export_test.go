package archive

import "time"

// WithQuickLease returns the configuration with a lease whose times are a fraction of the real ones.
func (c Config) WithQuickLease() Config {
	c.timing = defaultTiming
	c.timing.beat, c.timing.stale, c.timing.look = 50*time.Millisecond, 2*time.Second, 20*time.Millisecond
	return c
}

// WithQuickHead returns the configuration with a head that is replaced often when nothing happens.
func (c Config) WithQuickHead() Config {
	if c.timing == (timing{}) {
		c.timing = defaultTiming
	}
	c.timing.idleHead, c.timing.heartbeat = 100*time.Millisecond, 100*time.Millisecond
	return c
}

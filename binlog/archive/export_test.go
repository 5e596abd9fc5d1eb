package archive

import "time"

// changed returns the configuration with other times and sizes.
func (c Config) changed(change func(*timing)) Config {
	if c.timing == (timing{}) {
		c.timing = defaultTiming
	}
	change(&c.timing)
	return c
}

// WithQuickLease returns the configuration with a lease whose times are a fraction of the real ones.
func (c Config) WithQuickLease() Config {
	return c.changed(func(t *timing) { t.beat, t.stale, t.look = 50*time.Millisecond, 2*time.Second, 20*time.Millisecond })
}

// WithQuickHead returns the configuration with a head that is replaced often when nothing happens.
func (c Config) WithQuickHead() Config {
	return c.changed(func(t *timing) { t.idleHead, t.heartbeat = 100*time.Millisecond, 100*time.Millisecond })
}

// WithLargeSegments returns the configuration with another size of large segments, which need only
// two small ones; 0 for none.
func (c Config) WithLargeSegments(size uint64) Config {
	return c.changed(func(t *timing) { t.compactSize, t.compactLeast, t.tendAgain = size, 2, 50*time.Millisecond })
}

// WithLastTending returns the configuration with another time for closed files at the end.
func (c Config) WithLastTending(limit time.Duration) Config {
	return c.changed(func(t *timing) { t.tendLast = limit })
}

// WithHeadersHeld returns the configuration with another number of headers that are in memory at once.
func (c Config) WithHeadersHeld(n int) Config {
	return c.changed(func(t *timing) { t.headersHeld = n })
}

// WithMovingClock returns the configuration with a clock that is ahead of the real one by what ahead says.
func (c Config) WithMovingClock(ahead func() time.Duration) Config {
	c.clock = func() time.Time { return time.Now().Add(ahead()) }
	return c
}

// WithClock returns the configuration with a clock that is ahead of the real one.
func (c Config) WithClock(ahead time.Duration) Config {
	c.clock = func() time.Time { return time.Now().Add(ahead) }
	return c
}

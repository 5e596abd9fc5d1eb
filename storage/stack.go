package storage

// Options say which layers Stack puts over a driver.
type Options struct {
	Retry RetryOptions
	// Bandwidth bounds what is put and got; nil for no bound.
	Bandwidth *Bandwidth
}

// Stack puts the layers over a driver, in the order in which a call passes them. This is the
// only place that knows the order: retry is outermost, so that each try passes every other
// layer anew.
func Stack(driver Bucket, o Options) Bucket {
	if o.Bandwidth != nil {
		driver = Limit(driver, o.Bandwidth)
	}
	return Retry(driver, o.Retry)
}

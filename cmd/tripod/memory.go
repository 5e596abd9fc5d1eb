package main

import "runtime/debug"

// limitHeap lets the garbage collector work harder as the heap comes near --memory: by default
// it lets the heap grow to twice what is in use. The limit is soft: an event or row beyond it,
// which promise 8 allows, is kept all the same.
func limitHeap(memory byteSize) { debug.SetMemoryLimit(int64(memory)) }

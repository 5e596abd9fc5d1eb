// Package storage is the narrow contract between tripod and the places it keeps things:
// Bucket, the sentinels that a driver returns, and the layers stacked over a driver, each in
// a file of its own. Drivers live in storage/file, storage/s3, ...; storage/storagetest is
// the conformance suite that each of them passes.
//
// What may not happen here: knowledge of what an object means (that is storage/catalog), or
// a driver that answers "done" for something a power cut could take back.
package storage

// Package chunk turns the rows of a table into LOAD DATA text and stores them: which
// expressions to SELECT so that reading is exact, the LOAD DATA statement that puts every byte
// back, the transcoder that makes text of row packets without a Go value per field, the Writer
// that hashes, compresses and stores it, and the Reader that gives it back only if every hash
// is right.
//
// What may not happen here: a value that passes through a Go number or a character set
// conversion, more memory than the stored chunk and a few buffers, or a damaged chunk that
// ends like a whole one.
package chunk

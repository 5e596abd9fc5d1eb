// Package archive keeps a source's binlog in a store, and reads it back.
//
// Run is the writer: it streams the log to a spool folder, cuts it into segments at
// boundaries between entries, uploads them in order, and replaces the timeline's head. One
// writer per instance is held by a lease. Reader is the other side: stretches and holes, the
// events from a position on, whether a range is held without a gap (W4), and the position of a
// stop point.
//
// The parts of the writer, each in files of its own:
//
//	lease, tenure  who may write, and for how long
//	spool, extent  bytes that came and are not in the store yet; what a crash leaves of them
//	tip            what is known of the last byte that is held: how to go on behind it
//	begin, hole    where the stream begins, and what is missing in front of it
//	receiver       stream -> extents, cut at boundaries
//	uploader       extents -> segments, head, as of
//	sampler        the source's clock and the end of its log
//	journal        definitions of tables behind the statements of the log
//	keeper         what is done for a file once it is closed: index, compaction, removal
//
// The keeper works beside the others, one file at a time, and nothing waits for it. First a file
// gets an index over the segments that are there (makeindex); then large segments are put
// together from small ones as they are stored, and read back (compact), and the index names
// these; an hour later the small ones go (remove). What is still to be done is seen in the store
// alone, so that it goes on behind a kill at any moment.
//
// What may not happen here:
//
//   - A byte accepted behind a gap that is not written down as a hole first.
//   - Bytes of two histories joined: server uuid, the file's format time and the chain over the
//     last entry are compared on every connect (fact 13.9).
//   - A head in front of what the store holds, or an as_of later than what it covers.
//   - An upload by a writer whose lease somebody else has taken, as far as can be seen.
//   - A listing of the whole store on the way to the first segment.
//   - A segment removed whose bytes were not found in another one, read to its end, right before.
//   - Archiving that ends, or waits, because of an index or a large segment.
//   - A reader that trusts an index where W4 is asked for (Covers), or leaves out half an entry.
//   - A reader that learns only at the end of an entry what the entry takes back: headers tell it before (undone).
//   - A reader that takes a truncated, altered or missing segment for the end of the archive.
package archive

package history

// features are all there are. Those of others belong at the end, each in a file of its own: see doc.go.
var features = []Feature{
	numbers, charsets, times, binaries, spatial, choices, documents, uniqueKeys, descending, keyless, partitions,
	cascades, selfReferences, cycles,
	columnChanges, indexes, comments, counters, rebuilds, truncates, tableMoves, drops, likes, selects, databases, idles,
	ghosts, onlineSchemaChange,
	views, routines, triggers, events, definers,
	killBackups, killArchivers,
	someTables, renamedTables, skips,
	compression, rowsQuery, fullMetadata, checksums, bigTransactions, rowImages, jsonDiffs,
	xa, nativeKeys,
	engines, users, largeEvents, statements, oddNames, lowerCase, oddTypes, partitionKinds, temporary, importing, slowCommits,
}

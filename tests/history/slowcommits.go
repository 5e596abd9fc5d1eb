package history

import "fmt"

// slowCommit is how long a commit takes from where the log has it to where others see it, in microseconds: as long as reading a chunk
// or two. Memory and no sync make that gap too short for histories to meet it.
const slowCommit = 150_000

var slowCommits = Feature{
	Name: "slow-commits", Doc: "transactions are in the log long before they are visible (fact 1.1)", Share: 8,
	Globals: []string{fmt.Sprintf("binlog_group_commit_sync_delay=%d", slowCommit)},
}

package mutants

// Mutant is a rule switched off, and the test that has to notice.
type Mutant struct {
	Rule      string // W1, R4
	Failpoint string // folder of its package below the module, "/", its name
	Package   string // folder below the module, of the test
	Test      string // as go test -run takes it, without anchors; subtests behind "/"
}

// Rules are those of which a mutant has to be caught.
var Rules = []string{"W1", "W2", "W3", "W4", "R3", "R4", "R6"}

// Table holds, for each rule, the mutants of the code that decides, each with the test of a few
// marks that is named for the rule, most also with one on a real server. W4 is tried on the
// program.
var Table = []Mutant{
	{"W1", "dumper/bases/W1", "dumper/bases", "TestW1LowIsTheLowSample"},
	{"W1", "binlog/source/w1-off", "binlog/source", "TestW1_W2_ReadsLieBetweenTheirTicks"},
	{"W2", "dumper/bases/W2", "dumper/bases", "TestW2HighIsTheHighBehindTheRows"},
	{"W2", "binlog/source/w2-off", "binlog/source", "TestW1_W2_ReadsLieBetweenTheirTicks"},
	{"W3", "dumper/bases/W3", "dumper/bases", "TestW3StatementInTheWindowIsReadAgain"},
	{"W3", "dumper/bases/W3", "dumper", "TestW3StatementsBetweenChunks/gtid=true/add_column"},
	{"W4", "dumper/W4", "tests/cli", "TestW4NoManifestBeforeTheArchiveHoldsItsEnd"},
	{"R3", "dumper/bases/R3", "dumper/bases", "TestR3NewBaseIsBehindTheStatement"},
	{"R4", "dumper/bases/R4", "dumper/bases", "TestR4ContentThatWasReadElsewhere"},
	{"R4", "dumper/bases/R4", "dumper", "TestR4SwapBehindTheFirstTable"},
	{"R6", "dumper/bases/R6", "dumper/bases", "TestR6NotDoneBeforeTheStreamHasPassedEveryHigh"},
}

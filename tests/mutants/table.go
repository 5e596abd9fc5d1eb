package mutants

// Mutant is a rule switched off, and the test that has to notice.
type Mutant struct {
	Rule      string // W1, R4
	Failpoint string // folder of its package below the module, "/", its name
	Package   string // folder below the module, of the test
	Test      string // as go test -run takes it, without anchors; subtests behind "/"
	// Features, comma between them, are what random histories need to meet the mutant, beside what their seeds draw.
	Features string
	// Unseen tells why no history of this generator can meet the mutant; empty where one can.
	Unseen string
}

// Rules are those of which a mutant has to be caught.
var Rules = []string{"W1", "W2", "W3", "W4", "W5", "W6", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11", "R12"}

// Why histories do not meet a mutant.
const (
	oneServer  = "a history has one source, without a proxy in front of it"
	oneHistory = "a history's source keeps its log"
	whole      = "the archiver of a history is never behind for long; its end is compared with the source's files"
	stopsLater = "stop points of histories lie behind the backup"
	noTrace    = "nothing changes in a history without a trace in the log"
	allTables  = "histories back up whole instances"
)

// Table holds, for each rule, the mutants of the code that decides, each with the test that is named for the rule: of
// a few marks where the rule is pure, most also with one on a real server. W4 is tried on the program.
var Table = []Mutant{
	{Rule: "W1", Failpoint: "dumper/bases/W1", Package: "dumper/bases", Test: "TestW1LowIsTheLowSample", Features: "slow-commits"},
	{Rule: "W1", Failpoint: "binlog/source/w1-off", Package: "binlog/source", Test: "TestW1_W2_ReadsLieBetweenTheirTicks", Features: "slow-commits"},
	{Rule: "W2", Failpoint: "dumper/bases/W2", Package: "dumper/bases", Test: "TestW2HighIsTheHighBehindTheRows"},
	{Rule: "W2", Failpoint: "binlog/source/w2-off", Package: "binlog/source", Test: "TestW1_W2_ReadsLieBetweenTheirTicks"},
	{Rule: "W3", Failpoint: "dumper/bases/W3", Package: "dumper/bases", Test: "TestW3StatementInTheWindowIsReadAgain"},
	{Rule: "W3", Failpoint: "dumper/bases/W3", Package: "dumper", Test: "TestW3StatementsBetweenChunks/gtid=true/add_column"},
	{Rule: "W4", Failpoint: "dumper/W4", Package: "tests/cli", Test: "TestW4NoManifestBeforeTheArchiveHoldsItsEnd", Unseen: whole},
	{Rule: "W5", Failpoint: "binlog/source/W5", Package: "binlog/source", Test: "TestW5_ClockEndsWhenTheLogIsAnother", Unseen: oneHistory},
	{Rule: "W6", Failpoint: "dumper/W6", Package: "dumper", Test: "TestW6DefinitionsOfAnotherServer", Unseen: oneServer},
	{Rule: "R1", Failpoint: "dumper/bases/R1", Package: "dumper/bases", Test: "TestR1UnlistedNames"},
	{Rule: "R2", Failpoint: "storage/catalog/R2", Package: "pitr", Test: "TestR2SidesOfStatements"},
	{Rule: "R3", Failpoint: "dumper/bases/R3", Package: "dumper/bases", Test: "TestR3NewBaseIsBehindTheStatement"},
	{Rule: "R4", Failpoint: "dumper/bases/R4", Package: "dumper/bases", Test: "TestR4ContentThatWasReadElsewhere"},
	{Rule: "R4", Failpoint: "dumper/bases/R4", Package: "dumper", Test: "TestR4SwapBehindTheFirstTable"},
	{Rule: "R5", Failpoint: "dumper/bases/R5", Package: "dumper/bases", Test: "TestR5RowEventInTheWindowOfAKeylessTable", Features: "keyless"},
	{Rule: "R5", Failpoint: "dumper/bases/R5Cascades", Package: "dumper/bases", Test: "TestR5CascadesConverge", Features: "cascades,native-keys"},
	{Rule: "R6", Failpoint: "dumper/bases/R6", Package: "dumper/bases", Test: "TestR6NotDoneBeforeTheStreamHasPassedEveryHigh"},
	{Rule: "R7", Failpoint: "rewriter/R7", Package: "pitr", Test: "TestR7RowsInTheWindow"},
	{Rule: "R7", Failpoint: "storage/catalog/R7", Package: "pitr", Test: "TestR7RowsInTheWindow"},
	{Rule: "R7", Failpoint: "pitr/R7", Package: "pitr", Test: "TestR7ChangesWithoutATrace", Unseen: noTrace},
	{Rule: "R8", Failpoint: "rewriter/R8", Package: "rewriter", Test: "TestR8RenamePairByPair"},
	{Rule: "R9", Failpoint: "pitr/lanes/R9", Package: "pitr", Test: "TestR9FenceOfOneTable"},
	{Rule: "R10", Failpoint: "rewriter/R10", Package: "pitr", Test: "TestR10Context"},
	{Rule: "R11", Failpoint: "dumper/bases/R11", Package: "dumper/bases", Test: "TestR11LastEntryThatTouchesTheTable", Unseen: stopsLater},
	{Rule: "R12", Failpoint: "storage/catalog/R12", Package: "storage/catalog", Test: "TestR12ObjectsOfTheLogFollowTheSelection", Unseen: allTables},
}

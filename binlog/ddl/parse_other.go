package ddl

// transactionControl reads BEGIN, COMMIT, ROLLBACK, SAVEPOINT, XA.
func (p *parser) transactionControl() bool {
	alone := func(words ...string) bool {
		n := len(p.tokens)
		for n > 0 && p.isPunct(n-1, ';') {
			n--
		}
		return p.next(words...) && n == p.i+len(words)
	}
	switch {
	case alone("BEGIN"), alone("BEGIN", "WORK"), p.next("START", "TRANSACTION"), p.next("COMMIT"),
		p.next("ROLLBACK"), p.next("SAVEPOINT"), p.next("RELEASE", "SAVEPOINT"), p.next("XA"):
		p.s.Verb, p.s.Kind = p.firstWords(), TransactionControl
		return true
	}
	return false
}

// isAccount reads statements about users, roles and privileges that need no more than their
// first words.
func (p *parser) isAccount() bool {
	if p.next("GRANT") || p.next("REVOKE") || p.next("SET", "PASSWORD") || p.next("SET", "DEFAULT", "ROLE") {
		p.account()
		return true
	}
	return false
}

func (p *parser) account() { p.s.Verb, p.s.Kind = p.firstWords(), Account }

// harmlessWords begin statements that change nothing that is backed up.
var harmlessWords = []string{
	"SET", "USE", "UNLOCK", "KILL", "RESET", "PURGE", "CHANGE", "STOP", "SHOW", "EXPLAIN", "DESCRIBE", "DESC",
	"HELP", "INSTALL", "UNINSTALL", "PREPARE", "DEALLOCATE", "RESTART", "SHUTDOWN", "CLONE", "BACKUP",
}

// maintenanceWords begin statements about the upkeep of tables, which they name.
var maintenanceWords = []string{"ANALYZE", "OPTIMIZE", "CHECK", "CHECKSUM", "REPAIR", "FLUSH", "LOCK", "CACHE"}

// harmless reads statements of kind none.
func (p *parser) harmless() bool {
	for _, w := range harmlessWords {
		if p.next(w) {
			p.s.Verb, p.s.Kind = p.firstWords(), None
			return true
		}
	}
	if p.next("START", "REPLICA") || p.next("START", "SLAVE") || p.next("START", "GROUP_REPLICATION") || p.next("LOAD", "INDEX") {
		p.s.Verb, p.s.Kind = p.firstWords(), None
		return true
	}
	if p.next("ANALYZE") && p.analyzedDML() {
		return true
	}
	for _, w := range maintenanceWords {
		if p.accept(w) {
			p.s.Verb, p.s.Kind = p.firstWords(), None
			p.maintained()
			return true
		}
	}
	return false
}

// analyzedDML reads ANALYZE [FORMAT=JSON] UPDATE .. of a MariaDB, which carries the statement out.
func (p *parser) analyzedDML() bool {
	back := p.i
	p.i++
	if p.accept("FORMAT") {
		p.acceptPunct('=')
		p.i++
	}
	if p.isAnyWord(p.i, "INSERT", "REPLACE", "UPDATE", "DELETE", "WITH") && p.dml() {
		return true
	}
	p.i = back
	return false
}

// maintained adds the tables behind TABLE or TABLES as far as they can be read.
func (p *parser) maintained() {
	p.acceptAny("NO_WRITE_TO_BINLOG", "LOCAL")
	if !p.acceptAny("TABLE", "TABLES", "INDEX") {
		return
	}
	if p.next("WITH", "READ") {
		return
	}
	for {
		n, at, ok := p.name()
		if !ok {
			return
		}
		p.add(n, at, Maintained, false)
		p.lockType()
		if !p.acceptPunct(',') {
			return
		}
	}
}

// lockType consumes [AS alias] READ [LOCAL] | [LOW_PRIORITY] WRITE.
func (p *parser) lockType() {
	if p.accept("AS") && p.isIdentifier(p.i) {
		p.i++
	}
	if p.isIdentifier(p.i) && (p.isWord(p.i+1, "READ") || p.isWord(p.i+1, "WRITE")) && !p.next("LOW_PRIORITY") {
		p.i++
	}
	p.accept("LOW_PRIORITY")
	if p.acceptAny("READ", "WRITE") {
		p.accept("LOCAL")
	}
}

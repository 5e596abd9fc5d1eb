package ddl

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// AccountName is a user or role.
type AccountName struct{ User, Host string }

// String prints the account as GRANT spells it.
func (n AccountName) String() string { return schema.Quote(n.User) + "@" + schema.Quote(n.Host) }

// AccountRef is one place of a statement that names an account which the statement changes, with what belongs
// to it alone: password and plugin, or the new name.
type AccountRef struct {
	Name      AccountName
	RenamedTo AccountName // of RENAME USER
	// Invoker: the statement says CURRENT_USER, and means whoever sent it.
	Invoker bool

	at, whole span
}

// AccountAct is what a statement does to the accounts that it names.
type AccountAct int

// The acts.
const (
	ChangeAccount AccountAct = iota // ALTER USER, SET DEFAULT ROLE
	CreateAccount                   // CREATE USER, CREATE ROLE
	DropAccount                     // DROP USER, DROP ROLE
	RenameAccount                   // RENAME USER
	GrantTo                         // GRANT
	RevokeFrom                      // REVOKE
)

// AccountChange is what a statement of kind Account says. Its text is a secret, it may hold a password's hash:
// the error of reading it does not show it.
type AccountChange struct {
	Act      AccountAct
	Accounts []AccountRef
	// Privileges of GRANT and REVOKE, in capitals and without columns; On is what they are granted on, in full
	// and without its keyword: *.*, `s`.*, `s`.`t`; empty where roles or PROXY are granted.
	Privileges []string
	On         string
	// Routine is PROCEDURE or FUNCTION where a routine is granted, Object its name or that of the table; zero
	// for grants on all or on a schema.
	Routine string
	Object  schema.Name
	// Everything: REVOKE ALL PRIVILEGES, GRANT OPTION, which needs no object.
	Everything bool

	statement *Statement
	onAt      span
}

var (
	errAccountText    = errors.New("the statement about accounts is not understood")
	errAccountCharset = errors.New("it may name accounts in UTF-8, as the server writes them, and in the character set of its client")
)

// AccountChange reads a statement of kind Account.
func (s *Statement) AccountChange() (AccountChange, error) {
	p := &accountParser{parser: parser{lexed: s.lex, s: s}}
	p.c.statement = s
	if !p.read() || p.c.Accounts == nil {
		return AccountChange{}, fmt.Errorf("%s: %w", s.Verb, errAccountText)
	}
	if mixed, err := p.mixed(); err != nil || mixed {
		return AccountChange{}, fmt.Errorf("%s: %w", s.Verb, cmp.Or(err, errAccountCharset))
	}
	return p.c, nil
}

// mixed tells whether names may stand in the text in another character set than the rest. The server spells the
// accounts of CREATE USER, ALTER USER, and GRANT and REVOKE of privileges, and logs the statement as one of the
// client's character set (measured on 9.7); other statements are as the client sent them.
func (p *accountParser) mixed() (bool, error) {
	cs, err := clientCharset(p.s.session.ClientCharset)
	if err != nil || cs == nil || isASCII([]byte(p.s.Text)) {
		return false, err
	}
	return p.spelled || p.c.On != "" || slices.Contains(p.c.Privileges, "PROXY"), nil
}

type accountParser struct {
	parser
	c       AccountChange
	spelled bool // a CREATE USER or ALTER USER
}

func (p *accountParser) read() bool {
	for p.acceptPunct(';') {
	}
	p.spelled = p.isWords(p.i, "CREATE", "USER") || p.isWords(p.i, "ALTER", "USER")
	switch {
	case p.accept("CREATE", "USER"), p.accept("CREATE", "ROLE"):
		p.c.Act = CreateAccount
		p.accept("IF", "NOT", "EXISTS")
		return p.accounts()
	case p.accept("ALTER", "USER"):
		p.accept("IF", "EXISTS")
		return p.accounts()
	case p.accept("DROP", "USER"), p.accept("DROP", "ROLE"):
		p.c.Act = DropAccount
		p.accept("IF", "EXISTS")
		return p.accounts()
	case p.accept("RENAME", "USER"):
		p.c.Act = RenameAccount
		return p.accounts()
	case p.accept("SET", "DEFAULT", "ROLE"):
		return p.skipTo("TO") && p.accounts()
	case p.accept("GRANT"):
		p.c.Act = GrantTo
		return p.granted("TO") && p.accounts()
	case p.accept("REVOKE"):
		p.c.Act = RevokeFrom
		p.accept("IF", "EXISTS")
		return p.granted("FROM") && p.accounts()
	}
	return false // SET PASSWORD is logged as ALTER USER (fact 8.8)
}

// skipTo consumes everything up to a word outside of parentheses, and the word.
func (p *accountParser) skipTo(word string) bool {
	for depth := 0; !p.done(); p.i++ {
		switch {
		case p.isPunct(p.i, '('):
			depth++
		case p.isPunct(p.i, ')'):
			depth--
		case depth == 0 && p.accept(word):
			return true
		}
	}
	return false
}

// granted reads what is granted, up to the word in front of the accounts.
func (p *accountParser) granted(before string) bool {
	from := p.i
	end, on := -1, -1
	for i, depth := from, 0; i < len(p.tokens) && end < 0; i++ {
		switch {
		case p.isPunct(i, '('):
			depth++
		case p.isPunct(i, ')'):
			depth--
		case depth == 0 && on < 0 && p.isWord(i, "ON"):
			on = i
		case depth == 0 && p.isWord(i, before):
			end = i
		}
	}
	if end < 0 {
		return false
	}
	p.i = end + 1
	list := end
	if on >= 0 {
		list = on
	}
	for _, item := range p.list(from, list) {
		p.c.Privileges = append(p.c.Privileges, p.privilege(item))
	}
	p.c.Everything = on < 0 && slices.Contains(p.c.Privileges, "GRANT OPTION")
	if on < 0 || slices.Equal(p.c.Privileges, []string{"PROXY"}) {
		return true
	}
	return p.on(on+1, end)
}

// privilege is one item of the list without its columns.
func (p *accountParser) privilege(item span) string {
	var words []string
	for i := item.start; i < item.end && !p.isPunct(i, '('); i++ {
		words = append(words, strings.ToUpper(p.raw(i)))
	}
	return strings.Join(words, " ")
}

// on reads what stands behind ON.
func (p *accountParser) on(from, end int) bool {
	if p.isWord(from, "TABLE") && from+1 < end && p.isIdentifier(from+1) {
		from++
	}
	for _, kind := range []string{"PROCEDURE", "FUNCTION", "LIBRARY"} {
		if p.isWord(from, kind) && from+1 < end && p.isIdentifier(from+1) {
			p.c.Routine = kind
			from++
			break
		}
	}
	p.c.onAt = span{p.tokens[from].start, p.tokens[end-1].end}
	switch {
	case p.isPunct(from, '*') && end-1 == from: // of the default schema
		p.c.On = schema.Quote(p.s.session.Schema) + ".*"
		return true
	case p.isPunct(from, '*'):
		p.c.On = "*.*"
		return true
	case p.isPunct(end-1, '*') && p.isIdentifier(from):
		p.c.On = schema.Quote(p.identifier(from)) + ".*"
		return true
	}
	after := p.i
	p.i = from
	name, _, ok := p.name()
	p.i = after
	p.c.Object, p.c.On = name, name.Quoted()
	return ok
}

// accounts reads the list of accounts, each with what belongs to it.
func (p *accountParser) accounts() bool {
	end := p.i
	for end < len(p.tokens) && !p.endsAccounts(end) {
		end++
	}
	for _, item := range p.list(p.i, end) {
		p.i = item.start
		ref, ok := p.account()
		if !ok {
			return false
		}
		if p.c.Act == RenameAccount {
			if !p.accept("TO") {
				return false
			}
			to, ok := p.account()
			if !ok {
				return false
			}
			ref.RenamedTo = to.Name
		}
		ref.whole = span{p.tokens[item.start].start, p.tokens[item.end-1].end}
		p.c.Accounts = append(p.c.Accounts, ref)
	}
	return true
}

// endsAccounts tells whether token i begins what belongs to all accounts of the statement.
func (p *accountParser) endsAccounts(i int) bool {
	if p.isPunct(i, ';') || p.isWord(i, "WITH") && !p.isWord(i-1, "IDENTIFIED") {
		return true
	}
	switch p.c.Act {
	case GrantTo:
		return p.isWord(i, "AS")
	case RevokeFrom:
		return p.isWord(i, "IGNORE")
	case CreateAccount, ChangeAccount:
		for _, words := range allAccounts {
			if p.isWords(i, words...) {
				return true
			}
		}
	case DropAccount, RenameAccount:
	}
	return false
}

// allAccounts are the words with which begins what CREATE USER and ALTER USER say of all their accounts.
var allAccounts = [][]string{
	{"DEFAULT", "ROLE"}, {"REQUIRE"}, {"PASSWORD", "EXPIRE"}, {"PASSWORD", "HISTORY"}, {"PASSWORD", "REUSE"}, {"PASSWORD", "REQUIRE"},
	{"PASSWORD_LOCK_TIME"}, {"FAILED_LOGIN_ATTEMPTS"}, {"ACCOUNT", "LOCK"}, {"ACCOUNT", "UNLOCK"}, {"COMMENT"}, {"ATTRIBUTE"},
}

// account consumes user, user@host, or CURRENT_USER.
func (p *accountParser) account() (ref AccountRef, ok bool) {
	if p.done() || !p.isIdentifier(p.i) && p.tokens[p.i].kind != stringLit {
		return ref, false
	}
	ref.at = span{p.tokens[p.i].start, p.tokens[p.i].end}
	if p.accept("CURRENT_USER") {
		if p.acceptPunct('(') && !p.acceptPunct(')') {
			return ref, false
		}
		ref.Invoker = true
		ref.at.end = p.tokens[p.i-1].end
		return ref, true
	}
	ref.Name = AccountName{User: p.value(p.i), Host: "%"}
	p.i++
	if !p.acceptPunct('@') || p.done() {
		return ref, true
	}
	// A host without quotes may have dots and dashes in it: tokens without blanks between them.
	host := span{p.tokens[p.i].start, p.tokens[p.i].end}
	ref.Name.Host = p.value(p.i)
	if kind := p.tokens[p.i].kind; kind != stringLit && kind != quoted {
		for p.i+1 < len(p.tokens) && p.tokens[p.i+1].start == host.end && !p.isPunct(p.i+1, ',') && !p.isPunct(p.i+1, ';') {
			p.i++
			host.end = p.tokens[p.i].end
		}
		ref.Name.Host = p.text[host.start:host.end]
	}
	ref.Name.Host = strings.ToLower(ref.Name.Host) // as servers store it
	ref.at.end = p.tokens[p.i].end
	p.i++
	return ref, true
}

// For returns the statement for those of its accounts for which name says so, with the names that it gives
// them, and the name of what is granted in full; empty where no account is left.
func (c AccountChange) For(name func(AccountRef) (AccountName, bool)) string {
	s := c.statement
	var kept []string
	for _, a := range c.Accounts {
		called, keep := name(a)
		if !keep {
			continue
		}
		text := s.Text[a.whole.start:a.whole.end]
		if a.Invoker || called != a.Name {
			text = called.String() + s.Text[a.at.end:a.whole.end]
		}
		kept = append(kept, text)
	}
	if len(kept) == 0 {
		return ""
	}
	first, last := c.Accounts[0], c.Accounts[len(c.Accounts)-1]
	head := s.Text[:first.whole.start]
	if !c.onAt.empty() {
		head = s.Text[:c.onAt.start] + c.On + s.Text[c.onAt.end:first.whole.start]
	}
	return head + strings.Join(kept, ", ") + s.Text[last.whole.end:]
}

// Statements cuts a text into its statements, at the semicolons outside of quotes and comments.
func Statements(text string, session Session) []string {
	l := lex(text, session)
	var list []string
	start := 0
	for i, t := range l.tokens {
		if !l.isPunct(i, ';') {
			continue
		}
		if one := strings.TrimSpace(text[start:t.start]); one != "" {
			list = append(list, one)
		}
		start = t.end
	}
	if one := strings.TrimSpace(text[start:]); one != "" {
		list = append(list, one)
	}
	return list
}

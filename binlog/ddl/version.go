package ddl

import "strings"

// serverVersion decides which versioned comments a server executed. The zero value executed
// all of them: that is how SHOW CREATE output is read.
type serverVersion struct {
	number  int // 90704 for 9.7.4, 101119 for 10.11.19; 0 where unknown
	mariadb bool
	mysql   bool
}

func parseServerVersion(flavor, version string) serverVersion {
	v := serverVersion{mariadb: strings.EqualFold(flavor, "mariadb"), mysql: strings.EqualFold(flavor, "mysql")}
	if !v.mariadb && strings.Contains(strings.ToLower(version), "mariadb") {
		v.mariadb, v.mysql = true, false
	}
	if flavor == "" && version != "" && !v.mariadb {
		v.mysql = true
	}
	var part [3]int
	n := 0
	for i := 0; i < len(version) && n < 3; i++ {
		switch c := version[i]; {
		case isDigit(c) && part[n] < 1000:
			part[n] = part[n]*10 + int(c-'0')
		case c == '.':
			n++
		default:
			n = 3
		}
	}
	v.number = part[0]*10000 + part[1]*100 + part[2]
	return v
}

// executes tells whether the inside of /*!version .. */ (or /*M!version .. */) was code.
// MariaDB takes 5.07.00 to 9.99.99 for MySQL's own and skips them.
func (v serverVersion) executes(version int, mariadbOnly bool) bool {
	if mariadbOnly && v.mysql {
		return false
	}
	if v.mariadb && !mariadbOnly && version >= 50700 && version <= 99999 {
		return false
	}
	return v.number == 0 || version <= v.number
}

// commentDigits is how many digits at most are the version of a comment: MySQL before 5.7
// took five, everything later up to six.
func (v serverVersion) commentDigits() int {
	if v.number > 0 && v.number < 50700 {
		return 5
	}
	return 6
}

// dollarQuotes tells whether $tag$..$tag$ is a string.
func (v serverVersion) dollarQuotes() bool { return !v.mariadb && (v.number == 0 || v.number >= 90000) }

// inlineReferences tells whether REFERENCES behind a column's definition makes a foreign key.
// MySQL parsed and forgot it up to 8.4; 9.0 and MariaDB honour it.
func (v serverVersion) inlineReferences() bool {
	return v.mariadb || v.number == 0 || v.number >= 90000
}

// checks tells whether a CHECK is kept. MySQL parsed and forgot it up to 8.0.15.
func (v serverVersion) checks() bool { return v.mariadb || v.number == 0 || v.number >= 80016 }

// descendingKeys tells whether DESC in a key is kept.
func (v serverVersion) descendingKeys() bool {
	if v.mariadb {
		return v.number == 0 || v.number >= 100800
	}
	return v.number == 0 || v.number >= 80000
}

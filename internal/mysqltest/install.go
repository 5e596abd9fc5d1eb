package mysqltest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
)

// ErrNoServer is wrapped by every error of [Find] that installing a server mends.
var ErrNoServer = errors.New("no server to test with: run make servers")

// Install is an installed server: the programs, not a running process.
type Install struct {
	// Kind is which of the servers it is.
	Kind Kind
	// Mysqld is the absolute path of the server program.
	Mysqld string
	// Version is what it says of itself, such as "9.7.4".
	Version string

	// root is the private root folder that holds the program, empty for a server the user named: that one knows
	// where its own files are.
	root string
	// templates is where template data directories are kept.
	templates string
}

// Find returns the server of a kind: the one that the kind's variable names (TRIPOD_TEST_MYSQLD for MySQL 9.7), else the
// one under .servers in the folder of the nearest go.mod above the working directory. The error wraps [ErrNoServer]
// when there is none.
func Find(kind Kind) (Install, error) {
	of := kinds[kind]
	project, projectErr := projectFolder()
	i := Install{Kind: kind, templates: filepath.Join(project, ".servers")}
	if projectErr != nil {
		i.templates = filepath.Join(os.TempDir(), fmt.Sprintf("tripod-servers-%d", os.Getuid()))
	}
	if named := os.Getenv(of.variable); named != "" {
		return i.at(named)
	}
	missing := fmt.Errorf("%w, or set %s=/path/to/%s", ErrNoServer, of.variable, of.program)
	if projectErr != nil {
		return Install{}, fmt.Errorf("%w (%w)", missing, projectErr)
	}
	i.root = filepath.Join(project, ".servers", of.folder)
	// The stamp is written last: without it an installation is unfinished.
	if _, err := os.Stat(filepath.Join(i.root, "stamp")); err != nil {
		return Install{}, fmt.Errorf("%w (%w)", missing, err)
	}
	return i.at(filepath.Join(i.root, "bin", of.program))
}

// projectFolder returns the folder of the nearest go.mod at or above the working directory.
func projectFolder() (string, error) {
	working, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the project folder: %w", err)
	}
	for dir := working; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("find the project folder: no go.mod at or above %s", working)
		}
	}
}

// serverVersion takes "9.7.4" out of "/path/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))".
var serverVersion = regexp.MustCompile(`Ver ([0-9]+\.[0-9]+\.[0-9]+)`)

// at completes an installation whose server program is known.
func (i Install) at(mysqld string) (Install, error) {
	mysqld, err := filepath.Abs(mysqld)
	if err != nil {
		return Install{}, fmt.Errorf("find %s: %w", mysqld, err)
	}
	version, err := versionOf(mysqld)
	if err != nil {
		return Install{}, err
	}
	i.Mysqld, i.Version = mysqld, version
	return i, nil
}

// versions are those of the programs that were asked: each is asked once, which costs as much as a tenth of a start.
var versions sync.Map

func versionOf(mysqld string) (string, error) {
	if known, ok := versions.Load(mysqld); ok {
		return known.(string), nil
	}
	out, err := exec.CommandContext(context.Background(), mysqld, "--no-defaults", "--version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w (%s --version: %w: %s)", ErrNoServer, mysqld, err, out)
	}
	version := serverVersion.FindSubmatch(out)
	if version == nil {
		return "", fmt.Errorf("%w (%s is no MySQL server: its --version is %q)", ErrNoServer, mysqld, out)
	}
	versions.Store(mysqld, string(version[1]))
	return string(version[1]), nil
}

// Program returns the path of a program that belongs to the server: mysql, mysqlbinlog, mysqldump, mysqladmin; mariadb,
// mariadb-binlog, mariadb-dump. MySQL 5.6 brings none.
func (i Install) Program(name string) (string, error) {
	beside := filepath.Join(filepath.Dir(i.Mysqld), name)
	if _, err := os.Stat(beside); err == nil {
		return beside, nil
	}
	// A server that came as a distribution's package has its clients in another folder of the PATH.
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("find %s of %s: %w", name, i.Mysqld, err)
	}
	return path, nil
}

// Tools returns the folder with the programs that a restore by hand needs beside the server's own: jq and zstd. The
// error says what installs them.
func Tools() (string, error) {
	project, err := projectFolder()
	if err != nil {
		return "", err
	}
	tools := filepath.Join(project, ".servers", "tools")
	if _, err := os.Stat(filepath.Join(tools, "stamp")); err != nil {
		return "", fmt.Errorf("find jq and zstd: run make servers (%w)", err)
	}
	return filepath.Join(tools, "bin"), nil
}

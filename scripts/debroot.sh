#!/usr/bin/env bash
# Unpacks Debian packages and everything they depend on into a private folder.
#
#   debroot.sh SUITE ROOT PACKAGE...
#
# Nothing of the machine changes: no package is installed, no service is started, no dpkg or apt lock is taken, and
# SUITE may be another Debian release than the machine's own. ROOT is replaced as a whole. The mirror is the one
# in the machine's own apt sources; TRIPOD_DEBIAN_MIRROR names another one.
#
# apt's lists and the downloaded packages stay beside ROOT in ROOT.apt until the unpacking has succeeded, so an
# interrupted run goes on where it ended.
set -euo pipefail

if [ $# -lt 3 ]; then
	echo "usage: debroot.sh SUITE ROOT PACKAGE..." >&2
	exit 2
fi
suite=$1 root=$2
shift 2

die() {
	echo "debroot: $*" >&2
	exit 1
}

for tool in apt-get dpkg dpkg-deb; do
	command -v "$tool" >/dev/null || die "$tool is not on this machine: private servers need a Debian-like one (or name your own server with TRIPOD_TEST_MYSQLD)"
done

# source_uris prints every repository address in the machine's apt sources: deb822 (.sources) and one-line (.list).
source_uris() {
	local parts=/etc/apt/sources.list.d
	cat $parts/*.sources 2>/dev/null | sed -n 's/^[Uu][Rr][Ii][Ss]:[[:space:]]*//p' | tr -s ' \t' '\n\n' || true
	cat /etc/apt/sources.list $parts/*.list 2>/dev/null |
		sed -n -E 's/^[[:space:]]*deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+)[[:space:]].*/\2/p' || true
}

# expand_uris replaces an address of apt's mirror method (cloud images have it) by the addresses in its list.
expand_uris() {
	local uri
	while read -r uri; do
		case $uri in
		mirror+file:*) sed -n -E 's/^[[:space:]]*([a-z+]+:[^[:space:]]+).*/\1/p' "${uri#mirror+file:}" 2>/dev/null || true ;;
		*) echo "$uri" ;;
		esac
	done
}

# The main archive's address ends in /debian, a snapshot's in /archive/debian/<time>; debian-security's does not.
mirror=${TRIPOD_DEBIAN_MIRROR:-$(source_uris | expand_uris | sed 's,/*$,,' | grep -m1 -E '/debian(/[0-9TZ]+)?$' || true)}
[ -n "$mirror" ] || die "no Debian mirror in /etc/apt/sources.list or /etc/apt/sources.list.d (its address ends in /debian); set TRIPOD_DEBIAN_MIRROR"

signed_by=
for keyring in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
	if [ -e "$keyring" ]; then
		signed_by="[signed-by=$keyring] "
		break
	fi
done

state=$root.apt
mkdir -p "$state"/{lists/partial,archives/partial}
: >"$state/status"
echo "deb ${signed_by}$mirror $suite main" >"$state/sources.list"

# An empty status file makes apt resolve all dependencies into ROOT; a cache of our own is out of reach of hooks
# that clean the machine's one.
apt() {
	apt-get -q -y \
		-o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::State::lists="$state/lists" \
		-o Dir::Cache="$state" -o Dir::Cache::archives="$state/archives" \
		-o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o Debug::NoLocking=true -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none \
		-o Acquire::Retries=3 -o APT::Install-Recommends=false -o APT::Get::AllowUnauthenticated=false \
		-o APT::Update::Error-Mode=any -o APT::Update::Post-Invoke::= -o DPkg::Post-Invoke::= "$@"
}

log=$state/log
apt update >"$log" 2>&1 || {
	tail -n 5 "$log" >&2
	die "apt-get update for $suite failed"
}
# What an interrupted run left of versions that the mirror has replaced since must not be unpacked beside the new ones.
apt autoclean >"$log" 2>&1 || true
apt install --download-only "$@" >"$log" 2>&1 || {
	tail -n 5 "$log" >&2
	die "$suite does not deliver: $*"
}

rm -rf "$root.unpacking"
mkdir -p "$root.unpacking"
for deb in "$state"/archives/*.deb; do
	dpkg-deb -x "$deb" "$root.unpacking"
done
rm -rf "$root"
mv "$root.unpacking" "$root"
rm -rf "$state"

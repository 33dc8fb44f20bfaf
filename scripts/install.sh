#!/bin/sh
# Installs gonkagate-setup on Linux, macOS and WSL, and starts it:
#
#   curl -fsSL https://github.com/GonkaGate/gonkagate-setup/releases/latest/download/install.sh | sh
#   curl -fsSL .../install.sh | sh -s -- --scope user
#
# It installs one program into ~/.local/bin, after checking its SHA-256, and edits nothing else. `--help` lists the
# options. Everything is inside one { ... }, which a shell reads to its end before it runs any of it: a
# download that was cut off has no effect.
{
	# zsh splits words and traps signals as sh does only when told to, which resets what `set` set before.
	[ -z "${ZSH_VERSION:-}" ] || emulate sh
	set -eu

	PROGRAM=gonkagate-setup
	RELEASES=${GONKAGATE_SETUP_RELEASES:-https://github.com/GonkaGate/gonkagate-setup/releases}
	# What the native Linux binaries are built on (.github/workflows/release.yml).
	MINIMUM_GLIBC=2.35

	usage() {
		cat <<'USAGE'
Installs gonkagate-setup and starts it.

  curl -fsSL .../install.sh | sh -s -- [OPTION ...] [-- SETUP OPTION ...]

  --dir DIR       where to install it (default: ~/.local/bin)
  --version X     this release instead of the newest
  --pyz           the .pyz, which needs Python 3.9 or newer, even if a native binary exists
  --no-run        install only
  --uninstall     remove what this script installed
  --help          this text

Options that are not in this list are passed to gonkagate-setup, for example: --scope user
USAGE
	}

	say() {
		printf '%s\n' "$PROGRAM: $*" >&2
	}

	fail() {
		say "$*"
		exit 1
	}

	has() {
		command -v "$1" >/dev/null 2>&1
	}

	# The name of the native binary for this machine; nothing, with the reason in $why_not, if there is none.
	native_asset() {
		machine=$(uname -m)
		case $(uname -s) in
		Linux)
			system=linux
			[ "$(getconf LONG_BIT 2>/dev/null || echo 64)" = 64 ] || machine=32-bit
			glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null || true)
			if [ -z "$glibc" ]; then
				why_not="the native binary needs glibc, and this system has another C library"
				return
			fi
			if ! at_least "${glibc#* }" "$MINIMUM_GLIBC"; then
				why_not="the native binary needs glibc $MINIMUM_GLIBC, and this system has ${glibc#* }"
				return
			fi
			;;
		Darwin)
			system=macos
			# Under Rosetta, uname says x86_64 on a machine that is not.
			[ "$(sysctl -n sysctl.proc_translated 2>/dev/null || true)" != 1 ] || machine=arm64
			;;
		*)
			why_not="there is no native binary for $(uname -s)"
			return
			;;
		esac
		case $machine in
		x86_64 | amd64) asset=$PROGRAM-$system-x86_64 ;;
		arm64 | aarch64) asset=$PROGRAM-$system-arm64 ;;
		*) why_not="there is no native binary for $system on $machine" ;;
		esac
	}

	# at_least 2.36 2.35: compares major.minor
	at_least() {
		have_minor=${1#*.}
		need_minor=${2#*.}
		[ "${1%%.*}" -gt "${2%%.*}" ] ||
			{ [ "${1%%.*}" -eq "${2%%.*}" ] && [ "${have_minor%%.*}" -ge "${need_minor%%.*}" ]; }
	}

	# Ends the script unless `python3` can run the .pyz.
	require_python() {
		# Without the developer tools, Apple's python3 is a stub that opens a dialogue.
		if ! has python3 || { [ "$(command -v python3)" = /usr/bin/python3 ] && [ "$(uname -s)" = Darwin ] &&
			! xcode-select -p >/dev/null 2>&1; }; then
			fail "$PROGRAM.pyz needs Python 3.9 or newer, and there is no python3 here; install Python first." \
				"Nothing was installed."
		fi
		if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' </dev/null >/dev/null 2>&1; then
			fail "$PROGRAM.pyz needs Python 3.9 or newer, and $(command -v python3) is" \
				"$(python3 --version 2>&1 </dev/null | head -n 1); put a newer python3 first on PATH. Nothing was installed."
		fi
	}

	# download URL FILE
	download() {
		has curl || fail "this needs curl for the download, and there is none here. Nothing was installed."
		curl --proto "=$scheme" --tlsv1.2 --connect-timeout 30 --fail --silent --show-error --location \
			--output "$2" "$1" </dev/null || fail "could not download $1. Nothing was installed."
	}

	sha256_of() {
		case $hasher in
		sha256sum) sum=$(sha256sum <"$1") ;;
		shasum) sum=$(shasum -a 256 <"$1") ;;
		openssl) sum=$(openssl dgst -sha256 -r <"$1") ;;
		esac
		printf '%s' "${sum%% *}"
	}

	choose_hasher() {
		for hasher in sha256sum shasum openssl; do
			! has "$hasher" || return 0
		done
		fail "this needs sha256sum, shasum or openssl to check files, and there is none here. Nothing was changed."
	}

	is_sha256() {
		case $1 in
		*[!0-9a-f]*) return 1 ;;
		esac
		[ "${#1}" -eq 64 ]
	}

	# Sets $expected to the one checksum that $work/SHA256SUMS has for the asset $1.
	find_checksum() {
		expected=
		while read -r sum name rest || [ -n "$sum" ]; do
			[ "${name#\*}" = "$1" ] || continue
			[ -z "$expected" ] || fail "SHA256SUMS of this release names $1 twice. Nothing was installed."
			if ! is_sha256 "$sum" || [ -n "$rest" ]; then
				fail "SHA256SUMS of this release has a malformed line for $1. Nothing was installed."
			fi
			expected=$sum
		done <"$work/SHA256SUMS"
		[ -n "$expected" ] || fail "SHA256SUMS of this release does not name $1. Nothing was installed."
	}

	# Downloads the asset $1 as $work/program and checks it.
	fetch() {
		find_checksum "$1"
		download "$url/$1" "$work/program"
		actual=$(sha256_of "$work/program")
		[ "$actual" = "$expected" ] ||
			fail "$url/$1 does not match its checksum ($actual instead of $expected). Nothing was installed."
		chmod 755 "$work/program" || fail "cannot make $1 executable in $dir. Nothing was installed."
	}

	# Sets $answer to what the downloaded program prints for --version.
	runs() {
		answer=$(TMPDIR=${tried:-${TMPDIR:-/tmp}} "$work/program" --version </dev/null 2>/dev/null || true)
		case "$answer " in
		"$PROGRAM ${version:+$version }"*) return 0 ;;
		*) return 1 ;;
		esac
	}

	# The native binary unpacks into the temporary folder. If that is full or noexec, it fails and is left
	# unpacked there, so it is tried in a folder of its own.
	native_runs() {
		guard_off
		tried=$(mktemp -d "${TMPDIR:-/tmp}/$PROGRAM-try.XXXXXX" 2>/dev/null) || tried=
		guard_on
		[ -n "$tried" ] && runs
		ran=$?
		[ -z "$tried" ] || rm -rf "$tried"
		tried=
		return "$ran"
	}

	# Whether the file at the destination is one that this script put there, unchanged since.
	is_ours() {
		[ -f "$target" ] && [ ! -L "$target" ] && [ -f "$receipt" ] &&
			grep -q "^$(sha256_of "$target")\$" "$receipt"
	}

	make_folder() {
		outermost=
		folder=$dir
		while [ ! -d "$folder" ]; do
			outermost=$folder
			folder=$(dirname "$folder")
		done
		mkdir -p "$dir" || fail "cannot make the folder $dir; choose another with --dir. Nothing was installed."
	}

	# Whether the new program is in place; one rename puts it there.
	# shellcheck disable=SC2329 # the two that traps call, call it
	in_place() {
		"$placing" && { [ -z "$work" ] || [ ! -e "$work/program" ]; }
	}

	guard_on() {
		trap 'interrupted 129' HUP
		trap 'interrupted 130' INT
		trap 'interrupted 143' TERM
	}

	# While a folder is made whose name is not known before.
	guard_off() {
		trap '' HUP INT TERM
	}

	# shellcheck disable=SC2329 # guard_on sets traps that call it
	interrupted() {
		guard_off
		if ! in_place; then
			say "interrupted. Nothing was installed."
		elif [ -n "$work" ]; then
			say "interrupted; $target is installed."
		fi
		exit "$1"
	}

	# shellcheck disable=SC2329 # main sets a trap that calls it
	clean_up() {
		[ -z "$tried" ] || rm -rf "$tried"
		if in_place; then
			outermost=
		elif "$placing"; then
			if [ -e "$work/before" ]; then mv -f "$work/before" "$receipt"; else rm -f "$receipt"; fi
		fi
		[ -z "$work" ] || rm -rf "$work"
		# Remove folders that were made for nothing, from the innermost to the outermost.
		folder=$dir
		while [ -n "$outermost" ] && { rmdir "$folder" 2>/dev/null || [ ! -e "$folder" ]; }; do
			[ "$folder" != "$outermost" ] || break
			folder=$(dirname "$folder")
		done
	}

	install() {
		if { [ -e "$target" ] || [ -L "$target" ]; } && ! is_ours; then
			fail "$target already exists, and this script did not install it (or it was changed since)." \
				"Move it away, or choose another folder with --dir. Nothing was installed."
		fi
		make_folder
		guard_off
		work=$(mktemp -d "$dir/.$PROGRAM-install.XXXXXX") ||
			fail "cannot write to $dir; choose another folder with --dir. Nothing was installed."
		guard_on
		download "$url/SHA256SUMS" "$work/SHA256SUMS"
		asset=
		why_not="--pyz was given"
		"$pyz" || native_asset
		if [ -n "$asset" ]; then
			fetch "$asset"
			native_runs || {
				why_not="the native binary does not run here (often: the temporary folder is full or mounted noexec)"
				asset=
			}
		fi
		if [ -z "$asset" ]; then
			"$pyz" || say "$why_not; using the .pyz"
			require_python
			fetch "$PROGRAM.pyz"
			runs || fail "the .pyz does not run from $dir (often because it is mounted noexec);" \
				"choose another with --dir. Nothing was installed."
		fi
		put_in_place
	}

	# The receipt comes first, with the checksum of the program that is there too: until the program is renamed,
	# clean_up takes the receipt back.
	put_in_place() {
		write_receipt || fail "cannot write to $dir. Nothing was installed."
		placing=true
		mv -f "$work/receipt" "$receipt" || fail "cannot write $receipt. Nothing was installed."
		mv -f "$work/program" "$target" || fail "cannot put $target in place. Nothing was installed."
		say "installed $target ($answer)"
		rm -rf "$work"
		work=
		case :$PATH: in
		*:"$dir":*) ;;
		*) say "$dir is not on your PATH; to start it by name: export PATH=\"$dir:\$PATH\"" ;;
		esac
	}

	write_receipt() {
		if [ -f "$receipt" ]; then
			cat "$receipt" >"$work/before" || return 1
		fi
		if is_ours; then
			printf '%s\n' "$(sha256_of "$target")" >"$work/receipt" || return 1
		fi
		printf '%s\n' "$expected" >>"$work/receipt"
	}

	uninstall() {
		if [ ! -e "$target" ] && [ ! -L "$target" ]; then
			rm -f "$receipt"
			say "there is no $target to remove"
		elif is_ours; then
			rm -f "$target" "$receipt"
			say "removed $target; what it set up for opencode is kept"
		else
			fail "$target was not installed by this script, or was changed since; it is kept."
		fi
	}

	# Starts the setup. If this script came through standard input, questions are read from the terminal.
	start() {
		case $- in
		*s*) ;;
		*)
			"$target" "$@"
			return
			;;
		esac
		if (: </dev/tty) 2>/dev/null; then
			"$target" "$@" </dev/tty
		else
			"$target" "$@" </dev/null
		fi
	}

	value_of() {
		[ "$2" -ge 2 ] && [ -n "$3" ] || fail "$1 needs a value. Nothing was installed."
	}

	main() {
		dir=
		version=
		pyz=false
		run=true
		action=install
		work=
		tried=
		placing=false
		outermost=
		left=$#
		# Options of the setup are moved to the end of the list, one by one; at the end only those are left.
		while [ "$left" -gt 0 ]; do
			case $1 in
			--dir | --version)
				value_of "$1" "$left" "${2-}"
				if [ "$1" = --dir ]; then dir=$2; else version=${2#v}; fi
				[ "$2" != v ] || [ "$1" = --dir ] || fail "v is not a version. Nothing was installed."
				shift
				left=$((left - 1))
				;;
			--pyz) pyz=true ;;
			--no-run) run=false ;;
			--uninstall) action=uninstall ;;
			--help | -h)
				usage
				exit 0
				;;
			--)
				shift
				left=$((left - 1))
				while [ "$left" -gt 0 ]; do
					set -- "$@" "$1"
					shift
					left=$((left - 1))
				done
				break
				;;
			*) set -- "$@" "$1" ;;
			esac
			shift
			left=$((left - 1))
		done
		if [ -z "$dir" ]; then
			[ -n "${HOME:-}" ] || fail "HOME is not set; say where to install with --dir. Nothing was installed."
			dir=$HOME/.local/bin
		fi
		case $dir in
		/*) ;;
		*) dir=$(pwd)/$dir ;;
		esac
		choose_hasher
		target=$dir/$PROGRAM
		receipt=$dir/.$PROGRAM.installed
		if [ "$action" = uninstall ]; then
			uninstall
			exit 0
		fi
		check_source
		trap clean_up EXIT
		guard_on
		install
		"$run" || exit 0
		start "$@"
	}

	# Sets $url and $scheme. Plain http is for this machine only, which is how the tests serve a release.
	check_source() {
		scheme=https
		case $RELEASES in
		https://*) ;;
		http://127.0.0.1:* | http://localhost:*) scheme=http ;;
		*) fail "GONKAGATE_SETUP_RELEASES must start with https://. Nothing was installed." ;;
		esac
		case $version in
		*[!0-9A-Za-z.+-]*) fail "$version is not a version. Nothing was installed." ;;
		"") url=$RELEASES/latest/download ;;
		*) url=$RELEASES/download/v$version ;;
		esac
	}

	main "$@"
	exit $?
}

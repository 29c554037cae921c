#!/bin/sh
# Sets up a Meson build folder, or brings it up to date when files were added or removed, or the library of the tests came:
# configure.sh FOLDER [OPTION…]. The folders below have options of their own.
set -eu
cd "$(dirname "$0")/.."
folder=$1
shift
[ $# -gt 0 ] || case $folder in # tests, lint and fuzzing share them, so that each file is compiled once by each compiler
build-gcc) CC=gcc; set -- -Dwerror=true -Dc_args=-g1 ;; # a third of the time of a compilation is for what a debugger wants
build-clang) CC=clang; set -- -Dwerror=true -Dtests=enabled -Dfuzzers=true -Db_sanitize=address,undefined
	! command -v ld.lld >/dev/null 2>&1 || set -- "$@" -Dc_link_args=-fuse-ld=lld ;; # 190 programs are linked, in half of the time
build-tsan) set -- -Db_sanitize=thread ;;
build-cover) set -- -Db_coverage=true ;;
esac
[ -z "${CC:-}" ] || export CC
files=$(find src tests fuzz bench web examples -name node_modules -prune -o -type f -print 2>/dev/null | LC_ALL=C sort | cksum; printf '%s %s' "$*" "$(pkg-config --modversion cmocka 2>/dev/null)")
log=$(mktemp)
if [ ! -f "$folder/build.ninja" ]; then
	meson setup "$folder" "$@" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
elif [ "$(cat "$folder/files.txt" 2>/dev/null)" != "$files" ]; then
	meson setup --reconfigure "$folder" "$@" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
fi
printf '%s' "$files" >"$folder/files.txt"
rm -f "$log"

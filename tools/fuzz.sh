#!/bin/sh
# Each fuzzer for SECONDS under ASan and UBSan (clang): fuzz.sh SECONDS [NAME…]. New inputs are kept in build-fuzz/corpus/NAME.
set -eu
cd "$(dirname "$0")/.."
seconds=$1
shift
CC=clang tools/configure.sh build-fuzz -Db_sanitize=address,undefined -Dfuzzers=true -Dtests=disabled
ninja -C build-fuzz --quiet
export LSAN_OPTIONS="suppressions=$PWD/fuzz/leaks-of-others.txt:print_suppressions=0"
status=0
for program in build-fuzz/fuzz/fuzz_*; do
	[ -x "$program" ] && [ -f "$program" ] || continue
	name=$(basename "$program")
	[ $# -eq 0 ] || case " $* " in *" ${name#fuzz_} "*) ;; *) continue ;; esac
	mkdir -p "build-fuzz/corpus/$name"
	seeds=
	for folder in "$name" "${name%%_dialect_*}_dialect"; do
		[ -z "$seeds" ] && [ -d "fuzz/seeds/$folder" ] && [ "$name" != "${name#"$folder"}" ] && seeds=fuzz/seeds/$folder
	done
	if "$program" -max_total_time="$seconds" -max_len=65536 -timeout=120 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="build-fuzz/$name-" \
		"build-fuzz/corpus/$name" $seeds >"build-fuzz/$name.log" 2>&1; then
		printf 'ok - %s: %s runs, no finding\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "build-fuzz/$name.log")"
	else
		printf 'not ok - %s: see build-fuzz/%s.log\n' "$name" "$name"
		status=1
	fi
done
exit $status

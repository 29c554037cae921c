#!/bin/sh
# Installs what tests/web needs (npm ci, locked) and runs one of its tests: run.sh PROGRAM TEST, or run.sh --install. Without Node or the packages it skips and says why.
cd "$(dirname "$0")" || exit 1
program=$1
test=$2
if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
	echo "1..0 # SKIP node and npm are not installed"
	exit 77
fi
if [ ! node_modules/.done -nt package-lock.json ]; then
	# One installation at a time: tests run side by side.
	(flock 9; [ node_modules/.done -nt package-lock.json ] || { npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1 && touch node_modules/.done; }) 9>.lock
fi
if [ ! node_modules/.done -nt package-lock.json ]; then
	echo "1..0 # SKIP npm ci failed: $(tail -n 1 npm.log)"
	exit 77
fi
[ "$program" = --install ] && exit 0
cd ../.. && exec node "tests/web/$test" "$program"

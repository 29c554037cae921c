#!/bin/sh
# Lists files of a folder for Meson: list-files.sh ROOT FOLDER PATTERN, one path a line, sorted; nothing when there is none.
cd "$1" || exit 1
for file in "$2"/$3; do
	[ -f "$file" ] && printf '%s\n' "$file"
done
exit 0

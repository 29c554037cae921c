#!/bin/sh
# One static library of many, in which only what is marked FW_API can be seen: localize.sh OUT ARCHIVE…
set -eu
out=$1
shift
object=${out%.a}.o
ld -r -o "$object" --whole-archive "$@"
objcopy --localize-hidden "$object"
rm -f "$out"
ar rcsD "$out" "$object"
rm -f "$object"

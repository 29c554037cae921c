#!/bin/sh
# Debian packages of a build: deb.sh BUILD [OUT]. Writes framewall_VERSION_ARCH.deb, libframewall0_…, libframewall-dev_…, and framewall-report_… where
# the build has framewall-pdf, to OUT (BUILD).
set -eu
umask 022
here=$(cd "$(dirname "$0")/.." && pwd)
build=$1
out=${2:-$build}
for tool in dpkg-deb dpkg-shlibdeps strip; do
	command -v "$tool" >/dev/null || { echo "deb: there is no $tool: install dpkg-dev and binutils" >&2; exit 1; }
done
version=$("$build/framewall" --version | sed -n '1s/^framewall //p')
architecture=$(dpkg --print-architecture)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
if [ -d "$here/.git" ] || [ -f "$here/.git" ]; then
	SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct)}
fi
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-0}"

# One tree, below /usr whatever the prefix of the build is: pkg-config's file and the unit name it.
meson install -C "$build" --no-rebuild --destdir "$work/all" >/dev/null
program=$(cd "$work/all" && find . -path '*/bin/framewall')
prefix=${program#.}
prefix=${prefix%/bin/framewall}
mkdir -p "$work/tree/usr"
cp -a "$work/all$prefix/." "$work/tree/usr/"
libdir=$(cd "$work/tree" && dirname "$(find usr -name libframewall.so)")
sed -i "s|$prefix/etc|/etc|g; s|$prefix|/usr|g" "$work/tree/$libdir/pkgconfig/framewall.pc" "$work/tree/usr/lib/systemd/system/framewall.service"
chmod 644 "$work/tree/$libdir"/libframewall.so.*.*
strip --strip-unneeded "$work/tree/usr/bin/framewall" "$work/tree/$libdir"/libframewall.so.*.*
[ ! -f "$work/tree/usr/libexec/framewall/framewall-pdf" ] || strip --strip-unneeded "$work/tree/usr/libexec/framewall/framewall-pdf"
[ ! -f "$work/tree/$libdir/libframewall.a" ] || strip --strip-debug "$work/tree/$libdir/libframewall.a"
[ ! -f "$work/tree/usr/share/man/man1/framewall.1" ] || gzip -9n "$work/tree/usr/share/man/man1/framewall.1"

# take PACKAGE PATH…: moves from the tree to a package.
take() {
	package=$1
	shift
	for path in "$@"; do
		[ -e "$work/tree/$path" ] || continue
		mkdir -p "$work/$package/$(dirname "$path")"
		mv "$work/tree/$path" "$work/$package/$path"
	done
}
documents=usr/share/doc/framewall
install -D -m 644 "$work/tree/$documents/framewall.yaml" "$work/framewall/etc/framewall/framewall.yaml"
rm "$work/tree/$documents/LICENSE"
mkdir -p "$work/libframewall-dev/usr/share/doc/libframewall-dev" "$work/framewall/lib/systemd/system"
mv "$work/tree/$documents/examples" "$work/libframewall-dev/usr/share/doc/libframewall-dev/"
mv "$work/tree/usr/lib/systemd/system/framewall.service" "$work/framewall/lib/systemd/system/"
rmdir "$work/tree/usr/lib/systemd/system" "$work/tree/usr/lib/systemd"
take libframewall0 $(cd "$work/tree" && echo "$libdir"/libframewall.so.*)
take libframewall-dev usr/include "$libdir"
take framewall-report usr/libexec
take framewall usr/bin usr/share usr/lib

# Which packages the libraries are in that a file is linked with.
mkdir -p "$work/shlibs/debian"
printf 'Source: framewall\n\nPackage: framewall\nArchitecture: any\n' >"$work/shlibs/debian/control"
depends() {
	(cd "$work/shlibs" && dpkg-shlibdeps -O --ignore-missing-info "$1" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
}

finish() {
	package=$1
	folder=$work/$package
	shlibs=$2
	mkdir -p "$folder/DEBIAN" "$folder/usr/share/doc/$package"
	cp "$here/packaging/debian/copyright" "$folder/usr/share/doc/$package/copyright"
	printf 'framewall (%s) stable; urgency=medium\n\n  * Version %s.\n\n -- Framewall maintainers <maintainers@framewall.invalid>  %s\n' "$version" \
		"$version" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$folder/usr/share/doc/$package/changelog.gz"
	size=$(du -k -s --apparent-size "$folder" | cut -f1)
	sed "s|@VERSION@|$version|; s|@ARCHITECTURE@|$architecture|; s|@SIZE@|$size|; s|@SHLIBS@|$shlibs|" \
		"$here/packaging/debian/$package.control" >"$folder/DEBIAN/control"
	for script in postinst prerm postrm; do
		[ ! -f "$here/packaging/debian/$package.$script" ] || install -m 755 "$here/packaging/debian/$package.$script" "$folder/DEBIAN/$script"
	done
	[ ! -f "$here/packaging/debian/$package.triggers" ] || cp "$here/packaging/debian/$package.triggers" "$folder/DEBIAN/triggers"
	[ ! -d "$folder/etc" ] || (cd "$folder" && find etc -type f | sed 's|^|/|') >"$folder/DEBIAN/conffiles"
	(cd "$folder" && find usr lib -type f 2>/dev/null | LC_ALL=C sort | xargs md5sum) >"$folder/DEBIAN/md5sums"
	find "$folder" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	dpkg-deb --root-owner-group -Zxz --build "$folder" "$out/${package}_${version}_$architecture.deb" >/dev/null
	echo "$out/${package}_${version}_$architecture.deb"
}
printf 'libframewall 0 libframewall0 (= %s)\n' "$version" >"$work/shlibs.file"
finish framewall "$(depends "$work/framewall/usr/bin/framewall")"
mkdir -p "$work/libframewall0/DEBIAN"
cp "$work/shlibs.file" "$work/libframewall0/DEBIAN/shlibs"
finish libframewall0 "$(depends "$(echo "$work/libframewall0/$libdir"/libframewall.so.*.*)")"
finish libframewall-dev ""
[ ! -d "$work/framewall-report" ] || finish framewall-report "$(depends "$work/framewall-report/usr/libexec/framewall/framewall-pdf")"
left=$(cd "$work/tree" && find . -type f)
[ -z "$left" ] || { echo "deb: in no package: $left" >&2; exit 1; }

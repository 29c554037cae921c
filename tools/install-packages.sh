#!/bin/sh
# Installs what is missing of the named groups of packaging/debian-packages.txt: install-packages.sh GROUP…
# On another system than Debian, or without root, it says what is missing and goes on: the build then says what it lacks.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
missing=
for group in "$@"; do
	for package in $(sed -n "s/^$group: //p" "$here/packaging/debian-packages.txt"); do
		case $package in
		nodejs) command -v node >/dev/null 2>&1 && continue ;;
		npm) command -v npm >/dev/null 2>&1 && continue ;;
		python3) [ -x /usr/bin/python3 ] && continue ;;
		esac
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
	done
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
	echo "install-packages: this is not Debian; needed, by their Debian names:$missing" >&2
	exit 0
fi
if [ "$(id -u)" != 0 ]; then
	echo "install-packages: run as root, then try again: apt-get install -y --no-install-recommends$missing" >&2
	exit 1
fi
# Servers that the tests start themselves (nginx, haproxy) must not be started by their installation.
policy=
if [ ! -e /usr/sbin/policy-rc.d ]; then
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d && policy=made
fi
echo "install-packages: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends $missing >&2
status=$?
[ -z "$policy" ] || rm -f /usr/sbin/policy-rc.d
exit $status

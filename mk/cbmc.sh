#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# CBMC 6, which Debian 12 does not have: Debian 13's packages, unpacked beside the system and run with their own C library.
# Nothing is installed. mk/cbmc.sh DIR writes DIR/cbmc, a command; a cbmc 6 that is installed is taken as it is.
#
# The mirror and the key are those of this system's own sources, the suite alone is another one.
set -eu

dir=$1
case $(cbmc --version 2>/dev/null || true) in
6.*)
	mkdir -p "$dir"
	ln -sf "$(command -v cbmc)" "$dir/cbmc"
	exit 0
	;;
esac
[ -x "$dir/cbmc" ] && exit 0
command -v apt-get >/dev/null 2>&1 || {
	echo "prove: no cbmc 6, and no apt-get to get it by" >&2
	exit 1
}

mkdir -p "$dir/apt/lists/partial" "$dir/apt/archives/partial" "$dir/apt/sources" "$dir/root"
dir=$(cd "$dir" && pwd)
uri=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb  *\(\[[^]]*\] *\)*\([^ ]*\) .*/\2/p' \
	/etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | grep -v security | sed -n 1p)
[ -n "$uri" ] || {
	echo "prove: the sources of this system name no mirror of Debian's: install cbmc 6 by hand" >&2
	exit 1
}
printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
	"$uri" >"$dir/apt/sources/trixie.sources"

apt() { # with lists, archives and a status of its own
	apt-get -q -o Dir::State::lists="$dir/apt/lists" -o Dir::Etc::sourcelist=/dev/null \
		-o Dir::Etc::sourceparts="$dir/apt/sources" -o Dir::Cache="$dir/apt" -o Dir::State::status=/dev/null \
		-o Acquire::Languages=none -o APT::Sandbox::User= "$@"
}
apt update >"$dir/apt/log" 2>&1 && (cd "$dir/apt/archives" && apt download cbmc minisat libstdc++6 libc6 libgcc-s1) \
	>>"$dir/apt/log" 2>&1 || {
	tail -n 5 "$dir/apt/log" >&2
	echo "prove: cbmc could not be had (all of it: $dir/apt/log)" >&2
	exit 1
}
for package in "$dir"/apt/archives/*.deb; do
	dpkg -x "$package" "$dir/root"
done
libraries=$(dirname "$(find "$dir/root/usr/lib" -name libc.so.6 | sed -n 1p)")
loader=$(find "$dir/root/usr/lib" "$dir/root/usr/lib64" -name 'ld-linux*.so.*' 2>/dev/null | sed -n 1p)
cat >"$dir/cbmc.new" <<END
#!/bin/sh
exec $loader --library-path $libraries:$dir/root/usr/lib $dir/root/usr/bin/cbmc "\$@"
END
chmod +x "$dir/cbmc.new"
"$dir/cbmc.new" --version >/dev/null
rm -rf "$dir/apt"
mv "$dir/cbmc.new" "$dir/cbmc"

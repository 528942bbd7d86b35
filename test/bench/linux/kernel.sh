#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Build Linux from the distribution's linux-source package with the workloads of test/bench in it.
#
#   kernel.sh FOLDER riscv64|arm64...
#
# The sources land in FOLDER/source, each kernel in FOLDER/<isa>. The second time only what changed
# is built. FOLDER/<isa>.image is the kernel.
set -eu

folder=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
source=$folder/source
bench=$source/lib/quarry

fail() {
	echo "bench-linux: $*" >&2
	exit 1
}

find_archive() {
	find /usr/src -maxdepth 1 -name 'linux-source-*.tar.*' | sort -V | tail -n 1
}

# Kconfig reads the tree as a whole, so only what no configuration reads is left out.
unpack() {
	echo "bench-linux: unpacking $archive (half a minute)"
	rm -rf "$source"
	mkdir -p "$source"
	tar -xf "$archive" -C "$source" --strip-components=1 --no-same-owner --wildcards \
		--exclude='*/tools/testing' --exclude='*.rst' --exclude='*.dts*' \
		--exclude='*/drivers/gpu/*.[ch]' --exclude='*/sound/*.[ch]'
}

# B8 counts the three parts of the initialisation: the calls are put between calls that count. What
# is between the parts (parsing the command line, printing) is not counted.
hook() { # hook FUNCTION STOP FILE...: in exactly one of the files the call is a line by itself
	call=$1
	stop=$2
	shift 2
	mark='{ void bench_boot_start(void), '
	found=$(cd "$source" && { grep -sHo "^	\($mark.*\)\?$call(.*);" "$@" || :; })
	[ "$(echo "$found" | grep -c .)" = 1 ] || fail "$call() in $*: this Linux is not known"
	sed -i "s/^	\($call(.*);\)\$/	$mark$stop(void); bench_boot_start(); \1 $stop(); }/" \
		"$source/${found%%:*}"
}

hooks() {
	for arch in riscv arm64; do
		files="arch/$arch/mm/init.c mm/mm_init.c"
		# shellcheck disable=SC2086 # two names are meant
		{
			hook sparse_init bench_boot_stop $files
			hook free_area_init bench_boot_stop $files
			hook memblock_free_all bench_boot_first_page $files
		}
	done
	hook setup_per_cpu_pageset bench_boot_pageset init/main.c
	echo 'obj-y += quarry/' >>"$source/lib/Makefile"
}

# The workloads as they are; a file that has not changed keeps its time, so that it is not compiled
# again.
copy() { # copy FROM TO
	cmp -s "$1" "$2" && return
	mkdir -p "$(dirname "$2")"
	cp "$1" "$2"
}

workloads() {
	for file in bench.c hot.c churn.c frag.c beyond.c; do
		copy "$here/../$file" "$bench/$file"
	done
	for file in bench.h counter.h; do
		copy "$here/../$file" "$bench/test/bench/$file"
	done
	for file in quarry_bench.c include/stdint.h include/inttypes.h include/string.h \
		include/stdio.h include/quarry/mm.h include/quarry/port.h; do
		copy "$here/$file" "$bench/$file"
	done
	copy "$here/Kbuild" "$bench/Makefile"
}

kernel() { # kernel ISA
	case $1 in
	riscv64) arch=riscv prefix=riscv64-linux-gnu- ;;
	arm64) arch=arm64 prefix=aarch64-linux-gnu- ;;
	*) fail "no such instruction set: $1" ;;
	esac
	out=$folder/$1
	mkdir -p "$out"
	make_kernel() {
		# what make passes on of the options and variables of its caller is not for this make
		env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$source" O="$out" ARCH=$arch \
			CROSS_COMPILE=$prefix "$@"
	}
	if ! cmp -s "$here/kernel.config" "$out/kernel.config"; then
		cp "$here/kernel.config" "$out/kernel.config.new"
		make_kernel KCONFIG_ALLCONFIG="$out/kernel.config.new" allnoconfig
		mv "$out/kernel.config.new" "$out/kernel.config"
	fi
	echo "bench-linux: building Linux for $1 (a minute or two the first time)"
	make_kernel -j"$(nproc)" Image
	copy "$out/arch/$arch/boot/Image" "$folder/$1.image"
}

archive=$(find_archive)
state="$archive $(cksum <"$0")"
if [ "$(cat "$folder/unpacked" 2>/dev/null)" != "$state" ]; then
	[ "$archive" ] || fail "no /usr/src/linux-source-*.tar.*: install linux-source"
	unpack
	hooks
	echo "$state" >"$folder/unpacked"
fi
workloads
for isa in "$@"; do
	kernel "$isa"
done

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Look for the tools Quarry needs, and install the packages of those that are missing.
#
#   mk/deps.sh install|check PURPOSE...     PURPOSE: build, run, tree, sdcard, uboot, test, docs, fuzz, mutate, prove, debug, farm, all
# ISAS in the environment: the instruction sets it is for
#
# Presence is judged by the command or file itself, so tools that did not come from a package count too.
# With nothing missing it prints nothing, starts no other program and exits 0.
set -u

mode=$1
shift
missing=	# packages, by Debian's names
reasons=

need() { # need PACKAGE TEXT: record a missing package
	case " $missing " in
	*" $1 "*) ;;
	*) missing="$missing $1" ;;
	esac
	reasons="$reasons
  $2 (package $1)"
}

need_command() { # need_command COMMAND PACKAGE
	command -v "$1" >/dev/null 2>&1 || need "$2" "$1"
}

need_file() { # need_file PACKAGE TEXT FILE...: one of the files must exist
	package=$1
	text=$2
	shift 2
	for file in "$@"; do
		[ -e "$file" ] && return
	done
	need "$package" "$text"
}

deps_build() {
	for isa in ${ISAS:-riscv64}; do
		"deps_build_$isa"
	done
	# once unpacked, libfdt's archive is not needed any more
	need_file linux-source "the Linux sources, for libfdt" "${LIBFDT_STAMP:-/nonexistent}" \
		/usr/src/linux-source-*.tar.xz
	need_command xz xz-utils
	need_command tar tar
}

deps_build_arm64() {
	need_command aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
	need_command aarch64-linux-gnu-ld binutils-aarch64-linux-gnu
	need_file picolibc-aarch64-linux-gnu "picolibc for AArch64" \
		/usr/lib/picolibc/aarch64-linux-gnu/lib/release/libc.a \
		/usr/lib/picolibc/aarch64-linux-gnu/lib/libc.a
}

deps_build_riscv64() {
	need_command riscv64-linux-gnu-gcc gcc-riscv64-linux-gnu
	need_command riscv64-linux-gnu-ld binutils-riscv64-linux-gnu
	need_command riscv64-unknown-elf-gcc gcc-riscv64-unknown-elf
	need_file picolibc-riscv64-unknown-elf "picolibc for rv64imac/lp64" \
		/usr/lib/picolibc/riscv64-unknown-elf/lib/release/rv64imac/lp64/libc.a \
		/usr/lib/picolibc/riscv64-unknown-elf/lib/rv64imac/lp64/libc.a
}

deps_run() {
	deps_build
	for isa in ${ISAS:-riscv64}; do
		"deps_run_$isa"
	done
}

deps_run_arm64() {
	need_command qemu-system-aarch64 qemu-system-arm
}

deps_run_riscv64() {
	need_command qemu-system-riscv64 QEMU
	need_file opensbi "OpenSBI firmware for QEMU" \
		/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin \
		/usr/local/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin
}

deps_tree() {
	need_command dtc device-tree-compiler
	need_command cpp cpp
	need_command gcc gcc
	[ -z "${LINUX_DTS:-}" ] || need_file linux-source "the Linux sources, for a device tree" \
		"${LINUX_DTS_STAMP:-/nonexistent}" /usr/src/linux-source-*.tar.xz
}

deps_sdcard() {
	deps_build
	need_command mcopy mtools
}

deps_uboot() {
	deps_run
	need_file u-boot-qemu "U-Boot for QEMU" /usr/lib/u-boot/qemu_arm64/u-boot.bin
	need_command mcopy mtools
}

deps_test() {
	deps_uboot
	deps_fuzz
	need_command gcc gcc
	need_file libc6-dev "the C library's headers" /usr/include/stdio.h
	need_file libcmocka-dev "cmocka's header" /usr/include/cmocka.h /usr/local/include/cmocka.h
	need_command dtc device-tree-compiler
	need_command tmux tmux
	need_command gdb-multiarch gdb-multiarch
	need_file linux-source "the Linux sources, for device trees" "${LINUX_DTS_STAMP:-/nonexistent}" \
		/usr/src/linux-source-*.tar.xz
	need_command spin spin
	need_command clang-format-19 clang-format-19
	deps_docs
	deps_python
	need_file python3-pytest pytest /usr/lib/python3/dist-packages/pytest
	need_file python3-pytest-xdist pytest-xdist /usr/lib/python3/dist-packages/xdist
	deps_targets
}

# What compiles and runs mm/ for other machines. gcc-multilib would take the cross compilers away, its parts do not; they and
# g++ have gcc's version in their names.
deps_targets() {
	deps_python
	need_command cmake cmake
	need_command pkg-config pkgconf
	need_command g++ g++
	need_command arm-none-eabi-gcc gcc-arm-none-eabi
	need_file libnewlib-arm-none-eabi "newlib for 32-bit Arm" /usr/lib/arm-none-eabi/include/stdio.h
	need_command qemu-riscv32 qemu-user
	need_file libc6-dev-riscv64-cross "the C library for riscv64" /usr/riscv64-linux-gnu/include/stdio.h
	need_file libc6-dev-arm64-cross "the C library for arm64" /usr/aarch64-linux-gnu/include/stdio.h
	if [ "$(uname -m)" = x86_64 ]; then
		need_file libc6-dev-i386 "the C library for i386" /usr/lib32/crt1.o
		need_file MULTILIB "gcc's library for i386" /usr/lib/gcc/x86_64-linux-gnu/*/32/libgcc.a
	fi
}

deps_fuzz() {
	need_command clang clang
	need_file libclang-rt-dev "clang's sanitizers and libFuzzer" \
		/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a \
		/usr/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a
	need_file libfdt-dev "libfdt as the distribution builds it, to compare with" /usr/lib/*/libfdt.so.1 /usr/lib/libfdt.so.1
	need_file libc6-dev "the C library's headers" /usr/include/stdio.h
}

deps_mutate() {
	need_command gcc gcc
	need_file libc6-dev "the C library's headers" /usr/include/stdio.h
	need_file libcmocka-dev "cmocka's header" /usr/include/cmocka.h /usr/local/include/cmocka.h
	need_file python3 python3 /usr/bin/python3
}

# Debian 13 has no frama-c-base; cbmc is mk/cbmc.sh's.
deps_prove() {
	need_command gcc gcc
	need_command spin spin
	need_command frama-c frama-c-base
	need_command ocamlfind ocaml-findlib
	need_command why3 why3
	need_command z3 z3
	need_command cvc4 cvc4
	need_file python3 python3 /usr/bin/python3
}

deps_docs() {
	need_command doxygen doxygen
}

deps_python() {
	need_file python3 python3 /usr/bin/python3
	need_file python3-pexpect pexpect /usr/lib/python3/dist-packages/pexpect
}

deps_bench() {
	deps_run
	deps_python
	need_command dtc device-tree-compiler
}

deps_linux() {
	need_file linux-source "the Linux sources" /usr/src/linux-source-*.tar.*
	need_command gcc gcc
	need_file libc6-dev "the C library's headers" /usr/include/stdio.h
	need_command flex flex
	need_command bison bison
	need_command bc bc
}

deps_plots() { # wanted, not needed: mk/bench.mk goes on without
	need_file python3-matplotlib matplotlib /usr/lib/python3/dist-packages/matplotlib
}

deps_bench_host() {
	need_command gcc gcc
	need_file libc6-dev "the C library's headers" /usr/include/stdio.h
	need_file python3 python3 /usr/bin/python3
}

deps_callgrind() { # the same
	need_command valgrind valgrind
	need_file valgrind "callgrind's header" /usr/include/valgrind/callgrind.h
}

deps_debug() {
	deps_run
	need_command gdb-multiarch gdb-multiarch
}

deps_farm() {
	deps_run
	deps_python
	need_file python3-pytest pytest /usr/lib/python3/dist-packages/pytest
	need_file python3-labgrid labgrid /usr/lib/python3/dist-packages/labgrid
}

for purpose in "$@"; do
	case $purpose in
	build) deps_build ;;
	run) deps_run ;;
	uboot) deps_uboot ;;
	tree) deps_tree ;;
	sdcard) deps_sdcard ;;
	test) deps_test ;;
	fuzz) deps_fuzz ;;
	mutate) deps_mutate ;;
	prove) deps_prove ;;
	debug) deps_debug ;;
	farm) deps_farm ;;
	bench) deps_bench ;;
	linux) deps_linux ;;
	bench-host) deps_bench_host ;;
	plots) deps_plots ;;
	callgrind) deps_callgrind ;;
	docs) deps_docs ;;
	all) deps_test; deps_debug; deps_bench; deps_bench_host; deps_plots; deps_callgrind ;;
	*)
		echo "deps: unknown purpose '$purpose'" >&2
		exit 2
		;;
	esac
done

[ -z "$missing" ] && exit 0

# Debian 13 and Ubuntu 24.10 moved QEMU's RISC-V machines out of qemu-system-misc.
name_packages() {
	qemu="qemu-system-misc"
	if apt-cache show qemu-system-riscv >/dev/null 2>&1; then
		qemu="qemu-system-riscv"
	fi
	packages=
	for package in $missing; do
		[ "$package" = QEMU ] && package=$qemu
		[ "$package" = MULTILIB ] && package=gcc-$(apt-cache depends gcc | sed -n 's/.*Depends: gcc-\([0-9]*\)$/\1/p')-multilib
		packages="$packages $package"
	done
}

give_up() {
	{
		echo "Missing:$reasons" | sed 's/(package QEMU)/(package qemu-system-misc or qemu-system-riscv)/'
		echo "$1"
	} >&2
	exit 1
}

if ! command -v apt-get >/dev/null 2>&1; then
	give_up "Install them with this system's package manager (the names are Debian's), then run make again."
fi
name_packages
if [ "$mode" = check ]; then
	give_up "To install:  make deps    (or: sudo apt-get install --no-install-recommends$packages)"
fi

as_root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null 2>&1 ||
		give_up "Neither root nor sudo here. As root:  apt-get install --no-install-recommends$packages"
	as_root=sudo
fi

echo "deps: missing:$reasons"
apt_get() {
	echo "deps: ${as_root:+$as_root }apt-get $*"
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@"
}

# `apt-get update` only where the lists do not know the packages, or know versions that are gone.
# shellcheck disable=SC2086 # word splitting of package lists is meant
if ! apt-cache show $packages >/dev/null 2>&1; then
	apt_get update || give_up "apt-get update failed: see above."
	name_packages
fi
# shellcheck disable=SC2086
apt_get install --no-install-recommends $packages || {
	apt_get update &&
		apt_get install --no-install-recommends $packages
} || give_up "apt-get could not install them: see above. On Ubuntu the component 'universe' must be enabled."
echo "deps: done"

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Compile a device tree source of Linux's: mk/linux-dts.sh DIR SOURCE DTB, SOURCE as it is called in DIR. A DTB that ends
# in / is the folder it goes to, as ARCH_VENDOR_NAME.dtb.
set -eu

dir=$1
source=$2
dtb=$3
case $dtb in
*/) dtb=$dtb$(echo "$source" | sed 's|^arch/||; s|/boot/dts/|_|; s|/|_|g; s|\.dts$|.dtb|') ;;
esac
prefixes=$dir/scripts/dtc/include-prefixes
cpp -nostdinc -undef -D__DTS__ -x assembler-with-cpp -I "$dir/$(dirname "$source")" -I "$prefixes" -I "$dir/include" \
	"$dir/$source" "$dtb.pre"
dtc -q -I dts -O dtb -i "$dir/$(dirname "$source")" -i "$prefixes" -o "$dtb" "$dtb.pre"
rm "$dtb.pre"

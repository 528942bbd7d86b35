#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A disk with one partition, FAT, that holds what is in a folder: mk/fat-disk.sh IMAGE FOLDER FIRST SIZE, the partition's first
# and its size in MiB. It is marked bootable, as U-Boot and others look for it. IMAGE is whole or not there.
set -eu

image=$1
folder=$2
first=$3
size=$4
part=$image.part
trap 'rm -f "$part"' EXIT

# A number as four bytes, the lowest first.
le32() {
	# shellcheck disable=SC2059 # the format is the bytes
	printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)))"
}

rm -f "$part"
truncate -s "$((first + size))M" "$part"
# The first entry of the MBR's table: bootable, type 0x0e (FAT16, LBA), no CHS addresses; then the signature.
{
	printf '\200\0\0\0\016\0\0\0'
	le32 $((first * 2048))
	le32 $((size * 2048))
} | dd of="$part" bs=1 seek=446 conv=notrunc status=none
printf '\125\252' | dd of="$part" bs=1 seek=510 conv=notrunc status=none
mformat -i "$part@@${first}M" -T $((size * 2048)) -H $((first * 2048)) ::
mcopy -s -i "$part@@${first}M" "$folder"/* ::/
mv "$part" "$image"

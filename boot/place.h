/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * place.h: where the image has to run, asked by head.S before there is a stack.
 */
#ifndef BOOT_PLACE_H
#define BOOT_PLACE_H

#include <quarry/types.h>

/*
 * place_image() - the address at which an image of `size` bytes that was started at `image` has to
 * run. That is `image` itself if any part of it lies in memory that the device tree lists, and also
 * if the tree cannot be read or lists no memory it fits in: what is wrong with it is reported later.
 * Otherwise the image was started where it is stored, in flash: then it is an address in the first
 * bank with room, 2 MiB or more above the bank's start (where firmware lives, and where loaders put
 * an image) and behind the tree if that is near. It is the caller who copies.
 *
 * Reservations are not looked at: a tree that reserves this place needs a loader.
 *
 * Context: the first instructions, MMU off. It uses no stack, no data and no function, and changes
 * any register but those head.S keeps (mk/flash.mk has the flags, and the check). Reads nothing
 * outside the tree's totalsize. Bound: linear in the tree.
 */
phys_addr_t place_image(const void *fdt, phys_addr_t image, phys_addr_t size);

#endif

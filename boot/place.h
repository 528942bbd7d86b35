/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * place.h: where the image has to run, asked by head.S before there is a stack.
 */
#ifndef BOOT_PLACE_H
#define BOOT_PLACE_H

#include <quarry/types.h>

/* There is memory, and none of it is free for the image: one line, and a stop. */
#define PLACE_NONE PHYS_ADDR_MAX

/*
 * place_image() - the address at which an image of `size` bytes that was started at `image` has to
 * run. That is `image` itself if all of it lies in memory that the device tree lists, and also
 * if the tree cannot be read or lists no memory at all: what is wrong with it is reported later.
 * Otherwise the image was started where it is stored, in flash: then it is the lowest address, a
 * multiple of 2 MiB, that is 2 MiB or more above its bank's start (where firmware lives, and where
 * loaders put an image) and leads to memory of which every byte is free: it may be used
 * (linux,usable-memory-range), and neither the memory reservation block nor an enabled child of
 * /reserved-memory, nor the tree itself, the initrd, linux,elfcorehdr, linux,ima-kexec-buffer or
 * the image as it is stored has a part of it. Where a dynamic reservation may go (alloc-ranges) is
 * left to it if there is another place. PLACE_NONE: there is none. The caller copies.
 *
 * Context: the first instructions, MMU off. It uses no stack, no data and no function, and changes
 * any register but those head.S keeps (mk/flash.mk has the flags, and the check). Reads nothing
 * outside the tree's totalsize. Bound: one pass over the tree for each 128 MiB of memory below the
 * place of which no part is free; a reservation of more takes one.
 */
phys_addr_t place_image(const void *fdt, phys_addr_t image, phys_addr_t size);

/*
 * place_console() - the address of the first enabled PL011 among the children of the root, or of
 * one of its children that passes addresses on as they are: for that one line, where firmware has
 * no console. 0: there is none. Context and bound as place_image(), one pass.
 */
phys_addr_t place_console(const void *fdt);

#endif

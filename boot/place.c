/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * place.c: does the image run from RAM, and if not, to which RAM must it go? See place.h.
 *
 * libfdt needs a stack, and RAM must be known to have one, so this reads the structure block itself
 * (devicetree specification 0.4, chapter 5): the cells of the root, and of its children those that
 * are memory. It is one leaf function that keeps all it knows in registers; the build fails if the
 * compiler would use the stack.
 */
#include "boot/place.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/dt/fdt_early.h"

#define MAGIC	   0xd00dfeedU
#define BEGIN_NODE 1
#define END_NODE   2
#define PROP	   3
#define NOP	   4

/* byte offsets in the header */
#define TOTALSIZE   4
#define OFF_STRUCT  8
#define OFF_STRINGS 12
#define SIZE_STRUCT 36
#define HEADER_SIZE 40

/* Names of properties, told apart by their first four characters: no others here begin so. */
#define NAME_ADDRESS_CELLS 0x23616464U /* #add */
#define NAME_SIZE_CELLS	   0x2373697aU /* #siz */
#define NAME_DEVICE_TYPE   0x64657669U /* devi */
#define NAME_REG	   0x72656700U /* with its terminator */

#define IMAGE_ALIGN	   ((phys_addr_t)2 << 20) /* of load addresses */
#define IMAGE_OFFSET	   ((phys_addr_t)2 << 20) /* from the start of a bank */

#define INLINE		   static inline __attribute__((always_inline))

/*
 * What the compiler is told for this file alone (mk/flash.mk), and why. There is no stack yet, so nothing
 * may be saved on it, spilled to it or called:
 *   -Wstack-usage=0                      with -Werror: the build fails if a byte of stack is used
 *   -fcall-used-x..                      registers that a function otherwise saves are free: head.S
 *                                        keeps nothing in them over the call (STACKLESS_FLAGS)
 *   -O1, and of its passes and the next level's not
 *   -fmove-loop-invariants, -ftree-loop-im, -fgcse, -fivopts, -ftree-pre
 *                                        these keep values alive that could be computed again: more
 *                                        of them than there are registers
 *   -fno-tree-loop-distribute-patterns   no loop becomes a call of memset() or strlen()
 *   -fno-sanitize=all                    a sanitizer's checks are calls
 *   -fomit-frame-pointer                 no frame record, whatever EXTRA_CFLAGS asks for
 */
INLINE uint32_t word(const char *at)
{
	const unsigned char *byte = (const unsigned char *)at;

	return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
}

INLINE phys_addr_t cells(const char *at, uint32_t count)
{
	phys_addr_t value = 0;

	for (; count > 0; count--, at += 4)
		value = value << 32 | word(at);
	return value;
}

/* Is it "memory", or also "memory@..."? At least 8 bytes can be read. */
INLINE bool is_memory(const char *at, bool with_unit_address)
{
	return word(at) == 0x6d656d6f && word(at + 4) >> 16 == 0x7279 &&
	       (at[6] == '\0' || (with_unit_address && at[6] == '@'));
}

phys_addr_t place_image(const void *fdt, phys_addr_t image, phys_addr_t size)
{
	const char *tree = fdt, *at, *limit, *reg = NULL;
	uint32_t address_cells = 2, size_cells = 1, total, offset, length, depth = 0;
	phys_addr_t place = image;
	bool memory = false;

	if (!tree || ((uintptr_t)tree & 3) != 0 || word(tree) != MAGIC)
		return image;
	total = word(tree + TOTALSIZE);
	offset = word(tree + OFF_STRUCT);
	if (total < HEADER_SIZE || total > FDT_EARLY_MAX_SIZE || (offset & 3) != 0 ||
	    offset > total || word(tree + OFF_STRINGS) > total)
		return image;
	limit = tree + total;
	at = tree + offset;

	/* a token and the word behind it, which all but the last have, can be read */
	while (limit - at >= 8) {
		uint32_t token = word(at);

		at += 4;
		if (token == NOP)
			continue;
		if (token == PROP) {
			const char *name, *value = at + 8;

			if (limit - value < 0 || word(at) > (uint32_t)(limit - value))
				return image;
			length = word(at);
			name = tree + word(tree + OFF_STRINGS) + word(at + 4);
			at = value + ALIGN_UP(length, 4U);
			if (depth > 2 || name < tree || limit - name < 4)
				continue;
			if (depth == 1 && length == 4 && word(name) == NAME_ADDRESS_CELLS)
				address_cells = word(value);
			if (depth == 1 && length == 4 && word(name) == NAME_SIZE_CELLS)
				size_cells = word(value);
			if (depth == 2 && word(name) == NAME_REG)
				reg = value - 8; /* its length is the first word there */
			if (depth == 2 && length == 7 && limit - value >= 8 &&
			    word(name) == NAME_DEVICE_TYPE)
				memory |= is_memory(value, false);
			continue;
		}
		/* the properties of a node end where its first child begins, or with it */
		if (depth == 2 && memory && reg && address_cells - 1 < 4 && size_cells - 1 < 4) {
			length = word(reg) / 4;
			for (reg += 8; length >= address_cells + size_cells;
			     length -= address_cells + size_cells) {
				phys_addr_t base = cells(reg, address_cells), stop, to;

				reg += 4 * address_cells;
				stop = base + cells(reg, size_cells);
				reg += 4 * size_cells;
				if (stop <= base)
					continue;
				if (image < stop && image + size > base)
					return image;
				to = ALIGN_UP(base + IMAGE_OFFSET, IMAGE_ALIGN);
				if ((uintptr_t)tree < to + size && (uintptr_t)limit > to)
					to = ALIGN_UP((uintptr_t)limit, IMAGE_ALIGN);
				if (place == image && to > base && to < stop && stop - to >= size)
					place = to;
			}
		}
		reg = NULL;
		if (token == BEGIN_NODE) {
			depth++;
			memory = depth == 2 && limit - at >= 8 && is_memory(at, true);
			for (; limit - at >= 4 && (word(at) & 0xff) != 0; at += 4)
				;
			at += 4;
		} else if (token == END_NODE && depth > 0) {
			depth--;
			memory = false;
		} else {
			break;
		}
	}
	return place;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * place_walk.h: the structure block of a device tree (devicetree specification 0.4, chapter 5),
 * read with nothing but registers: for boot/place.c and boot/place_console.c, which have no stack.
 * A struct walk is never in memory: every function here becomes part of the one that calls it.
 *
 * The tree has not been checked: nothing outside its totalsize is read, and what is damaged ends
 * the walk.
 */
#ifndef BOOT_PLACE_WALK_H
#define BOOT_PLACE_WALK_H

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
#define TOTALSIZE    4
#define OFF_STRUCT   8
#define OFF_STRINGS  12
#define OFF_RESERVED 16
#define HEADER_SIZE  40

#define MAX_CELLS    4

/* Four characters as a big-endian word. */
#define WORD(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

/*
 * What the compiler is told for the files that include this (mk/flash.mk), and why. There is no
 * stack yet, so nothing may be saved on it, spilled to it or called:
 *   -Wstack-usage=0                      with -Werror: the build fails if a byte of stack is used
 *   -fcall-used-x..                      registers that a function otherwise saves are free: head.S
 *                                        keeps nothing in them over the call (STACKLESS_FLAGS)
 *   -O1, and of its passes and the next level's not
 *   -fmove-loop-invariants, -ftree-loop-im, -fgcse, -fivopts, -ftree-pre, -ftree-dominator-opts,
 *   -fcse-follow-jumps, -fthread-jumps   these keep values alive that could be computed again: more
 *                                        of them than there are registers
 *   -fno-tree-loop-distribute-patterns   no loop becomes a call of memset() or strlen()
 *   -fno-sanitize=all                    a sanitizer's checks are calls
 *   -fomit-frame-pointer                 no frame record, whatever EXTRA_CFLAGS asks for
 */
#define INLINE static inline __attribute__((always_inline))

INLINE uint32_t word(const char *at)
{
	const unsigned char *byte = (const unsigned char *)at;

	return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
}

/* A number of so many cells; the highest there is if 64 bits do not hold it. */
INLINE phys_addr_t number(const char *at, uint32_t cells)
{
	phys_addr_t value = 0;

	for (; cells > 0; cells--, at += 4)
		value = value >> 32 ? PHYS_ADDR_MAX : value << 32 | word(at);
	return value;
}

struct walk {
	const char *tree, *limit;
	const char *at; /* the next token */
	/* of the property that was met last: */
	const char *name, *value;
	uint32_t length;
};

/* False: there is no tree that could be read. */
INLINE bool start(struct walk *walk, const void *fdt)
{
	uint32_t total, offset;

	walk->tree = fdt;
	if (!fdt || ((uintptr_t)fdt & 3) != 0 || word(walk->tree) != MAGIC)
		return false;
	total = word(walk->tree + TOTALSIZE);
	offset = word(walk->tree + OFF_STRUCT);
	if (total < HEADER_SIZE || total > FDT_EARLY_MAX_SIZE || (offset & 3) != 0 ||
	    offset > total || word(walk->tree + OFF_STRINGS) > total)
		return false;
	walk->limit = walk->tree + total;
	walk->at = walk->tree + offset;
	return true;
}

/* The next token but NOP; 0 at the end, or where the tree is damaged. */
INLINE uint32_t next_token(struct walk *walk)
{
	uint32_t token;

	do {
		/* a token and the word behind it, which all but the last have */
		if (walk->limit - walk->at < 8)
			return 0;
		token = word(walk->at);
		walk->at += 4;
	} while (token == NOP);
	return token <= PROP ? token : 0;
}

/* False: its value is not in the tree. */
INLINE bool read_property(struct walk *walk)
{
	walk->value = walk->at + 8;
	if (walk->limit - walk->value < 0)
		return false;
	walk->length = word(walk->at);
	if (walk->length > (uint32_t)(walk->limit - walk->value))
		return false;
	walk->name = walk->tree + word(walk->tree + OFF_STRINGS) + word(walk->at + 4);
	walk->at = walk->value + ALIGN_UP(walk->length, 4U);
	return true;
}

INLINE void pass_name(struct walk *walk)
{
	while (walk->limit - walk->at >= 4 && (word(walk->at) & 0xff) != 0)
		walk->at += 4;
	walk->at += 4;
}

/* Four characters of a name, from the one at `offset` on; 0 where the tree ends. */
INLINE uint32_t part(const struct walk *walk, const char *name, unsigned int offset)
{
	return name >= walk->tree && walk->limit - name >= 4 + (long)offset ? word(name + offset)
									    : 0;
}

/* status is there: does it say "okay" or "ok"? */
INLINE bool is_off(const struct walk *walk)
{
	uint32_t head = walk->length >= 3 ? word(walk->value) : 0;

	return head >> 8 != WORD(0, 'o', 'k', 0) &&
	       (head != WORD('o', 'k', 'a', 'y') || walk->length < 5 || walk->value[4]);
}

#endif

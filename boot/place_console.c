/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * place_console.c: where to print that there is no place for the image: see place.h. No stack
 * either.
 */
#include "boot/place.h"

#include "boot/place_walk.h"

/* Does a list of strings have "arm,pl011"? */
INLINE bool names_pl011(const struct walk *walk)
{
	const char *at = walk->value, *end = at + walk->length;

	for (bool first = true; end - at >= 10; at++) {
		if (first && word(at) == WORD('a', 'r', 'm', ',') &&
		    word(at + 4) == WORD('p', 'l', '0', '1') && at[8] == '1' && at[9] == '\0')
			return true;
		first = *at == '\0';
	}
	return false;
}

#define IS_PL011    (1U << 0)
#define IS_DISABLED (1U << 1)
/* Of a child of the root: */
#define IS_BUS	1U /* an empty `ranges`: its children's addresses are its own */
#define IS_OPEN 2U /* and it is enabled */

phys_addr_t place_console(const void *fdt)
{
	const char *reg = NULL;
	uint32_t token, level = 0, flags = 0, bus = 0, root_cells = 2, bus_cells = 2;
	struct walk walk = {.tree = NULL};

	if (!start(&walk, fdt))
		return 0;
	while ((token = next_token(&walk)) != 0) {
		if (token == PROP) {
			uint32_t first, next;

			if (!read_property(&walk))
				return 0;
			first = part(&walk, walk.name, 0);
			next = part(&walk, walk.name, 4);
			if (first == WORD('#', 'a', 'd', 'd') && walk.length == 4 && level == 1)
				root_cells = word(walk.value);
			if (first == WORD('#', 'a', 'd', 'd') && walk.length == 4 && level == 2)
				bus_cells = word(walk.value);
			if (first == WORD('c', 'o', 'm', 'p') && next == WORD('a', 't', 'i', 'b') &&
			    names_pl011(&walk))
				flags |= IS_PL011;
			if (first == WORD('s', 't', 'a', 't') &&
			    next >> 8 == WORD(0, 'u', 's', 0) && is_off(&walk))
				flags |= IS_DISABLED;
			if (first == WORD('r', 'e', 'g', 0))
				reg = walk.value - 8;
			if (first == WORD('r', 'a', 'n', 'g') && walk.length == 0 && level == 2)
				bus = IS_BUS;
			continue;
		}
		if (level == 2 && !(flags & IS_DISABLED) && bus == IS_BUS)
			bus = IS_OPEN;
		if (flags == IS_PL011 && reg && (level == 2 || (level == 3 && bus == IS_OPEN))) {
			uint32_t cells = level == 2 ? root_cells : bus_cells;

			if (cells - 1 < MAX_CELLS && word(reg) >= 4 * cells)
				return number(reg + 8, cells);
		}
		reg = NULL;
		flags = 0;
		if (token == BEGIN_NODE) {
			pass_name(&walk);
			if (++level == 2) {
				bus = 0;
				bus_cells = 2;
			}
		} else if (level == 0) {
			return 0;
		} else if (--level == 1) {
			bus = 0;
		}
	}
	return 0;
}

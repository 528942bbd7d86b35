/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arguments.c: orders and allocation flags as the user types them, and what is wrong with them.
 */
#include <inttypes.h>
#include <quarry/page.h>
#include <stdio.h>
#include <string.h>

#include "console/arguments.h"
#include "console/command.h"
#include "console/parse.h"

int console_parse_order(const char *command, const char *text, unsigned int *order)
{
	uint64_t value;

	if (parse_u64(text, MAX_PAGE_ORDER, &value) != 0) {
		printf("%s: '%s' is not an order, 0 to %d\n", command, text, MAX_PAGE_ORDER);
		return 1;
	}
	*order = (unsigned int)value;
	return 0;
}

/* One word of a list of flags; a number is added whatever its bits mean. False: it is neither. */
static bool parse_flag(const char *text, size_t length, uint64_t *bits)
{
	char word[32];
	uint64_t number;
	gfp_t flag;

	if (length == 0 || length >= sizeof(word))
		return false;
	memcpy(word, text, length);
	word[length] = '\0';
	if (parse_u64(word, UINT64_MAX, &number) != 0) {
		if (gfp_parse(word, &flag) != 0)
			return false;
		number = flag;
	}
	*bits |= number;
	return true;
}

/*
 * Words that are no flag come first, then bits that are none, then flags that exclude each other.
 */
int console_gfp(const char *text, gfp_t *gfp, char *why, size_t size)
{
	uint64_t bits = 0, unknown;

	for (const char *word = text;; word++) {
		size_t length = strcspn(word, "|");

		if (!parse_flag(word, length, &bits)) {
			snprintf(why, size,
				 "'%.*s' is not a flag; flags are written as GFP_KERNEL|__GFP_ZERO "
				 "or 0x310",
				 (int)length, word);
			return 1;
		}
		word += length;
		if (*word == '\0')
			break;
	}
	unknown = bits & ~(uint64_t)__GFP_BITS_MASK;
	if (unknown) {
		snprintf(why, size, "'%s': unknown flags 0x%" PRIx64, text, unknown);
		return 1;
	}
	if ((bits & GFP_MOVABLE_MASK) == GFP_MOVABLE_MASK) {
		snprintf(why, size, "'%s': __GFP_MOVABLE and __GFP_RECLAIMABLE exclude each other",
			 text);
		return 1;
	}
	*gfp = (gfp_t)bits;
	return 0;
}

int console_parse_gfp(const char *command, const char *text, gfp_t *gfp)
{
	char why[CONSOLE_LINE_MAX + 80];

	if (console_gfp(text, gfp, why, sizeof(why)) == 0)
		return 0;
	printf("%s: %s\n", command, why);
	return 1;
}

int console_parse_request(int argc, char **argv, unsigned int *order, gfp_t *gfp)
{
	*gfp = GFP_KERNEL;
	if (argc < 2 || argc > 3)
		return console_usage(argv[0]);
	if (console_parse_order(argv[0], argv[1], order) != 0)
		return 1;
	return argc == 3 ? console_parse_gfp(argv[0], argv[2], gfp) : 0;
}

const char *console_complete_gfp(const char *prefix, unsigned int n)
{
	static const char *const names[] = {
		"GFP_KERNEL",		"GFP_ATOMIC",
		"GFP_NOWAIT",		"GFP_DMA32",
		"__GFP_DMA32",		"__GFP_MOVABLE",
		"__GFP_RECLAIMABLE",	"__GFP_ZERO",
		"__GFP_COMP",		"__GFP_NOWARN",
		"__GFP_THISNODE",	"__GFP_DIRECT_RECLAIM",
		"__GFP_HIGH",		"__GFP_MEMALLOC",
		"__GFP_NOMEMALLOC",	"__GFP_NORETRY",
		"__GFP_NOFAIL",		"__GFP_RETRY_MAYFAIL",
		"__GFP_KSWAPD_RECLAIM",
	};
	static char text[CONSOLE_LINE_MAX + 1];
	const char *bar = strrchr(prefix, '|');

	if (n >= sizeof(names) / sizeof(names[0]))
		return NULL;
	if (!bar)
		return names[n];
	snprintf(text, sizeof(text), "%.*s%s", (int)(bar + 1 - prefix), prefix, names[n]);
	return text;
}

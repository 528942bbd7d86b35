/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gfp.c: allocation flags to and from their names, and what is wrong with them.
 */
#include <stdio.h>
#include <string.h>
#include <quarry/errno.h>
#include "debug_internal.h"

/* Writing takes the first that fits, so compounds come before their parts. */
static const struct {
	const char *name;
	gfp_t flags;
} names[] = {
	{"GFP_KERNEL", GFP_KERNEL},
	{"GFP_DMA32", GFP_DMA32},
	{"GFP_ATOMIC", GFP_ATOMIC},
	{"GFP_NOWAIT", GFP_NOWAIT},
	{"__GFP_MOVABLE", __GFP_MOVABLE},
	{"__GFP_RECLAIMABLE", __GFP_RECLAIMABLE},
	{"__GFP_DMA32", __GFP_DMA32},
	{"__GFP_DIRECT_RECLAIM", __GFP_DIRECT_RECLAIM},
	{"__GFP_KSWAPD_RECLAIM", __GFP_KSWAPD_RECLAIM},
	{"__GFP_ZERO", __GFP_ZERO},
	{"__GFP_COMP", __GFP_COMP},
	{"__GFP_NOWARN", __GFP_NOWARN},
	{"__GFP_THISNODE", __GFP_THISNODE},
	{"__GFP_HIGH", __GFP_HIGH},
	{"__GFP_MEMALLOC", __GFP_MEMALLOC},
	{"__GFP_NOMEMALLOC", __GFP_NOMEMALLOC},
	{"__GFP_NORETRY", __GFP_NORETRY},
	{"__GFP_RETRY_MAYFAIL", __GFP_RETRY_MAYFAIL},
	{"__GFP_NOFAIL", __GFP_NOFAIL},
};

char *gfp_names(gfp_t gfp, char *buf, size_t size)
{
	size_t used = 0;
	gfp_t left = gfp;

	if (!size)
		return buf;
	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!names[i].flags || (left & names[i].flags) != names[i].flags)
			continue;
		left &= ~names[i].flags;
		used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? "|" : "",
					 names[i].name);
		if (used >= size)
			return buf;
	}
	if (left || !gfp)
		snprintf(buf + used, size - used, gfp ? "%s0x%x" : "%s%x", used ? "|" : "",
			 (unsigned int)left);
	return buf;
}

bool gfp_check(gfp_t gfp, unsigned int order, char *why, size_t size)
{
	if (gfp_acceptable(gfp, order))
		return true;
	if (order > MAX_PAGE_ORDER)
		snprintf(why, size, "order above %d", MAX_PAGE_ORDER);
	else if (gfp & ~__GFP_BITS_MASK)
		snprintf(why, size, "unknown flags 0x%x", (unsigned int)(gfp & ~__GFP_BITS_MASK));
	else
		snprintf(why, size, "__GFP_MOVABLE and __GFP_RECLAIMABLE exclude each other");
	return false;
}

static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	c |= 0x20; /* lower case */
	return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : 16;
}

/* 0x.., decimal. Not strtoul(), which writes to errno, in a thread-local block a host may not have. */
static int parse_number(const char *text, gfp_t *gfp)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned long number = 0;

	text += hex ? 2 : 0;
	do {
		unsigned int digit = digit_of(*text++);

		if (digit >= (hex ? 16 : 10))
			return -EINVAL;
		number = number * (hex ? 16 : 10) + digit;
		if (number > __GFP_BITS_MASK)
			return -EINVAL; /* has a bit that is no flag, and so have all longer ones */
	} while (*text);
	if (number & ~(unsigned long)__GFP_BITS_MASK)
		return -EINVAL;
	*gfp |= (gfp_t)number;
	return 0;
}

static int parse_one(const char *text, size_t length, gfp_t *gfp)
{
	char word[32];

	if (!length || length >= sizeof(word))
		return -EINVAL;
	memcpy(word, text, length);
	word[length] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(word, names[i].name)) {
			*gfp |= names[i].flags;
			return 0;
		}
	}
	if (word[0] < '0' || word[0] > '9')
		return -EINVAL;
	return parse_number(word, gfp);
}

int gfp_parse(const char *text, gfp_t *gfp)
{
	gfp_t flags = 0;

	for (;;) {
		size_t length = strcspn(text, "|");

		if (parse_one(text, length, &flags))
			return -EINVAL;
		if (!text[length])
			break;
		text += length + 1;
	}
	if (!gfp_acceptable(flags, 0))
		return -EINVAL;
	*gfp = flags;
	return 0;
}

const char *mm_migratetype_name(enum migratetype type)
{
	static const char *const type_names[MIGRATE_TYPES] = {
		"Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate"};

	return type_names[type];
}

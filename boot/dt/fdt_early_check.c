/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early_check.c: is what the loader passed a whole, well-formed device tree?
 *
 * After this every node can be visited and every property read without leaving the blob. It does
 * the work of libfdt's fdt_check_full(), which is missing from the libfdt that ships with Linux's
 * and U-Boot's sources, and says where the damage is. Nothing of the blob is given to libfdt
 * before: its arithmetic is signed and relies on lengths that are sane. Here all of it is unsigned,
 * and each length is compared with what is left before it is used.
 *
 * Bound: linear in totalsize.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <libfdt.h>

#include "fdt_early.h"
#include <quarry/port.h>

/* The header of version 16, and of 17, which adds size_dt_struct (5.2). */
#define HEADER_V16	36
#define HEADER_V17	40
#define VERSION_LOWEST	16 /* before it node names were whole paths */
#define VERSION_HIGHEST 17 /* last_comp_version of what can be read */

/* One line about the damage; empty while there is none. */
struct damage {
	char text[128];
};

/* The blocks of a tree, each within totalsize. */
struct blocks {
	const char *structure, *strings;
	uint32_t structure_size;
	uint32_t strings_size; /* without what follows the last terminator */
};

static int damaged(struct damage *damage, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int damaged(struct damage *damage, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(damage->text, sizeof(damage->text), fmt, args);
	va_end(args);
	return err;
}

/* ---- header -------------------------------------------------------------------------------- */

static int bad_header(struct damage *damage, int libfdt_error)
{
	return damaged(damage, -EINVAL, "corrupt device tree: bad header (%s)",
		       fdt_strerror(-libfdt_error));
}

/* Does a block lie between the header and the end of the tree? */
static bool block_fits(uint32_t start, uint32_t size, uint32_t header, uint32_t total)
{
	return start >= header && start <= total && size <= total - start;
}

/* Without the terminator of its last string the strings block is read no further (5.5). */
static uint32_t terminated(const char *strings, uint32_t size)
{
	while (size > 0 && strings[size - 1] != '\0')
		size--;
	return size;
}

static bool reservations_end(const char *fdt, uint32_t start, uint32_t total)
{
	for (; total - start >= sizeof(struct fdt_reserve_entry);
	     start += (uint32_t)sizeof(struct fdt_reserve_entry))
		if (fdt64_ld((const fdt64_t *)(const void *)(fdt + start + 8)) == 0)
			return true;
	return false;
}

/* totalsize is at most FDT_EARLY_MAX_SIZE, and so many bytes can be read. */
static int check_header(const char *fdt, uint32_t total, struct blocks *blocks,
			struct damage *damage)
{
	uint32_t version, header, structure, strings, reservations;

	if (total < HEADER_V16)
		return bad_header(damage, FDT_ERR_TRUNCATED);
	version = fdt_version(fdt);
	header = version >= 17 ? HEADER_V17 : HEADER_V16;
	if (version < VERSION_LOWEST || fdt_last_comp_version(fdt) > VERSION_HIGHEST ||
	    fdt_last_comp_version(fdt) > version)
		return bad_header(damage, FDT_ERR_BADVERSION);
	if (total < header)
		return bad_header(damage, FDT_ERR_TRUNCATED);

	structure = fdt_off_dt_struct(fdt);
	strings = fdt_off_dt_strings(fdt);
	reservations = fdt_off_mem_rsvmap(fdt);
	blocks->strings_size = fdt_size_dt_strings(fdt);
	blocks->structure_size = version >= 17	      ? fdt_size_dt_struct(fdt)
				 : structure <= total ? total - structure
						      : 0;
	if (!block_fits(structure, blocks->structure_size, header, total) ||
	    !block_fits(strings, blocks->strings_size, header, total) ||
	    !block_fits(reservations, sizeof(struct fdt_reserve_entry), header, total))
		return bad_header(damage, FDT_ERR_TRUNCATED);
	if (reservations & 7 || structure & 3)
		return damaged(damage, -EINVAL, "corrupt device tree: a block is misaligned");
	if (!reservations_end(fdt, reservations, total))
		return damaged(damage, -EINVAL,
			       "corrupt device tree: the memory reservation block does not end");
	blocks->structure = fdt + structure;
	blocks->strings = fdt + strings;
	blocks->strings_size = terminated(blocks->strings, blocks->strings_size);
	return 0;
}

/* The header, and what can be said before: an address, a magic, a size. */
static int check_blocks(const void *fdt, size_t avail, struct blocks *blocks, struct damage *damage)
{
	size_t size;

	if (!fdt)
		return damaged(damage, -ENOENT, "the loader passed no device tree (address 0)");
	if ((uintptr_t)fdt & 7)
		return damaged(damage, -EINVAL,
			       "the device tree's address ends in 0x%x: it must be a multiple of 8",
			       (unsigned int)((uintptr_t)fdt & 0xf));
	if (avail < HEADER_V16)
		return damaged(damage, -EINVAL,
			       "truncated device tree: %zu bytes cannot hold a header", avail);
	if (fdt_magic(fdt) != FDT_MAGIC)
		return damaged(damage, -EINVAL, "not a device tree: magic 0x%08x, expected 0x%08x",
			       (unsigned int)fdt_magic(fdt), FDT_MAGIC);
	size = fdt_totalsize(fdt);
	if (size > FDT_EARLY_MAX_SIZE)
		return damaged(damage, -E2BIG,
			       "oversized device tree: totalsize %zu, at most %zu bytes", size,
			       FDT_EARLY_MAX_SIZE);
	if (size > avail)
		return damaged(damage, -EINVAL,
			       "truncated device tree: totalsize %zu, but only %zu bytes", size,
			       avail);
	return check_header(fdt, (uint32_t)size, blocks, damage);
}

/* ---- structure ----------------------------------------------------------------------------- */

#define TAG_SIZE 4U

/* Where the walk is. All offsets are in the structure block. */
struct walk {
	const struct blocks *blocks;
	uint32_t at;	 /* the next token, or past the end */
	uint32_t tag_at; /* the token that is looked at */
	int depth;	 /* nodes that are open */
	bool root_seen;
	bool in_properties; /* of the innermost node no child has begun */
};

static uint32_t left(const struct walk *walk)
{
	return walk->blocks->structure_size - walk->at;
}

/* The next word; false at the end of the block. */
static bool next_word(struct walk *walk, uint32_t *word)
{
	if (walk->at > walk->blocks->structure_size || left(walk) < TAG_SIZE)
		return false;
	*word = fdt32_ld((const fdt32_t *)(const void *)(walk->blocks->structure + walk->at));
	walk->at += TAG_SIZE;
	return true;
}

/* What is wrong with the node that begins here; NULL if nothing is. */
static const char *begin_node(struct walk *walk)
{
	const char *name = walk->blocks->structure + walk->at, *end = memchr(name, 0, left(walk));

	if (!end)
		return "a node name without an end";
	if (walk->depth == 0 && walk->root_seen)
		return "a second root node";
	walk->at += ALIGN_UP((uint32_t)(end - name) + 1, TAG_SIZE);
	walk->root_seen = true;
	walk->in_properties = true;
	walk->depth++;
	return NULL;
}

static const char *end_node(struct walk *walk)
{
	walk->in_properties = false;
	return walk->depth-- == 0 ? "a node ends that never began" : NULL;
}

static const char *pass_property(struct walk *walk)
{
	uint32_t length, name;

	if (!next_word(walk, &length) || !next_word(walk, &name) || length > left(walk))
		return "a bad tag or length";
	if (!walk->in_properties)
		return "a property out of place";
	walk->at += ALIGN_UP(length, TAG_SIZE);
	if (name >= walk->blocks->strings_size)
		return "a property without a name";
	if (strnlen(walk->blocks->strings + name, FDT_EARLY_MAX_NAME + 1) > FDT_EARLY_MAX_NAME)
		return "a property name that is too long";
	return NULL;
}

static const char *next_tag(struct walk *walk, uint32_t *tag)
{
	walk->tag_at = walk->at;
	if (!next_word(walk, tag))
		return "the structure block ends early";
	switch (*tag) {
	case FDT_NOP:
		return NULL;
	case FDT_BEGIN_NODE:
		return begin_node(walk);
	case FDT_END_NODE:
		return end_node(walk);
	case FDT_PROP:
		return pass_property(walk);
	case FDT_END:
		return walk->depth || !walk->root_seen ? "the tree ends inside a node" : NULL;
	default:
		return "a bad tag or length";
	}
}

/*
 * Every tag in bounds, nodes nested, one root, properties before subnodes, names terminated. fn,
 * if there is one, is called for each node of which all properties have been passed, and ends the
 * walk when it returns another value than 0.
 */
static int check_structure(const void *fdt, const struct blocks *blocks,
			   int (*fn)(const void *fdt, int node, void *ctx), void *ctx,
			   struct damage *damage)
{
	struct walk walk = {.blocks = blocks};
	int node = -1; /* its properties are being passed */
	uint32_t tag;

	do {
		const char *what = next_tag(&walk, &tag);
		int err = 0;

		if (what)
			return damaged(damage, -EINVAL,
				       "corrupt device tree: %s at structure offset 0x%x", what,
				       (unsigned int)walk.tag_at);
		if (tag != FDT_BEGIN_NODE && tag != FDT_END_NODE)
			continue;
		if (fn && node >= 0)
			err = fn(fdt, node, ctx);
		if (err)
			return err;
		node = tag == FDT_BEGIN_NODE ? (int)walk.tag_at : -1;
	} while (tag != FDT_END);
	return 0;
}

/* ---- the whole ----------------------------------------------------------------------------- */

int fdt_early_check(const void *fdt, size_t avail)
{
	struct damage damage = {.text = ""};
	struct blocks blocks;
	int err = check_blocks(fdt, avail, &blocks, &damage);

	if (!err)
		err = check_structure(fdt, &blocks, NULL, NULL, &damage);
	if (err)
		port_log("fdt: %s", damage.text);
	return err;
}

bool fdt_early_is_whole(const void *fdt)
{
	struct damage damage;
	struct blocks blocks;

	return check_blocks(fdt, SIZE_MAX, &blocks, &damage) == 0 &&
	       check_structure(fdt, &blocks, NULL, NULL, &damage) == 0;
}

int fdt_early_each_sound_node(const void *fdt, int (*fn)(const void *fdt, int node, void *ctx),
			      void *ctx)
{
	struct damage damage;
	struct blocks blocks;
	int err = check_blocks(fdt, SIZE_MAX, &blocks, &damage);

	return err ? err : check_structure(fdt, &blocks, fn, ctx, &damage);
}

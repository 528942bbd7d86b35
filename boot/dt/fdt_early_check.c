/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early_check.c: is what the loader passed a whole, well-formed device tree?
 *
 * After this every node can be visited and every property read without leaving the blob. It does
 * the work of libfdt's fdt_check_full(), which is missing from the libfdt that ships with Linux's
 * and U-Boot's sources, on libfdt's own tag iterator, and says where the damage is.
 */
#include <errno.h>

#include <libfdt.h>

#include "fdt_early.h"
#include <quarry/port.h>

/* The smallest header there is: version 16's, which lacks size_dt_struct. */
#define HEADER_MIN 36

static int bad_structure(int offset, const char *what)
{
	port_log("fdt: corrupt device tree: %s at structure offset 0x%x", what,
		 (unsigned int)offset);
	return -EINVAL;
}

/* Every tag in bounds, nodes nested, one root, properties before subnodes, names terminated. */
static int check_structure(const void *fdt)
{
	bool root_seen = false, props_allowed = false;
	int depth = 0, offset, next = 0;

	for (;;) {
		const struct fdt_property *prop;
		uint32_t tag;
		int len;

		offset = next;
		tag = fdt_next_tag(fdt, offset, &next);
		if (next < 0)
			return bad_structure(offset, next == -FDT_ERR_TRUNCATED
							     ? "the structure block ends early"
							     : "a bad tag or length");
		switch (tag) {
		case FDT_NOP:
			break;
		case FDT_BEGIN_NODE:
			if (depth == 0 && root_seen)
				return bad_structure(offset, "a second root node");
			root_seen = true;
			props_allowed = true;
			depth++;
			break;
		case FDT_END_NODE:
			if (depth == 0)
				return bad_structure(offset, "a node ends that never began");
			props_allowed = false;
			depth--;
			break;
		case FDT_PROP:
			if (!props_allowed)
				return bad_structure(offset, "a property out of place");
			prop = fdt_get_property_by_offset(fdt, offset, &len);
			if (!prop || !fdt_get_string(fdt, (int)fdt32_ld(&prop->nameoff), &len))
				return bad_structure(offset, "a property without a name");
			break;
		default: /* FDT_END */
			if (depth || !root_seen)
				return bad_structure(offset, "the tree ends inside a node");
			return 0;
		}
	}
}

int fdt_early_check(const void *fdt, size_t avail)
{
	size_t size;
	int err;

	if (!fdt) {
		port_log("fdt: the loader passed no device tree (address 0)");
		return -ENOENT;
	}
	if ((uintptr_t)fdt & 7) {
		port_log("fdt: the device tree's address ends in 0x%x: it must be a multiple of 8",
			 (unsigned int)((uintptr_t)fdt & 0xf));
		return -EINVAL;
	}
	if (avail < HEADER_MIN) {
		port_log("fdt: truncated device tree: %zu bytes cannot hold a header", avail);
		return -EINVAL;
	}
	if (fdt_magic(fdt) != FDT_MAGIC) {
		port_log("fdt: not a device tree: magic 0x%08x, expected 0x%08x",
			 (unsigned int)fdt_magic(fdt), FDT_MAGIC);
		return -EINVAL;
	}
	size = fdt_totalsize(fdt);
	if (size > FDT_EARLY_MAX_SIZE) {
		port_log("fdt: oversized device tree: totalsize %zu, at most %zu bytes", size,
			 FDT_EARLY_MAX_SIZE);
		return -E2BIG;
	}
	if (size > avail) {
		port_log("fdt: truncated device tree: totalsize %zu, but only %zu bytes", size,
			 avail);
		return -EINVAL;
	}
	/* fdt_check_header() reads a version 17 header before it looks at totalsize. */
	err = size < HEADER_MIN + 4 ? -FDT_ERR_TRUNCATED : fdt_check_header(fdt);
	if (err) {
		port_log("fdt: corrupt device tree: bad header (%s)", fdt_strerror(err));
		return -EINVAL;
	}
	if (fdt_off_mem_rsvmap(fdt) & 7 || fdt_off_dt_struct(fdt) & 3) {
		port_log("fdt: corrupt device tree: a block is misaligned");
		return -EINVAL;
	}
	if (fdt_num_mem_rsv(fdt) < 0) {
		port_log("fdt: corrupt device tree: the memory reservation block does not end");
		return -EINVAL;
	}
	return check_structure(fdt);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hotplug.c: where memory may come and go at run time (quarry/memory_hotplug.h). bootargs name ranges
 * that are no memory yet, or that may go, mem_hotadd=SIZE@START[,SIZE@START...]; the device tree marks memory that may
 * go away, hotpluggable (Devicetree Specification 3.4): of it, the whole blocks that nothing is reserved
 * in are online, and boot keeps its own data off them.
 */
#include <errno.h>
#include <inttypes.h>
#include <quarry/memblock.h>
#include <quarry/mm.h>
#include <quarry/port.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/main.h"

static void from_bootargs(const char *text)
{
	int length = (int)strcspn(text, " ");
	phys_addr_t size, start;
	int error;

	do {
		text = boot_parse_size(text, &size);
		if (text && *text == '@')
			text = boot_parse_size(text + 1, &start);
		else
			text = NULL;
		if (!text || !strchr(", ", *text)) {
			port_log(
				"mem: bootargs: mem_hotadd= is a list of SIZE@START: what is behind "
				"it is ignored (%d bytes)",
				length);
			return;
		}
		error = hotplug_declare(start, size);
		if (error)
			port_log("mem: bootargs: %#" PRIx64 " bytes at %#" PRIx64 ": %s", size,
				 start,
				 error == -EINVAL   ? "not a multiple of 4 MiB above 0"
				 : error == -EEXIST ? "a part of it is memory already, or reserved"
						    : "no room for one more range");
	} while (*text++ == ',');
}

/* The whole blocks of a region that is marked. */
static void from_tree(const struct memblock_region *region)
{
	phys_addr_t base = ALIGN_UP(region->base, MM_MEMORY_BLOCK_SIZE);
	phys_addr_t end = ALIGN_DOWN(region->base + region->size, MM_MEMORY_BLOCK_SIZE);
	int error = base < end ? hotplug_declare(base, end - base) : -EINVAL;

	if (error)
		port_log("mem: hotpluggable memory at %#" PRIx64 " stays: %s", region->base,
			 error == -EINVAL   ? "no whole block of 4 MiB"
			 : error == -EEXIST ? "a part of it is reserved"
					    : "no room for one more range");
}

void boot_find_hotplug(void)
{
	const char *args = boot_option(boot_info.bootargs, "mem_hotadd=");
	struct memblock_region marked[MM_HOTPLUG_RANGES];
	unsigned int count = 0;

	/* a range that is named changes memblock's arrays */
	for (unsigned long i = 0; i < memblock.memory.cnt && count < MM_HOTPLUG_RANGES; i++)
		if (memblock.memory.regions[i].flags & MEMBLOCK_HOTPLUG)
			marked[count++] = memblock.memory.regions[i];
	for (unsigned int n = 0; n < count; n++)
		from_tree(&marked[n]);
	if (args)
		from_bootargs(args);
}

void boot_start_hotplug(void)
{
	uint64_t start = machine_instret(), used;
	struct hotplug_info info;
	struct mm_layout layout;
	uint64_t pages = 0;

	if (!hotplug_init_ranges())
		return;
	used = machine_instret() - start;
	for (unsigned int n = 0; hotplug_get_info(n, &info); n++) {
		if (!(info.absent | info.online)) /* it stays reserved */
			continue;
		port_log("mem: %lu blocks of 4 MiB at %#" PRIx64 " may %s", info.blocks, info.base,
			 info.online ? "go" : "come");
		pages += info.blocks << MAX_PAGE_ORDER;
	}
	mm_get_layout(&layout);
	port_log("mem: what may come and go costs %" PRIu64 " bytes",
		 layout.memmap_bytes * pages / layout.present_pages);
	if (counter_counts())
		port_log("mem: and %" PRIu64 " instructions at boot", used);
}

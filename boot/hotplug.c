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

static void log_stays(phys_addr_t base, const char *why)
{
	port_log("mem: hotpluggable memory at %#" PRIx64 " stays: %s", base, why);
}

/*
 * The next run of whole blocks from *at on, below end, in which nothing is reserved, becomes reserved, so
 * that nothing of boot's comes there. Its bytes; 0: there is none.
 */
static phys_addr_t claim_run(phys_addr_t *at, phys_addr_t end)
{
	phys_addr_t stop;

	while (*at < end && memblock_is_region_reserved(*at, MM_MEMORY_BLOCK_SIZE))
		*at += MM_MEMORY_BLOCK_SIZE;
	stop = *at;
	while (stop < end && !memblock_is_region_reserved(stop, MM_MEMORY_BLOCK_SIZE))
		stop += MM_MEMORY_BLOCK_SIZE;
	return stop > *at && memblock_reserve(*at, stop - *at) == 0 ? stop - *at : 0;
}

/* The runs of a region that is marked, but for the block of frame 0. Returns how many there are now. */
static unsigned int claim_marked(const struct memblock_region *region, struct memblock_region *runs,
				 unsigned int count)
{
	phys_addr_t at = ALIGN_UP(region->base ? region->base : 1, MM_MEMORY_BLOCK_SIZE);
	phys_addr_t end = ALIGN_DOWN(region->base + region->size, MM_MEMORY_BLOCK_SIZE), size;
	unsigned int before = count;

	for (; at < end && count < MM_HOTPLUG_RANGES; at += size) {
		size = claim_run(&at, end);
		if (!size)
			break;
		runs[count++] = (struct memblock_region){.base = at, .size = size};
	}
	if (count == MM_HOTPLUG_RANGES && at < end)
		log_stays(at, "no room for one more range");
	else if (count == before)
		log_stays(region->base, "no whole block of 4 MiB that is not reserved");
	return count;
}

void boot_find_hotplug(void)
{
	const char *args = boot_option(boot_info.bootargs, "mem_hotadd=");
	struct memblock_region runs[MM_HOTPLUG_RANGES];
	unsigned int count = 0;

	/* a range that is named changes memblock's arrays, and takes memory: all are claimed before */
	for (unsigned long i = 0; i < memblock.memory.cnt; i++)
		if (memblock.memory.regions[i].flags == MEMBLOCK_HOTPLUG) /* and no no-map */
			count = claim_marked(&memblock.memory.regions[i], runs, count);
	for (unsigned int n = 0; n < count; n++) {
		int error = memblock_phys_free(runs[n].base, runs[n].size);

		if (!error)
			error = hotplug_declare(runs[n].base, runs[n].size);
		if (error)
			log_stays(runs[n].base, "no room for one more range");
	}
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

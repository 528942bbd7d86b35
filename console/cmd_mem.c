/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_mem.c: memory that comes and goes, in blocks of 4 MiB.
 */
#include <errno.h>
#include <inttypes.h>
#include <quarry/mm.h>
#include <stdio.h>
#include <string.h>

#include "console/command.h"
#include "console/parse.h"

static void print_ranges(void)
{
	struct hotplug_info info;

	printf("%-12s %10s %7s %7s %8s %7s\n", "base", "kB", "absent", "offline", "online",
	       "blocks");
	for (unsigned int n = 0; hotplug_get_info(n, &info); n++)
		printf("0x%-10" PRIx64 " %10" PRIu64 " %7lu %7lu %8lu %7lu\n", info.base,
		       info.blocks * (MM_MEMORY_BLOCK_SIZE >> 10), info.absent, info.offline,
		       info.online, info.blocks);
}

/* The first block that is not in the state which is asked for. */
static void print_state(phys_addr_t addr, phys_addr_t size, enum memory_block_state wanted)
{
	static const char *const name[] = {NULL, "absent", "offline", "online", "about to change"};

	for (phys_addr_t end = addr + size; addr < end; addr += MM_MEMORY_BLOCK_SIZE) {
		enum memory_block_state state = memory_block_state(addr);

		if (state == wanted)
			continue;
		if (state == MEM_UNKNOWN)
			break;
		printf("mem: block 0x%" PRIx64 " is %s, not %s\n", addr, name[state], name[wanted]);
		return;
	}
	printf("mem: not whole blocks of 4 MiB of one range that 'mem' lists\n");
}

static int offline(phys_addr_t addr, unsigned long pages)
{
	pfn_t busy = contig_busy_page(PFN_DOWN(addr), PFN_DOWN(addr) + pages, MIGRATE_MOVABLE);
	int error = offline_pages(PFN_DOWN(addr), pages);
	struct page_info info;

	if (error == -EBUSY && busy != MM_NO_PFN && mm_page_info(busy, &info) == 0)
		printf("mem: page 0x%" PRIx64 " stays: block 0x%" PRIx64
		       " order %u, %u references, owner 0x%" PRIx32 "\n",
		       PFN_PHYS(busy), PFN_PHYS(info.head_pfn), info.order, info.refcount,
		       info.owner);
	else if (error == -EBUSY)
		printf("mem: a page was in use, or had nowhere to go\n");
	return error;
}

static int change(const char *verb, phys_addr_t addr, phys_addr_t size)
{
	unsigned long pages = (unsigned long)(size >> PAGE_SHIFT);

	switch (*verb == 'o' ? verb[1] : *verb) {
	case 'a':
		return add_memory(addr, size);
	case 'r':
		return remove_memory(addr, size);
	case 'n':
		return online_pages(PFN_DOWN(addr), pages);
	default:
		return offline(addr, pages);
	}
}

static int cmd_mem(int argc, char **argv)
{
	static const struct {
		const char *verb;
		enum memory_block_state from;
	} verbs[] = {{"add", MEM_ABSENT},
		     {"online", MEM_OFFLINE},
		     {"offline", MEM_ONLINE},
		     {"remove", MEM_OFFLINE}};
	uint64_t addr, size = MM_MEMORY_BLOCK_SIZE;
	size_t n = 0;
	int error;

	if (argc == 1) {
		print_ranges();
		return 0;
	}
	while (n < sizeof(verbs) / sizeof(verbs[0]) && strcmp(argv[1], verbs[n].verb) != 0)
		n++;
	if (argc < 3 || argc > 4 || n == sizeof(verbs) / sizeof(verbs[0]))
		return console_usage(argv[0]);
	if (parse_u64(argv[2], PHYS_ADDR_MAX, &addr) != 0 || addr % MM_MEMORY_BLOCK_SIZE != 0) {
		printf("mem: '%s' is not the address of a block (multiple of 4 MiB)\n", argv[2]);
		return 1;
	}
	if (argc == 4 && (parse_u64(argv[3], PHYS_ADDR_MAX - addr, &size) != 0 || size == 0 ||
			  size % MM_MEMORY_BLOCK_SIZE != 0)) {
		printf("mem: '%s' is not a number of bytes (multiple of 4 MiB)\n", argv[3]);
		return 1;
	}
	error = change(argv[1], addr, size);
	if (error == -ENOMEM)
		printf("mem: memblock has no room for one more region\n");
	else if (error && !(error == -EBUSY && verbs[n].from == MEM_ONLINE))
		print_state(addr, size, verbs[n].from);
	return error ? 1 : 0;
}

CONSOLE_COMMAND_WORDS(
	mem, cmd_mem, "mem [add|online|offline|remove <address> [<bytes>]]",
	"memory that comes and goes, in blocks of 4 MiB\n"
	"ranges are named at boot: mem_hotadd=64M@0x90000000, or hotpluggable memory\n"
	"bytes: default one block; online: it is allocated from; offline: no more\n"
	"example: mem add 0x90000000 0x4000000",
	"add online offline remove");

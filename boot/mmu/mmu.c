/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmu.c: what is mapped, and how: see mmu.h.
 *
 * mmu_policy() and mmu_describe() answer from one list of special ranges and from memblock.
 * mmu_init() walks the answers from address 0 up and writes them into the tables.
 */
#include "boot/mmu/mmu.h"

#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <quarry/memblock.h>
#include <quarry/mm.h>
#include <quarry/port.h>

#include "boot/boot.h"
#include "boot/console_early.h"

/* defined by the linker script, in this order; each starts a page */
extern const char __image_start[], __rodata_start[], __rodata_end[], __emergency_guard[],
	__emergency_stack_low[], __stack_guard[], __stack_low[], __keep_end[];

static uint64_t root[PGTABLE_ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static struct pgtable pgtable;
static const char *mode = "off";
static bool enabled;

/* ---- policy ---------------------------------------------------------------------------------- */

#define PG_TEXT	     (PG_READ | PG_EXEC)
#define PG_CONST     PG_READ
#define PG_DATA	     (PG_READ | PG_WRITE)
#define PG_REGISTERS (PG_READ | PG_WRITE | PG_DEVICE)

/* Ranges that are not simply memory. Where two overlap the first one decides. */
struct special {
	const char *name;
	phys_addr_t start, end;
	unsigned int flags;
};
static struct special specials[10];
static unsigned int nr_specials;

static void add_special(const char *name, phys_addr_t start, phys_addr_t end, unsigned int flags)
{
	specials[nr_specials++] = (struct special){name, start, end, flags};
}

static void list_specials(void)
{
	phys_addr_t fdt = boot_info.fdt_phys;

	nr_specials = 0;
	add_special("address 0", 0, PAGE_SIZE, 0);
	add_special("text", virt_to_phys(__image_start), virt_to_phys(__rodata_start), PG_TEXT);
	add_special("constants", virt_to_phys(__rodata_start), virt_to_phys(__rodata_end),
		    PG_CONST);
	add_special("data", virt_to_phys(__rodata_end), virt_to_phys(__emergency_guard), PG_DATA);
	add_special("emergency stack guard", virt_to_phys(__emergency_guard),
		    virt_to_phys(__emergency_stack_low), 0);
	add_special("emergency stack", virt_to_phys(__emergency_stack_low),
		    virt_to_phys(__stack_guard), PG_DATA);
	add_special("stack guard", virt_to_phys(__stack_guard), virt_to_phys(__stack_low), 0);
	add_special("stack", virt_to_phys(__stack_low), virt_to_phys(__keep_end), PG_DATA);
	add_special("device tree", ALIGN_DOWN(fdt, PAGE_SIZE),
		    ALIGN_UP(fdt + fdt_totalsize(boot_info.fdt), PAGE_SIZE), PG_CONST);
}

/* The first special range that has addr; *end comes down to where an answer for addr may change. */
static const struct special *find_special(phys_addr_t addr, phys_addr_t *end)
{
	static const struct special guard = {.name = "stack guard of another CPU"};

	if (smp_find_guard(addr, end))
		return &guard;
	for (unsigned int i = 0; i < nr_specials; i++) {
		const struct special *s = &specials[i];

		if (addr >= s->start && addr < s->end) {
			*end = s->end < *end ? s->end : *end;
			return s;
		}
		if (addr < s->start && s->start < *end)
			*end = s->start;
	}
	return NULL;
}

/*
 * The memory region that has addr, or NULL; *end comes down to its end, or to the start of the
 * next.
 */
static const struct memblock_region *find_memory(phys_addr_t addr, phys_addr_t *end)
{
	const struct memblock_region *regions = memblock.memory.regions;
	unsigned long low = 0, high = memblock.memory.cnt;

	while (low < high) {
		unsigned long mid = low + (high - low) / 2;

		if (regions[mid].base + regions[mid].size <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == memblock.memory.cnt)
		return NULL;
	if (addr < regions[low].base) {
		*end = regions[low].base < *end ? regions[low].base : *end;
		return NULL;
	}
	if (regions[low].base + regions[low].size < *end)
		*end = regions[low].base + regions[low].size;
	return &regions[low];
}

unsigned int mmu_policy(phys_addr_t addr, phys_addr_t *end)
{
	const struct memblock_region *memory;
	const struct special *special;

	*end = PHYS_ADDR_MAX;
	special = find_special(addr, end);
	if (special)
		return special->flags;
	memory = find_memory(addr, end);
	return memory && !(memory->flags & MEMBLOCK_NOMAP) ? PG_DATA : 0;
}

const char *mmu_describe(phys_addr_t addr, phys_addr_t *end)
{
	const struct memblock_region *memory;
	const struct special *special;
	phys_addr_t limit = PHYS_ADDR_MAX;

	if (!end)
		end = &limit;
	*end = PHYS_ADDR_MAX;
	special = find_special(addr, end);
	if (special)
		return special->name;
	memory = find_memory(addr, end);
	if (memory)
		return memory->flags & MEMBLOCK_NOMAP ? "no-map memory" : "memory";
	if (enabled && pgtable_lookup(&pgtable, addr).flags & PG_DEVICE)
		return "device registers";
	if (enabled && pgtable_lookup(&pgtable, addr).flags & PG_UNCACHED)
		return "uncached memory";
	return NULL;
}

const char *mmu_flags_text(unsigned int flags)
{
	switch (flags & (PG_READ | PG_WRITE | PG_EXEC)) {
	case 0:
		return "not mapped";
	case PG_READ:
		return "read";
	case PG_READ | PG_WRITE:
		return "read, write";
	case PG_READ | PG_EXEC:
		return "read, execute";
	case PG_READ | PG_WRITE | PG_EXEC:
		return "read, write, execute";
	}
	return "an odd combination of rights";
}

void mmu_report(phys_addr_t addr)
{
	const char *name = mmu_describe(addr, NULL);

	if (enabled)
		port_log("trap: page %#" PRIx64 ": %s (%s)", ALIGN_DOWN(addr, PAGE_SIZE),
			 name ? name : "neither memory nor a device in use",
			 mmu_flags_text(pgtable_lookup(&pgtable, addr).flags));
}

/* ---- building -------------------------------------------------------------------------------- */

static bool page_allocator_runs(void)
{
	struct mm_layout layout;

	mm_get_layout(&layout);
	return layout.present_pages > 0;
}

static void *alloc_table(void)
{
	if (page_allocator_runs())
		return (void *)get_zeroed_page(GFP_KERNEL);
	return memblock_alloc(PAGE_SIZE, PAGE_SIZE);
}

void mmu_probe(void)
{
	phys_addr_t reach = mmu_arch_reach(root);

	pgtable.reach = reach;
	if (reach && reach < memblock_get_current_limit())
		memblock_set_current_limit(reach);
}

/* Take memory that no table reaches off the map. */
static void drop_unreachable(phys_addr_t reach)
{
	const struct memblock_region *region;

	for_each_mem_region (region) {
		phys_addr_t end = region->base + region->size;

		if (end > reach)
			port_log("mmu: memory %#" PRIx64 "-%#" PRIx64 " is dropped from %#" PRIx64
				 " on: no page table of this CPU reaches it",
				 region->base, end, region->base > reach ? region->base : reach);
	}
	memblock_remove(reach, PHYS_ADDR_MAX - reach);
}

/* The end of everything that has to be mapped. */
static phys_addr_t end_of_map(void)
{
	phys_addr_t end = memblock_end_of_DRAM();

	for (unsigned int i = 0; i < nr_specials; i++)
		end = specials[i].end > end ? specials[i].end : end;
	return end;
}

phys_addr_t mmu_console(void)
{
	phys_addr_t base = 0;

	console_firmware(&base);
	return base;
}

void mmu_init(void)
{
	phys_addr_t end, next, console;

	list_specials();
	if (!pgtable.reach) {
		port_log("mmu: this CPU has no page tables that reach the image: it stays off, "
			 "nothing is protected");
		return;
	}
	drop_unreachable(pgtable.reach);
	end = end_of_map();
	if (end > pgtable.reach)
		port_panic("mmu: the device tree at %#" PRIx64
			   " is out of reach of this CPU's page "
			   "tables, which end at %#" PRIx64,
			   boot_info.fdt_phys, pgtable.reach);
	/* page 0 stays out of reach of every pointer, so it is never handed out */
	if (memblock_is_memory(0))
		memblock_reserve(0, PAGE_SIZE);
	mode = mmu_arch_select(&pgtable, end);
	pgtable.root = root;
	pgtable.alloc = alloc_table;
	for (phys_addr_t addr = 0; addr < end; addr = next) {
		unsigned int flags = mmu_policy(addr, &next);
		int err;

		next = next < end ? next : end;
		err = flags ? pgtable_map(&pgtable, addr, next, flags) : 0;
		if (err)
			port_panic("mmu: no page tables for %#" PRIx64 "-%#" PRIx64 " (error %d)",
				   addr, next, err);
	}
	console = ALIGN_DOWN(mmu_console(), PAGE_SIZE);
	if (console && pgtable_map(&pgtable, console, console + PAGE_SIZE, PG_REGISTERS))
		port_panic("mmu: the console's registers at %#" PRIx64 " cannot be mapped",
			   console);
	mmu_arch_enable(&pgtable);
	enabled = true;
	/* the map so far may have been of part of the memory alone (boot/arm64/mmu_early_map.c) */
	memblock_set_current_limit(pgtable.reach);
	port_log("mmu: %s, %lu pages of tables", mode, pgtable.pages + 1);
}

void mmu_enable_this_cpu(void)
{
	if (enabled)
		mmu_arch_enable(&pgtable);
}

bool mmu_enabled(void)
{
	return enabled;
}

int mmu_map_memory(phys_addr_t start, phys_addr_t end)
{
	int err = enabled ? pgtable_map(&pgtable, start, end, PG_DATA) : 0;

	if (!err)
		mmu_arch_sync();
	return err;
}

struct pgtable *mmu_live_tables(void)
{
	return &pgtable;
}

const struct pgtable *mmu_pgtable(void)
{
	return &pgtable;
}

const char *mmu_mode(void)
{
	return mode;
}

/* ---- devices --------------------------------------------------------------------------------- */

void *ioremap(phys_addr_t addr, size_t size)
{
	phys_addr_t start = ALIGN_DOWN(addr, PAGE_SIZE), end;
	int err;

	if (size == 0 || addr > PHYS_ADDR_MAX - PAGE_SIZE ||
	    size > PHYS_ADDR_MAX - PAGE_SIZE - addr) {
		port_log("mmu: device registers at %#" PRIx64 ": not a range of addresses", addr);
		return NULL;
	}
	end = ALIGN_UP(addr + size, PAGE_SIZE);
	if (memblock_overlaps_region(&memblock.memory, start, end - start)) {
		port_log("mmu: device registers %#" PRIx64 "-%#" PRIx64 " lie in memory: refused",
			 addr, addr + size);
		return NULL;
	}
	if (!enabled)
		return phys_to_virt(addr);
	err = pgtable_map(&pgtable, start, end, PG_REGISTERS);
	if (err) {
		port_log("mmu: device registers %#" PRIx64 "-%#" PRIx64 " cannot be mapped: %s",
			 addr, addr + size,
			 err == -ENOMEM	  ? "no page for a table"
			 : err == -ERANGE ? "beyond the reach of the page tables"
					  : "mapped otherwise");
		return NULL;
	}
	mmu_arch_sync();
	return phys_to_virt(addr);
}

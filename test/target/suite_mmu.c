/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suite_mmu.c: the page tables refuse what they should, with a trap report that names the page, and the
 * next case runs. What is allowed and what is not is also compared with the live tables, page for page.
 */
#include "ktap.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <quarry/memblock.h>
#include <quarry/mm.h>
#include <quarry/port.h>

#include "boot/boot.h"
#include "boot/mmu/mmu.h"
#include "boot/cpu/smp.h"
#include "boot/cpu/trap_expect.h"
#include "drivers/timer/timer.h"

extern const char __image_start[], __rodata_start[], __rodata_end[], __emergency_guard[],
	__stack_guard[], __stack_low[];

/* ---- accesses that may trap ------------------------------------------------------------------------ */

static void load(uintptr_t addr)
{
	(void)*(volatile uint8_t *)addr;
}

static void store(uintptr_t addr)
{
	*(volatile uint8_t *)addr = 0x5a;
}

static void jump(uintptr_t addr)
{
	((void (*)(void))addr)();
}

/* Use up the stack unless *above is 0; the loads keep each frame alive. */
static __attribute__((noinline)) unsigned int recurse(volatile char *above)
{
	volatile char frame[256];

	frame[0] = above[0];
	if (frame[0] == 0)
		return 0;
	return recurse(frame) + (unsigned int)(unsigned char)frame[0];
}

static void overflow(uintptr_t arg)
{
	volatile char first = (char)arg;

	recurse(&first);
}

/* ---- the report ------------------------------------------------------------------------------------ */

static struct {
	char wanted[128];
	char cause[16];
	unsigned int pages, causes, ends;
} report;

/* Lines since the last marker. */
static void look_at(const char *line)
{
	if (strstr(line, "mmu test: ")) {
		report.pages = report.causes = report.ends = 0;
		return;
	}
	report.pages += strstr(line, report.wanted) != NULL;
	report.causes += strstr(line, "trap: ") && strstr(line, report.cause);
	report.ends += strstr(line, "trap: expected: going on") != NULL;
}

/*
 * fn(addr) must be refused by the tables, as the given access to `at` (addr itself, unless fn goes elsewhere), and the
 * report must call the page by name. Returns the address that trapped, 0 if none did.
 */
static uintptr_t expect_trap(void (*fn)(uintptr_t addr), uintptr_t addr, enum trap_access access,
			     const char *name, const char *rights)
{
	struct trap_record record = {.access = TRAP_NO_ACCESS};

	/* without page tables the access would go through */
	if (!EXPECT(mmu_enabled()))
		return 0;
	log_set_console(false);
	port_log("mmu test: %#lx", (unsigned long)addr);
	log_set_console(true);
	if (!EXPECT(trap_expect(fn, addr, &record)))
		return 0;
	EXPECT(record.by_tables);
	EXPECT_EQ(access, record.access);
	snprintf(report.wanted, sizeof(report.wanted), "trap: page %#lx: %s (%s)",
		 (unsigned long)ALIGN_DOWN(record.addr, PAGE_SIZE), name, rights);
	snprintf(report.cause, sizeof(report.cause), "%lx", (unsigned long)record.addr);
	log_dump(look_at);
	if (!EXPECT_EQ(1, report.pages))
		test_note("missing from the report: %s", report.wanted);
	EXPECT(report.causes > 0);
	EXPECT_EQ(1, report.ends);
	return record.addr;
}

static void expect_trap_at(void (*fn)(uintptr_t addr), uintptr_t addr, enum trap_access access,
			   const char *name, const char *rights)
{
	EXPECT_EQ(addr, expect_trap(fn, addr, access, name, rights));
}

/* ---- cases ----------------------------------------------------------------------------------------- */

static void text(void)
{
	uintptr_t start = (uintptr_t)__image_start, end = (uintptr_t)__rodata_start;
	uint8_t before = *(const uint8_t *)(uintptr_t)expect_trap;

	expect_trap_at(store, start, TRAP_WRITE, "text", "read, execute");
	expect_trap_at(store, (uintptr_t)expect_trap, TRAP_WRITE, "text", "read, execute");
	expect_trap_at(store, end - 1, TRAP_WRITE, "text", "read, execute");
	EXPECT_EQ(before, *(const uint8_t *)(uintptr_t)expect_trap);
}

static void rodata(void)
{
	static const char constant[] = "constant";
	static const char *const relocated[] = {constant};
	uintptr_t end = (uintptr_t)__rodata_end;

	expect_trap_at(store, (uintptr_t)constant, TRAP_WRITE, "constants", "read");
	expect_trap_at(store, (uintptr_t)relocated, TRAP_WRITE, "constants", "read");
	expect_trap_at(store, end - 1, TRAP_WRITE, "constants", "read");
	expect_trap_at(jump, (uintptr_t)__rodata_start, TRAP_EXECUTE, "constants", "read");
	EXPECT_EQ('c', *(volatile const char *)relocated[0]);
}

static void device_tree(void)
{
	uintptr_t fdt = (uintptr_t)boot_info.fdt;

	expect_trap_at(store, fdt, TRAP_WRITE, "device tree", "read");
	expect_trap_at(jump, fdt, TRAP_EXECUTE, "device tree", "read");
	EXPECT_EQ(0xd0, *(const volatile uint8_t *)boot_info.fdt);
}

/* A return instruction in a page from the allocator, in .data and on the stack: none of them runs. */
static void execute_data(void)
{
#if defined(__riscv)
	const uint32_t ret = 0x00008067;
#elif defined(__aarch64__)
	const uint32_t ret = 0xd65f03c0;
#else
#error "the return instruction of this machine"
#endif
	static uint32_t in_data;
	volatile uint32_t on_stack = ret;
	uint32_t *page = (uint32_t *)__get_free_page(GFP_KERNEL);

	if (!EXPECT(page))
		return;
	in_data = *page = ret;
	expect_trap_at(jump, (uintptr_t)page, TRAP_EXECUTE, "memory", "read, write");
	expect_trap_at(jump, (uintptr_t)&in_data, TRAP_EXECUTE, "data", "read, write");
	expect_trap_at(jump, (uintptr_t)&on_stack, TRAP_EXECUTE, "stack", "read, write");
	EXPECT_EQ(0, free_page((unsigned long)page));
}

static void guards(void)
{
	uintptr_t guard = (uintptr_t)__stack_guard;
	uintptr_t low = (uintptr_t)__stack_low;
	uintptr_t emergency = (uintptr_t)__emergency_guard;

	expect_trap_at(store, low - 1, TRAP_WRITE, "stack guard", "not mapped");
	expect_trap_at(load, guard, TRAP_READ, "stack guard", "not mapped");
	expect_trap_at(jump, guard, TRAP_EXECUTE, "stack guard", "not mapped");
	expect_trap_at(store, emergency, TRAP_WRITE, "emergency stack guard", "not mapped");
}

static void stack_overflow(void)
{
	uintptr_t addr = expect_trap(overflow, 1, TRAP_WRITE, "stack guard", "not mapped");

	EXPECT_LE(addr, (uintptr_t)__stack_guard);
	EXPECT(addr < (uintptr_t)__stack_low);
}

static volatile unsigned int ticks;

static void on_tick(void *arg)
{
	(void)arg;
	ticks++;
}

/* Go down until less than 250 bytes of stack are left, which no trap's frame fits in, and wait for three interrupts there. */
static __attribute__((noinline)) bool wait_below(volatile char *above)
{
	volatile char frame[64];
	uint64_t deadline;

	frame[0] = above[0];
	if ((uintptr_t)frame - boot_cpu.stack_low > 250)
		return wait_below(frame) && frame[0] == above[0];
	deadline = machine_ticks() + 10 * boot_info.timebase_hz;
	while (ticks < 3 && machine_ticks() < deadline)
		;
	return ticks >= 3;
}

/* An interrupt needs more stack than is left: it is served all the same, elsewhere. */
static void interrupt_at_stack_end(void)
{
	volatile char first = 1;

	if (timer_hz() == 0) {
		test_note(
			"mmu.interrupt_at_stack_end: this machine has no timer: nothing to serve");
		EXPECT(mmu_enabled());
		return;
	}
	ticks = 0;
	EXPECT_EQ(0, timer_set(NSEC_PER_MSEC, true, on_tick, NULL));
	EXPECT(wait_below(&first));
	timer_set(0, false, NULL, NULL);
}

static void address_0(void)
{
	expect_trap_at(load, 0, TRAP_READ, "address 0", "not mapped");
	expect_trap_at(store, 0, TRAP_WRITE, "address 0", "not mapped");
	expect_trap_at(store, PAGE_SIZE - 1, TRAP_WRITE, "address 0", "not mapped");
	expect_trap_at(jump, 0, TRAP_EXECUTE, "address 0", "not mapped");
}

/* Needs a tree with no-map memory; where there is none this checks that, and says so. */
static void no_map(void)
{
	const struct memblock_region *region;
	unsigned int tried = 0;

	for_each_mem_region (region) {
		phys_addr_t last = region->base + region->size - 1, end;

		if (!(region->flags & MEMBLOCK_NOMAP) ||
		    strcmp(mmu_describe(region->base, &end), "no-map memory") != 0)
			continue;
		expect_trap_at(load, region->base, TRAP_READ, "no-map memory", "not mapped");
		expect_trap_at(store, region->base, TRAP_WRITE, "no-map memory", "not mapped");
		expect_trap_at(jump, region->base, TRAP_EXECUTE, "no-map memory", "not mapped");
		if (end == last + 1)
			expect_trap_at(store, last, TRAP_WRITE, "no-map memory", "not mapped");
		log_set_console(false);
		EXPECT(!ioremap(region->base, PAGE_SIZE));
		log_set_console(true);
		tried++;
	}
	if (tried == 0)
		test_note("mmu.no_map: this machine has no no-map memory: nothing was touched");
	else
		test_note("mmu.no_map: %u regions touched", tried);
	EXPECT(mmu_enabled());
}

/* The lowest address that is neither memory nor a device in use. */
static void hole(void)
{
	phys_addr_t addr = PAGE_SIZE, end;

	while (addr < mmu_pgtable()->reach && mmu_describe(addr, &end)) {
		phys_addr_t entry_end = pgtable_lookup(mmu_pgtable(), addr).end;

		addr = end < entry_end ? end : entry_end;
	}
	if (!EXPECT(addr < mmu_pgtable()->reach))
		return;
	expect_trap_at(load, addr, TRAP_READ, "neither memory nor a device in use", "not mapped");
	expect_trap_at(store, addr, TRAP_WRITE, "neither memory nor a device in use", "not mapped");
}

/* Device registers that nobody asked for are not mapped; ioremap() refuses memory and nonsense. */
static void remap(void)
{
	log_set_console(false);
	EXPECT(!ioremap(memblock_start_of_DRAM(), PAGE_SIZE));
	EXPECT(!ioremap(memblock_end_of_DRAM() - 1, 2));
	EXPECT(!ioremap(mmu_pgtable()->reach - PAGE_SIZE, 2 * PAGE_SIZE));
	EXPECT(!ioremap(PHYS_ADDR_MAX - 3, 4));
	EXPECT(!ioremap(memblock_end_of_DRAM(), 0));
	log_set_console(true);
}

/* The live tables, entry by entry: the identity, never writable and executable, and what the policy says. */
static void tables(void)
{
	const struct pgtable *pgt = mmu_pgtable();
	unsigned long entries = 0, wrong = 0;
	phys_addr_t mapped = 0, memory_size = 0, next, start, end;
	uint64_t i;

	if (!EXPECT(mmu_enabled()))
		return;
	for (phys_addr_t addr = 0; addr < pgt->reach; addr = next) {
		struct pgtable_range range = pgtable_lookup(pgt, addr);
		unsigned int policy = mmu_policy(addr, &next);
		bool good = range.start <= addr && addr < range.end;

		next = range.end < next ? range.end : next;
		if (range.flags & PG_DEVICE)
			good &= policy == 0 && !memblock_is_memory(addr) &&
				range.flags == (PG_READ | PG_WRITE | PG_DEVICE);
		else
			good &= range.flags == policy;
		if (range.flags) {
			good &= range.output == range.start;
			good &= (range.flags & (PG_WRITE | PG_EXEC)) != (PG_WRITE | PG_EXEC);
			entries++;
			mapped += range.flags & PG_DEVICE ? 0 : next - addr;
		}
		if (!good && wrong++ < 4)
			test_note("%#" PRIx64 "-%#" PRIx64 " is mapped 0x%x, policy 0x%x", addr,
				  next, range.flags, policy);
	}
	EXPECT_EQ(0, wrong);
	/* all memory but two guards a CPU, no-map memory and page 0; an image or tree elsewhere adds to it */
	for_each_mem_range (i, &start, &end)
		memory_size += end - start;
	EXPECT_LE(mapped + (1 + 2 * smp_nr_cpus()) * PAGE_SIZE, memory_size);
	test_note("%lu entries map %" PRIu64 " kB of memory, %lu pages of tables", entries,
		  mapped >> 10, pgt->pages + 1);
}

/* Memory and allocator metadata beside the mapped image can all be written. */
static void memory(void)
{
	struct page *pages[8];
	unsigned int order;

	for (order = 0; order < 8; order++) {
		pages[order] = alloc_pages(GFP_KERNEL, order);
		if (!EXPECT(pages[order]))
			break;
		memset(page_address(pages[order]), 0xa5, PAGE_SIZE << order);
		EXPECT_EQ(PG_READ | PG_WRITE,
			  pgtable_lookup(mmu_pgtable(), page_to_phys(pages[order])).flags);
	}
	while (order-- > 0)
		EXPECT_EQ(0, __free_pages(pages[order], order));
}

/* Code that does not trap comes back as usual, and later traps are unexpected again. */
static void no_trap(void)
{
	struct trap_record record = {.access = TRAP_NO_ACCESS};
	uint8_t byte = 0;

	EXPECT(!trap_expect(store, (uintptr_t)&byte, &record));
	EXPECT_EQ(0x5a, *(volatile uint8_t *)&byte);
	EXPECT_EQ(TRAP_NO_ACCESS, record.access);
	EXPECT(!trap_is_expected());
}

TEST_CASE(mmu, tables, tables);
TEST_CASE(mmu, memory, memory);
TEST_CASE(mmu, text, text);
TEST_CASE(mmu, rodata, rodata);
TEST_CASE(mmu, device_tree, device_tree);
TEST_CASE(mmu, execute_data, execute_data);
TEST_CASE(mmu, guards, guards);
TEST_CASE(mmu, stack_overflow, stack_overflow);
TEST_CASE(mmu, interrupt_at_stack_end, interrupt_at_stack_end);
TEST_CASE(mmu, address_0, address_0);
TEST_CASE(mmu, no_map, no_map);
TEST_CASE(mmu, hole, hole);
TEST_CASE(mmu, remap, remap);
TEST_CASE(mmu, no_trap, no_trap);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc_board.c: a board from the first bytes of an input: banks, holes, reservations, no-map memory, edges inside
 * pages and 4 MiB blocks, both zones or one, 2 MiB to some hundred, one to four CPUs.
 *
 * All boards share one mapping; where its physical addresses begin differs. Before an input runs the allocator's
 * metadata is filled with bytes of the input's choice, so that an input does the same whatever ran before.
 */
#include "alloc_calls.h"

#include <string.h>

#include <quarry/memblock.h>

#include "test/host/port_host.h"

#define MIB    ((phys_addr_t)1 << 20)
#define GIB    ((phys_addr_t)1 << 30)
#define WINDOW ((phys_addr_t)MODEL_FRAMES << PAGE_SHIFT)

struct board board;
struct mm_pcpu cpus[MAX_CPUS];

static phys_addr_t window_base(unsigned int n)
{
	static const phys_addr_t base[] = {0x80000000, 4 * GIB - 16 * MIB, 0,
					   0x40000000, 4 * GIB - 64 * MIB, 8 * GIB};

	return base[n % (sizeof(base) / sizeof(base[0]))];
}

/* Mostly small: a state of few pages comes to its limits soon. */
static phys_addr_t size_of(unsigned int n)
{
	static const unsigned char mib[] = {4, 8, 2,  16, 3, 6,	 12,  24,
					    1, 5, 32, 64, 9, 10, 128, 20};

	return mib[n % 16] * MIB + (n >= 128 ? (n / 16) * 5 * PAGE_SIZE : 0) +
	       (n >= 224 ? n * 9 : 0);
}

/* A part of a bank, edges anywhere or on pages. */
static struct range part(const struct range *bank)
{
	unsigned int at = in16(), size = in();
	phys_addr_t align = size & 1 ? 1 : PAGE_SIZE;
	struct range range = {bank->base + ALIGN_DOWN(bank->size * at / 65536, align), 0};

	range.size = size >= 192 ? (size - 191) * 256 * 1024
				 : (size + 1) * PAGE_SIZE - (size & 1 ? 77 : 0);
	if (range.base + range.size > bank->base + bank->size)
		range.size = bank->base + bank->size - range.base;
	return range;
}

static phys_addr_t board_describe(void)
{
	unsigned int head = in();
	phys_addr_t base = window_base(head), at = base;

	memset(&board, 0, sizeof(board));
	board.nr_cpus = 1 + (head / 8) % MAX_CPUS;
	board.marks = head & 128;
	board.nr_banks = 1 + in() % MAX_RANGES;
	for (unsigned int i = 0; i < board.nr_banks; i++) {
		struct range *bank = &board.bank[i];
		unsigned int gap = in();

		/* no hole, one of some pages, or one of megabytes; most start on 4 MiB */
		at = gap < 64	 ? at
		     : gap < 160 ? at + (gap - 63) * 3 * PAGE_SIZE
				 : at + (gap - 159) * MIB / 2;
		at = gap >= 250 ? at + 123
		     : gap & 1	? ALIGN_UP(at, PAGE_SIZE)
				: ALIGN_UP(at, 4 * MIB);
		*bank = (struct range){at, size_of(in())};
		if (bank->base + bank->size > base + WINDOW)
			board.nr_banks = i;
		else
			at += bank->size;
	}
	board.nr_reserved = in() % (MAX_RANGES + 1);
	board.nr_nomap = in() % 3;
	for (unsigned int i = 0; board.nr_banks && i < board.nr_reserved; i++)
		board.reserved[i] = part(&board.bank[in() % board.nr_banks]);
	for (unsigned int i = 0; board.nr_banks && i < board.nr_nomap; i++)
		board.nomap[i] = part(&board.bank[in() % board.nr_banks]);
	if (head & 64)
		board.dma32_limit = base + 4 * MIB * (1 + in() % 16);
	return base;
}

static bool board_boot(void)
{
	struct mm_config config = {
		.dma32_limit = board.dma32_limit, .boot_pcpu = &cpus[0], .nr_cpus = board.nr_cpus};

	memblock_init();
	for (unsigned int i = 0; i < board.nr_banks; i++)
		CHECK(!memblock_add(board.bank[i].base, board.bank[i].size), "bank %u", i);
	for (unsigned int i = 0; i < board.nr_reserved; i++)
		CHECK(!board.reserved[i].size ||
			      !memblock_reserve(board.reserved[i].base, board.reserved[i].size),
		      "reservation %u", i);
	for (unsigned int i = 0; i < board.nr_nomap; i++)
		CHECK(!board.nomap[i].size ||
			      !memblock_mark_nomap(board.nomap[i].base, board.nomap[i].size),
		      "no-map %u", i);
	memset(cpus, 0x5a, sizeof(cpus));
	port_set_pcpu(&cpus[0]);
	boot_pageset_init(&cpus[0], 0);
	return !CALL(mm_init(&config));
}

/* Where the metadata is, is known once it was placed; a second boot places it alike. */
static void fill_metadata(unsigned int byte)
{
	const struct memblock_region *region;
	uint64_t random = byte;

	for_each_reserved_mem_region (region) {
		bool own = true;

		for (unsigned int i = 0; i < board.nr_reserved; i++)
			own &= region->base + region->size <= board.reserved[i].base ||
			       region->base >= board.reserved[i].base + board.reserved[i].size;
		/* One that touches a reservation of the board is filled too, which harms nothing. */
		if ((own || region->size >= PAGE_SIZE) && region->size < 2 * MIB)
			byte & 1
				? host_ram_randomize(region->base, region->size, random)
				: (void)memset(phys_to_virt(region->base), (int)byte, region->size);
	}
}

static void model_of_board(pfn_t boundary)
{
	const struct range *last = &board.bank[board.nr_banks - 1];
	const struct memblock_region *region;

	model_start(PFN_DOWN(board.bank[0].base), PFN_UP(last->base + last->size), boundary);
	/* Touching banks are one to memblock: a page that lies in two is memory. */
	for (unsigned int i = 0; i < board.nr_banks; i++) {
		phys_addr_t base = board.bank[i].base, end = base + board.bank[i].size;

		while (i + 1 < board.nr_banks && board.bank[i + 1].base == end)
			end += board.bank[++i].size;
		model_mark(base, end - base, FRAME_FREE, false);
	}
	for (unsigned int i = 0; i < board.nr_nomap; i++)
		if (board.nomap[i].size)
			model_mark(board.nomap[i].base, board.nomap[i].size, FRAME_NOMAP, true);
	for (unsigned int i = 0; i < board.nr_reserved; i++)
		if (board.reserved[i].size)
			model_mark(board.reserved[i].base, board.reserved[i].size, FRAME_PART,
				   true);
	for_each_reserved_mem_region (region) { /* and the allocator's metadata */
		model_mark(region->base, region->size, FRAME_RESERVED, false);
		model_mark(region->base, region->size, FRAME_SYSTEM, true);
	}
	model_mark(0, PAGE_SIZE, FRAME_PART, true);
	model_count();
}

bool board_start(void)
{
	static char *window;
	phys_addr_t base = board_describe();
	unsigned int fill = in();
	unsigned long released;

	port_host_log_hook = verbose ? NULL : model_log;
	if (!window)
		window = host_ram_map(0, WINDOW + 4 * MIB);
	port_host_offset = (uintptr_t)window - (uintptr_t)base;
	if (!board.nr_banks || !board_boot())
		return false;
	fill_metadata(fill);
	CHECK(board_boot(), "the second boot is as the first");
	released = CALL(memblock_free_all());
	model_of_board(ALIGN_DOWN(PFN_DOWN(board.dma32_limit ? board.dma32_limit : 4 * GIB),
				  MAX_ORDER_NR_PAGES));
	CHECK(released == model.nr_free[0] + model.nr_free[1],
	      "%lu pages were released, %lu are free", released,
	      model.nr_free[0] + model.nr_free[1]);
	if (!board.marks) {
		mm_set_min_free_kbytes(0);
		mm_set_watermark_scale_factor(1);
		for (int zone = 0; zone < MAX_NR_ZONES; zone++)
			mm_set_lowmem_reserve_ratio((enum zone_type)zone, 0);
	}
	CHECK(!mm_check(), "after boot");
	model_check_picture();
	return true;
}

void board_stop(void)
{
	port_set_pcpu(NULL);
}

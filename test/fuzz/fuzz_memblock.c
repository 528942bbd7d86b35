/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_memblock.c: libFuzzer's entry to memblock: any sequence of calls, on arrays that start small and grow
 * into the memory they describe, does what a map of bytes says (memblock_model.h): every region and
 * flag, where an allocation goes, that a call is refused only if arrays have no place, and then changes
 * nothing.
 */
#include <errno.h>
#include <string.h>

#include "mm/memblock/memblock.h"
#include "test/fuzz/memblock_check.h"
#include "test/host/port_host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the input ---- */

static const uint8_t *input;
static size_t left;

static unsigned int byte(void)
{
	if (!left)
		return 0;
	left--;
	return *input++;
}

static unsigned int pick(unsigned int n)
{
	unsigned int low = byte();

	return (n > 256 ? byte() << 8 | low : low) % n;
}

/* Where a region begins or ends. */
static phys_addr_t pick_edge(void)
{
	const struct memblock_type *type = byte() & 1 ? &memblock.memory : &memblock.reserved;
	const struct memblock_region *r;

	if (!type->cnt)
		return PAGE_SIZE;
	r = &type->regions[byte() % type->cnt];
	return byte() & 1 ? r->base : r->base + r->size;
}

static unsigned int pick_cell(void)
{
	unsigned int how = byte(), cell;

	switch (how % 8) {
	case 0:
		return pick(CELLS);
	case 1:
		return cell_of(ALIGN_DOWN(addr_of(pick(LOW_END)), 8UL));
	case 2:
		return cell_of(addr_of(pick(CELLS)) & ~(phys_addr_t)63);
	case 3:
		return cell_of((phys_addr_t)pick(5) * PAGE_SIZE);
	case 4:
		return LOW_END + 1 + pick(HIGH_SIZE);
	default:
		cell = cell_of(pick_edge());
		cell += how / 8 % 4 == 1;
		cell -= how / 8 % 4 == 2 && cell;
		return cell < CELLS ? cell : CELLS - 1;
	}
}

static struct cells pick_range(void)
{
	struct cells range = {pick_cell(), 0};
	unsigned int how = byte();

	if (how % 4 == 0) {
		range.to = pick_cell();
	} else {
		unsigned int n = how % 4 == 1 ? how / 4 : how % 4 == 2 ? how / 4 * 64 : pick(4096);

		range.to = range.from + n < CELLS ? range.from + n : CELLS - 1;
	}
	if (range.to < range.from)
		range = (struct cells){range.to, range.from};
	return range;
}

static phys_addr_t size_of(struct cells range)
{
	return addr_of(range.to) - addr_of(range.from);
}

/* The cell that stands for what lies between is never memory. */
static struct cells pick_memory(void)
{
	struct cells range = pick_range();

	if (range.from <= LOW_END && range.to > LOW_END) {
		if (range.from < LOW_END / 2)
			range.to = LOW_END;
		else
			range.from = LOW_END + 1;
		if (range.to < range.from)
			range.to = range.from;
	}
	return range;
}

/* ---- changes ---- */

static const struct cells nothing;

static void change(struct call call)
{
	phys_addr_t base = addr_of(call.range.from), size = size_of(call.range);
	bool memory = call.type == &memblock.memory;
	int want, error = 0;

	if (byte() % 16 == 0 && call.what != ADD) { /* far past the end */
		size = PHYS_ADDR_MAX;
		call.range.to = CELLS - 1;
		if (call.leave || !memory)
			call.bounds.avoid = call.range;
	}
	want = size ? check_foresee(&call) : 0;
	check_snapshot();
	switch (call.what) {
	case ADD:
		if (memory)
			error = memblock_add_node(
				base, size, 0,
				(call.flags & HOTPLUG ? MEMBLOCK_HOTPLUG : 0u) |
					(call.flags & NOMAP ? MEMBLOCK_NOMAP : 0u));
		else
			error = memblock_reserve(base, size);
		break;
	case REMOVE:
		error = memory ? memblock_remove(base, size) : memblock_phys_free(base, size);
		break;
	case SET:
		error = (call.flags == NOMAP ? memblock_mark_nomap : memblock_mark_hotplug)(base,
											    size);
		break;
	case CLEAR:
		error = (call.flags == NOMAP ? memblock_clear_nomap : memblock_clear_hotplug)(base,
											      size);
		break;
	}
	MUST(error == want);
	if (size)
		check_done(&call, error, nothing);
	else
		check_unchanged();
}

/* ---- allocations ---- */

/* Where the call must find its place, so that the reservation finds room too; 0: nowhere. */
static phys_addr_t foresee_alloc(phys_addr_t size, phys_addr_t align, phys_addr_t start,
				 phys_addr_t end, struct call *call)
{
	static unsigned int until[CELLS];
	const struct bounds bounds = {.high = PHYS_ADDR_MAX, .trim = 1};
	phys_addr_t at;

	if (end == MEMBLOCK_ALLOC_ACCESSIBLE || end == MEMBLOCK_ALLOC_NOLEAKTRACE)
		end = memblock.current_limit;
	align = align ? align : SMP_CACHE_BYTES;
	if (!size || size > CELLS || align & (align - 1) || memblock_handed_over.size)
		return 0;
	model_free(&model, &bounds, until);
	at = model_find(until, size, align, start, end, memblock.bottom_up);
	if (!at)
		return 0;
	*call = call_reserved(ADD, cells_of(at, size));
	return check_foresee(call) ? 0 : at;
}

static phys_addr_t pick_limit(void)
{
	static const phys_addr_t special[] = {MEMBLOCK_ALLOC_ACCESSIBLE, MEMBLOCK_ALLOC_NOLEAKTRACE,
					      MEMBLOCK_ALLOC_ANYWHERE, ARCH_LOW_ADDRESS_LIMIT};
	unsigned int how = byte();

	return how % 2 ? special[how / 2 % 4] : addr_of(pick_cell());
}

static void allocate(void)
{
	unsigned int how = byte(), shift = byte() % 14;
	phys_addr_t size = how & 1 ? byte() : pick(6000), align = shift ? 1u << (shift - 1) : 0;
	phys_addr_t start = how & 2 ? 0 : addr_of(pick_cell()), end = pick_limit(), want, got;
	int nid = how & 4 ? NUMA_NO_NODE : (int)(byte() % 8 == 0) - (int)(byte() % 8 == 0);
	bool node = nid == 0 || nid == NUMA_NO_NODE;
	struct call call = {.type = NULL};
	struct cells zeroed = nothing;

	if (how >= 248)
		align = 24;
	if (how / 8 % 4 < 2) { /* the physical forms */
		if (how / 8 % 4) {
			want = node ? foresee_alloc(size, align, 0, 0, &call) : 0;
			check_snapshot();
			got = memblock_phys_alloc_try_nid(size, align, nid);
		} else {
			want = foresee_alloc(size, align, start, end, &call);
			check_snapshot();
			got = memblock_phys_alloc_range(size, align, start, end);
		}
	} else {
		bool raw = how / 8 % 4 == 2;
		phys_addr_t max = end > memblock.current_limit ? memblock.current_limit : end;
		void *p;

		want = node ? foresee_alloc(size, align, start, max, &call) : 0;
		if (node && !want && start)
			want = foresee_alloc(size, align, 0, max, &call);
		check_snapshot();
		p = (raw ? memblock_alloc_try_nid_raw : memblock_alloc_try_nid)(size, align, start,
										end, nid);
		got = p ? virt_to_phys(p) : 0;
		if (got && !raw)
			zeroed = cells_of(got, size);
	}
	MUST(got == want);
	if (got)
		check_done(&call, 0, zeroed);
	else
		check_unchanged();
}

/* Nothing is reserved by looking. */
static void look(void)
{
	static unsigned int until[CELLS];
	const struct bounds bounds = {.high = PHYS_ADDR_MAX, .trim = 1};
	phys_addr_t size = 1 + byte() * 16, align = (phys_addr_t)1 << byte() % 13;
	phys_addr_t start = addr_of(pick_cell()), end = addr_of(pick_cell()), want = 0;

	check_snapshot();
	model_free(&model, &bounds, until);
	if (!memblock_handed_over.size)
		want = model_find(until, size, align, start, end > 1 ? end : memblock.current_limit,
				  memblock.bottom_up);
	MUST(memblock_find_in_range(start, end, size, align) == want);
	check_unchanged();
}

/* ---- cutting down ---- */

static void trim(phys_addr_t align, phys_addr_t unused)
{
	(void)unused;
	memblock_trim_memory(align);
}

static void limit(phys_addr_t bytes, phys_addr_t nomap_stays)
{
	(nomap_stays ? memblock_mem_limit_remove_map : memblock_enforce_memory_limit)(bytes);
}

/* Where the lowest so many bytes of memory end. */
static phys_addr_t end_of_lowest(phys_addr_t bytes)
{
	for (unsigned int c = 0; c < CELLS; c++)
		if (model.cell[c] & MEMORY && --bytes == 0)
			return addr_of(c + 1);
	return PHYS_ADDR_MAX;
}

static void cut_down(void)
{
	struct cut cut = {.bounds = {.high = PHYS_ADDR_MAX, .trim = 1}, .reservations = true};
	struct cells range;
	phys_addr_t bytes;

	switch (byte() % 3) {
	case 0:
		cut.reservations = false;
		cut.bounds.trim = (phys_addr_t)1 << byte() % 14;
		check_cut(&cut, trim, cut.bounds.trim, 0);
		break;
	case 1:
		cut.nomap_stays = byte() & 1;
		bytes = byte() & 1 ? pick(CELLS) : memblock_phys_mem_size();
		if (byte() & 1 && memblock.memory.cnt)
			bytes = memblock.memory.regions[0].size;
		if (bytes)
			cut.bounds.high = end_of_lowest(bytes);
		if (cut.bounds.high == PHYS_ADDR_MAX) {
			check_snapshot();
			limit(bytes, cut.nomap_stays);
			check_unchanged();
			return;
		}
		check_cut(&cut, limit, bytes, cut.nomap_stays);
		break;
	default:
		cut.nomap_stays = true;
		range = pick_range();
		cut.bounds.low = addr_of(range.from);
		cut.bounds.high = addr_of(range.to);
		if (range.from == range.to || !memblock.memory.cnt) {
			check_snapshot();
			memblock_cap_memory_range(cut.bounds.low, size_of(range));
			check_unchanged();
			return;
		}
		check_cut(&cut, memblock_cap_memory_range, cut.bounds.low, size_of(range));
	}
}

/* ---- all ---- */

static void switches(void)
{
	unsigned int how = byte();

	switch (how % 8) {
	case 0:
		memblock.can_resize = false;
		break;
	case 1:
	case 2:
		memblock_allow_resize();
		break;
	case 3:
		memblock_set_bottom_up(how & 8);
		break;
	case 4:
		memblock_set_current_limit(addr_of(pick_cell()));
		break;
	case 5:
		if (how >= 240) /* the page allocator takes over: nothing is found any more */
			memblock_handed_over.size = 1;
		break;
	default:
		memblock_set_current_limit(MEMBLOCK_ALLOC_ANYWHERE);
	}
}

static void refused(void)
{
	struct cells range = pick_range();
	int nid = byte() & 1 ? 1 : -2, idx = -1;
	uint64_t i = 0;

	check_snapshot();
	MUST(memblock_add_node(addr_of(range.from), size_of(range), nid, MEMBLOCK_NONE) == -EINVAL);
	memblock_trim_memory(byte() & 1 ? 0 : 24);
	memblock_free(NULL, 16);
	memblock_next_range(&i, nid, MEMBLOCK_NONE, &memblock.memory, NULL, NULL, NULL, NULL);
	MUST(i == UINT64_MAX);
	memblock_next_mem_pfn_range(&idx, -2, NULL, NULL, NULL);
	MUST(idx == -1);
	check_unchanged();
}

static void step(void)
{
	static const int flags[] = {0, 0, HOTPLUG, NOMAP};
	struct cells range;

	switch (byte() % 24) {
	case 0:
	case 1:
	case 2:
	case 3:
		change(call_memory(ADD, pick_memory(), flags[byte() % 4]));
		break;
	case 4:
	case 5:
		change(call_memory(REMOVE, pick_range(), 0));
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		change(call_reserved(ADD, pick_range()));
		break;
	case 10:
	case 11:
	case 12:
		change(call_reserved(REMOVE, pick_range()));
		break;
	case 13:
		change(call_memory(SET, pick_range(), NOMAP));
		break;
	case 14:
		change(call_memory(CLEAR, pick_range(), NOMAP));
		break;
	case 15:
		change(call_memory(byte() & 1 ? SET : CLEAR, pick_range(), HOTPLUG));
		break;
	case 16:
	case 17:
	case 18:
		allocate();
		break;
	case 19:
		look();
		break;
	case 20:
		cut_down();
		break;
	case 21:
		switches();
		break;
	case 22:
		refused();
		break;
	default:
		range = pick_range();
		check_questions(addr_of(range.from), size_of(range));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	port_host_log_hook = port_host_quiet;
	input = data;
	left = size;
	check_begin();
	/* Small static arrays: they have to move soon. */
	memblock.memory.max = 4 + byte() % 8;
	memblock.reserved.max = 4 + byte() % 8;
	while (left)
		step();
	port_host_log_hook = NULL;
	return 0;
}

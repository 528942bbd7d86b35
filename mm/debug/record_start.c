/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record_start.c: a recording (quarry/record.h) starts and ends: the board and all state from which its
 * calls can be repeated, a check before the first and after the last of them.
 */
#include <quarry/errno.h>
#include "../alloc/alloc.h"
#include "../buddy/buddy.h"
#include "../free_map.h"
#include "../pcp/pcp.h"
#include "record_internal.h"

#if CONFIG_DEBUG_HOOKS

/* Part of an array, in pieces. */
static void emit_bytes(enum mm_record_state what, unsigned int cpu, uint64_t offset,
		       const void *data, size_t size)
{
	for (size_t at = 0; at < size; at += MM_RECORD_MAX)
		call_recorder.emit(MM_RECORD_STATE,
				   (uint64_t)what << 56 | (uint64_t)cpu << 48 | (offset + at),
				   (const char *)data + at,
				   size - at < MM_RECORD_MAX ? size - at : MM_RECORD_MAX);
}

static void emit_part(enum mm_record_state what, const void *array, size_t start, size_t end)
{
	emit_bytes(what, 0, start, (const char *)array + start, end - start);
}

static void emit_board(const struct mm_recording *recording)
{
	const struct mm_record_board board = {
		.version = MM_RECORD_VERSION,
		.pointer = sizeof(void *),
		.page_shift = PAGE_SHIFT,
		.max_page_order = MAX_PAGE_ORDER,
		.group_shift = GROUP_SHIFT,
		.nr_cpus = CONFIG_NR_CPUS,
		.mm_size = sizeof(mm),
		.page_size = sizeof(struct page),
		.pageblock_size = sizeof(struct pageblock),
		.span_size = sizeof(struct span),
		.bank_size = sizeof(struct bank),
		.cache_size = sizeof(struct per_cpu_pages),
		.for_speed = FOR_SPEED,
		.boot_cpu = port_pcpu()->cpu,
		.mm_address = (uintptr_t)&mm,
		.memmap_address = (uintptr_t)mm.memmap,
		.image = (uintptr_t)recording->image,
		.hz = recording->hz,
		.callbacks = callbacks_there(),
	};

	call_recorder.emit(MM_RECORD_BOARD, 0, &board, sizeof(board));
}

/* What is known of the pages of the sections [first, end), which are open. */
static void emit_sections(unsigned long first, unsigned long end)
{
	size_t start = first << SECTION_SHIFT, stop = end << SECTION_SHIFT;

	emit_part(MM_RECORD_TRUST, mm.trust, start >> GROUP_SHIFT, stop >> GROUP_SHIFT);
	emit_part(MM_RECORD_PAGEBLOCKS, mm.pageblocks,
		  (start >> pageblock_order) * sizeof(struct pageblock),
		  (stop >> pageblock_order) * sizeof(struct pageblock));
	emit_part(MM_RECORD_MAP, mm.map, start / WORD_PAGES * sizeof(*mm.map),
		  stop / WORD_PAGES * sizeof(*mm.map));
	emit_part(MM_RECORD_MAP_ORDER, mm.map_order, start / WORD_PAGES, stop / WORD_PAGES);
	emit_part(MM_RECORD_MEMMAP, mm.memmap, start * sizeof(struct page),
		  stop * sizeof(struct page));
}

/* No other CPU changes its caches: it is idle, or waits for the lock. */
static void emit_caches(const struct mm_pcpu *cpu)
{
	const struct per_cpu_pages *pcp = pcp_caches(cpu);
	uint32_t index[MM_RECORD_MAX / sizeof(uint32_t)];

	emit_bytes(MM_RECORD_CACHES, cpu->cpu, 0, pcp, NR_PCPS * sizeof(*pcp));
	for (unsigned int i = 0; i < NR_PCPS; i++, pcp++) {
		unsigned long count = pcp_count(pcp), n = 0;

		for (unsigned long at = 0; at < count; at += n) {
			for (n = 0; n < sizeof(index) / sizeof(index[0]) && at + n < count; n++)
				index[n] = (uint32_t)(pcp->base[1 + at + n] - mm.memmap);
			emit_bytes(MM_RECORD_SLOTS, cpu->cpu, (uint64_t)i << 16 | at, index,
				   n * sizeof(index[0]));
		}
	}
}

static void emit_state(const struct mm_recording *recording)
{
	emit_board(recording);
	emit_bytes(MM_RECORD_MM, 0, 0, &mm, sizeof(mm));
	emit_bytes(MM_RECORD_BANKS, 0, 0, mm.banks, mm.nr_banks * sizeof(*mm.banks));
	emit_bytes(MM_RECORD_SPANS, 0, 0, mm.spans, mm.nr_spans * sizeof(*mm.spans));
	for (uint32_t s = 0; s < mm.nr_spans; s++)
		emit_sections(mm.spans[s].first, mm.spans[s].opened);
	for (unsigned int cpu = 0; cpu < mm.end_cpu; cpu++)
		if (mm.pcpu[cpu])
			emit_caches(mm.pcpu[cpu]);
}

/* Events' room that a CPU's calls take of its ring. */
#define CALLS                                                                               \
	((RECORD_DEPTH * sizeof(struct record_call) + sizeof(struct mm_record_event) - 1) / \
	 sizeof(struct mm_record_event))

int mm_record_start(const struct mm_recording *recording)
{
	unsigned long flags;

	if (call_recorder.on)
		return -EBUSY;
	if (!recording->ring || !recording->emit || recording->size < 2 * CALLS ||
	    recording->cpus < mm.end_cpu || recording->cpus > CONFIG_NR_CPUS)
		return -EINVAL;
	call_recorder.ring = recording->ring;
	call_recorder.cpus = recording->cpus;
	call_recorder.stride = recording->size;
	call_recorder.size = recording->size - (unsigned int)CALLS;
	call_recorder.interval = recording->interval;
	call_recorder.emit = recording->emit;
	call_recorder.now = recording->now;
	call_recorder.hash = mm_record_hash;
	call_recorder.next = call_recorder.checked = 0;
	memset(call_recorder.cpu, 0, sizeof(call_recorder.cpu));
	for (unsigned int cpu = 0; cpu < recording->cpus; cpu++)
		call_recorder.cpu[cpu].calls =
			(struct record_call *)&recording->ring[(cpu + 1) * recording->size - CALLS];
	hooks_change(0, MM_HOOK_RECORD);
	flags = port_irq_save();
	spin_lock(&call_recorder.lock);
	emit_state(recording);
	record_check();
	WRITE_ONCE(call_recorder.on, true);
	spin_unlock(&call_recorder.lock);
	port_irq_restore(flags);
	return 0;
}

int mm_record_stop(void)
{
	unsigned long flags;

	if (!call_recorder.on)
		return -EINVAL;
	flags = port_irq_save();
	spin_lock(&call_recorder.lock);
	record_flush(port_pcpu()->cpu);
	record_check();
	WRITE_ONCE(call_recorder.on, false);
	for (unsigned int cpu = 0; cpu < call_recorder.cpus; cpu++)
		record_flush(cpu);
	call_recorder.emit(MM_RECORD_END, call_recorder.next, NULL, 0);
	spin_unlock(&call_recorder.lock);
	port_irq_restore(flags);
	hooks_change(MM_HOOK_RECORD, 0);
	return 0;
}

#else

int mm_record_start(const struct mm_recording *recording)
{
	(void)recording;
	return -ENOSYS;
}

int mm_record_stop(void)
{
	return -ENOSYS;
}

#endif

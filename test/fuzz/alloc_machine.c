/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc_machine.c: what is around the calls of fuzz_alloc: CPUs that come, go and serve each other's requests, callbacks,
 * settings, debug options, reservations that are given up late.
 */
#include "alloc_calls.h"

#include <errno.h>
#include <string.h>

#include <quarry/memblock.h>

#include "test/host/port_host.h"

/* ---- CPUs ----------------------------------------------------------------------------------- */

static bool online[MAX_CPUS], known[MAX_CPUS], arrays[MAX_CPUS];

/* Another CPU serves a request in an interrupt. */
static void kick(unsigned int cpu)
{
	struct mm_pcpu *self = port_pcpu();
	unsigned long masked = port_fuzz_masked;

	CHECK(cpu < MAX_CPUS && online[cpu], "cpu %u was kicked", cpu);
	port_fuzz_masked = 1;
	port_set_pcpu(&cpus[cpu]);
	cpus[cpu].irq_depth++;
	CALL(mm_ipi());
	cpus[cpu].irq_depth--;
	port_set_pcpu(self);
	port_fuzz_masked = masked;
}

static uint64_t array_bytes(void)
{
	struct mm_layout layout;

	mm_get_layout(&layout);
	return layout.pcp_bytes;
}

/*
 * The arrays of the CPU's caches are pages that the model has to know of: so many bytes, of which the caches may leave
 * some at the end.
 */
static bool note_arrays(const struct mm_pcpu *cpu, uint64_t bytes)
{
	const struct per_cpu_pages *pcp = cpu->cache;
	uintptr_t low = UINTPTR_MAX, high = 0;

	for (unsigned int i = 0; i < NR_PAGE_ORDERS * NR_PCP_CLASSES; i++, pcp++) {
		if (!pcp->capacity)
			continue;
		low = (uintptr_t)pcp->base < low ? (uintptr_t)pcp->base : low;
		high = (uintptr_t)(pcp->base + pcp->capacity + 1) > high
			       ? (uintptr_t)(pcp->base + pcp->capacity + 1)
			       : high;
	}
	CHECK(high ? high <= low + bytes : !bytes, "caches whose arrays are %lu bytes",
	      (unsigned long)bytes);
	for (uintptr_t at = low; high && at < low + bytes; at += PAGE_SIZE) {
		pfn_t pfn = PFN_DOWN(virt_to_phys((void *)at));

		CHECK(at % PAGE_SIZE == 0 && model_frame(pfn) == FRAME_FREE,
		      "an array of caches at pfn 0x%lx", (unsigned long)pfn);
		model_mark(PFN_PHYS(pfn), PAGE_SIZE, FRAME_SYSTEM, true);
		model.nr_free[model_zone(pfn)]--;
	}
	return high; /* else there is too little memory for caches */
}

static void cpu_online(unsigned int cpu)
{
	unsigned int period = interrupt_period;
	struct before before;
	uint64_t bytes = array_bytes();
	int error;

	interrupt_period =
		0; /* the thread stays here, and nobody has what the model does not know of yet */
	port_set_pcpu(&cpus[cpu]);
	if (!known[cpu])
		boot_pageset_init(&cpus[cpu], cpu);
	before = before_refusal();
	error = CALL(setup_per_cpu_pageset(&cpus[cpu], cpu));
	CHECK(!error || error == -ENOMEM || (error == -EEXIST && online[cpu]), "cpu %u: %d", cpu,
	      error);
	if (!error && !arrays[cpu])
		arrays[cpu] = note_arrays(&cpus[cpu], array_bytes() - bytes);
	if (error && online[cpu])
		unchanged(&before, "setup_per_cpu_pageset()");
	online[cpu] = known[cpu] = true;
	interrupt_period = period;
}

/* CPU 0 stays. */
static void cpu_offline(void)
{
	struct mm_pcpu *self = port_pcpu();
	unsigned int period = interrupt_period, cpu = self->cpu;
	struct pcp_info info;

	if (!cpu)
		return;
	interrupt_period = 0;
	CALL(mm_cpu_offline());
	online[cpu] = false;
	for (unsigned int n = 0; mm_pcp_info(n, &info); n++)
		CHECK(info.cpu != cpu || !info.count, "cpu %u is offline and has pages", cpu);
	/* It may still be interrupted, and free a page: it caches none. */
	for (unsigned int n = 0; n < 4 && model_pick(n); n++)
		release(model_pick(n), n);
	port_set_pcpu(&cpus[0]);
	interrupt_period = period;
}

static unsigned long nr_moves; /* of the thread, wherever interrupts are let in */

void cpu_migrate(unsigned int cpu)
{
	if (online[cpu % MAX_CPUS]) {
		nr_moves++;
		port_set_pcpu(&cpus[cpu % MAX_CPUS]);
	}
}

void cpu_change(unsigned int what)
{
	unsigned int cpu = what % board.nr_cpus;

	if (what / 8 % 8 == 7)
		cpu_offline();
	else if (what / 8 % 4 == 3)
		CALL(mm_cpu_idle());
	else if (!online[cpu] || what >= 224)
		cpu_online(cpu);
	else
		port_set_pcpu(&cpus[cpu]);
}

/* ---- callbacks ------------------------------------------------------------------------------ */

/* The shrinker gives back the newest blocks of the table, and may want a page to do so. */
static unsigned long count_objects(struct shrinker *shrinker, struct shrink_control *control)
{
	(void)shrinker;
	(void)control;
	nr_callbacks++;
	return model.nr_held ? model.nr_held / 2 : SHRINK_EMPTY;
}

static unsigned long scan_objects(struct shrinker *shrinker, struct shrink_control *control)
{
	unsigned long freed = 0;

	(void)shrinker;
	nr_callbacks++;
	if (interrupt_random & 1)
		request(GFP_KERNEL | __GFP_NOWARN, 0, 0);
	while (freed < control->nr_to_scan && freed < 16) {
		struct block *block = model_pick(model.nr_held - 1);

		if (!block)
			return freed ? freed : SHRINK_STOP;
		release(block, 0);
		freed++;
	}
	return freed;
}

static int last_said[MAX_NR_ZONES];

static void notify(struct low_memory_notifier *notifier, enum zone_type zone, bool low)
{
	(void)notifier;
	nr_callbacks++;
	CHECK(last_said[zone] != low, "a notifier is told the same twice");
	last_said[zone] = low;
}

static struct shrinker shrinker = {
	.count_objects = count_objects, .scan_objects = scan_objects, .name = "model"};
static struct low_memory_notifier notifier = {.notify = notify};
static bool shrinking, notified;

void change_callbacks(unsigned int what)
{
	if (what & 1) {
		CHECK(CALL(shrinking ? unregister_shrinker(&shrinker)
				     : register_shrinker(&shrinker)) == 0,
		      "shrinker");
		shrinking = !shrinking;
	} else if (!notified) {
		CHECK(CALL(register_low_memory_notifier(&notifier)) == 0, "notifier");
		notified = true;
	}
	CHECK(CALL(register_shrinker(&shrinker)) == (shrinking ? -EEXIST : 0), "a shrinker again");
	shrinking = true;
}

/* ---- settings ------------------------------------------------------------------------------- */

/* The most pages that a cache of single pages may hold on some CPU that is online. */
static bool is_a_high(unsigned long high)
{
	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
		struct pcp_info info;
		unsigned long most = 0;

		for (unsigned int n = 0; mm_pcp_info(n, &info); n++)
			if (info.cpu == cpu && info.order == 0 && info.high > most)
				most = info.high;
		if (online[cpu] && most == high)
			return true;
	}
	return false;
}

void set_something(void)
{
	unsigned int what = in(), value = in16();
	unsigned long moves, high;
	struct before before = before_refusal();
	int error = 0;

	switch (what % 6) {
	case 0:
		error = CALL(
			mm_set_min_free_kbytes(what & 128 ? (uint64_t)value << 8 : value >> 4));
		CHECK(error || mm_min_free_kbytes() ==
				       (what & 128 ? (uint64_t)value << 8 : value >> 4),
		      "min_free_kbytes");
		break;
	case 1:
		error = CALL(mm_set_watermark_scale_factor(value % 3100));
		CHECK(!error == (value % 3100 >= 1 && value % 3100 <= 3000),
		      "watermark_scale_factor %u", value % 3100);
		break;
	case 2:
		error = CALL(mm_set_lowmem_reserve_ratio((enum zone_type)(what / 6 % MAX_NR_ZONES),
							 value & 1023));
		CHECK(!error, "lowmem_reserve_ratio");
		break;
	case 3:
		moves = nr_moves;
		high = CALL(mm_set_pcp_high(value & 1 ? value >> 1 : ~0UL));
		/* The value of the CPU that the thread was on at the end: of any, if it moves. */
		CHECK(high == mm_pcp_high() || (moves != nr_moves && is_a_high(high)),
		      "percpu_pagelist");
		break;
	case 4:
		CALL(mm_set_min_free_kbytes(0));
		break;
	case 5:
		CALL(mm_set_pcp_high(what & 128 ? 0 : ~0UL));
		break;
	}
	if (error)
		unchanged(&before, "a sysctl");
}

void set_hooks(void)
{
	static struct mm_trace_entry ring[64], entries[64];
	unsigned int what = in(),
		     set = what & (MM_HOOK_POISON | MM_HOOK_INIT_ON_ALLOC | MM_HOOK_INIT_ON_FREE);
	size_t n;

	if (what & 64) {
		struct mm_fail fail = {.every = what & 128 ? 0 : 1 + in() % 8,
				       .min_order = in() % 3,
				       .times = in() % 16};

		CHECK(!CALL(mm_set_fail(&fail)), "mm_set_fail()");
		failing = fail.every;
	}
	if (what & 32) {
		CHECK(!CALL(mm_trace_start(what & 1 ? ring : NULL, what & 1 ? 64 : 0)),
		      "mm_trace_start()");
		n = CALL(mm_trace_read(entries, 64));
		for (size_t i = 1; i < n; i++)
			CHECK(entries[i].sequence == entries[i - 1].sequence + 1,
			      "the trace has a gap");
	}
	/* These fill memory: only while it is little. */
	if (model.end - model.first <= 4 * MAX_ORDER_NR_PAGES && may_walk()) {
		bool both = set & MM_HOOK_POISON && set & MM_HOOK_INIT_ON_FREE;

		CHECK(CALL(mm_set_hooks(set)) == (both ? -EINVAL : 0), "hooks 0x%x", set);
	}
}

/* ---- late frees ----------------------------------------------------------------------------- */

void free_late(void)
{
	unsigned int what = in(), at = in16();
	const struct range *range = &board.reserved[what % MAX_RANGES];
	pfn_t pfn = PFN_UP(range->base), end = PFN_DOWN(range->base + range->size);
	struct before before;
	int error;

	if (what & 64 || pfn >= end) { /* anywhere */
		pfn = model.first + at % (model.end - model.first);
		end = pfn + 1 + what % 16;
	} else if (what & 128) { /* a part of a reservation */
		pfn += at % (end - pfn);
		end = pfn + (at / 256 * 4 + 1 < end - pfn ? at / 256 * 4 + 1 : end - pfn);
	}
	before = before_refusal();
	if (!pfn || end > model.end)
		return;
	if (model_release_reserved(pfn, end)) {
		error = CALL(memblock_free_late(PFN_PHYS(pfn), PFN_PHYS(end - pfn)));
		CHECK(!error || error == -ENOSPC || error == -ENOMEM, "pfn 0x%lx to 0x%lx: %d",
		      (unsigned long)pfn, (unsigned long)end, error);
		for (; error && pfn < end; pfn++) { /* as it was */
			model.frame[pfn - model.first] = FRAME_RESERVED;
			model.nr_free[model_zone(pfn)]--;
		}
	} else {
		error = CALL(memblock_free_late(PFN_PHYS(pfn), PFN_PHYS(end - pfn)));
		CHECK(error == -EFAULT || error == -EPERM,
		      "pfn 0x%lx to 0x%lx are not all reserved: %d", (unsigned long)pfn,
		      (unsigned long)end, error);
	}
	if (error)
		unchanged(&before, "memblock_free_late()");
}

/* ---- an input begins and ends --------------------------------------------------------------- */

void machine_start(void)
{
	memset(online, 0, sizeof(online));
	memset(known, 0, sizeof(known));
	memset(arrays, 0, sizeof(arrays));
	memset(last_said, 0, sizeof(last_said));
	shrinking = notified = failing = false;
	online[0] = known[0] = true;
	port_host_kick = kick;
}

void stop_failing(void)
{
	struct mm_fail none = {.every = 0};

	failing = false;
	CHECK(!CALL(mm_set_fail(&none)), "mm_set_fail()");
}

void machine_stop(void)
{
	CHECK(!CALL(mm_set_hooks(0)) && !CALL(mm_trace_start(NULL, 0)), "hooks off");
	if (shrinking)
		CHECK(!CALL(unregister_shrinker(&shrinker)), "shrinker");
	if (notified)
		CHECK(!CALL(unregister_low_memory_notifier(&notifier)), "notifier");
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_stress.c: `stress`: all CPUs on the allocator at once, interrupt handlers too, and then the books.
 *
 * CPU 0's timer interrupts it a thousand times a second, and it interrupts the others; every interrupt of every CPU,
 * whatever it is about, allocates and frees as well. `mix=` adds what else may be called meanwhile (mix.h); with mix=all the
 * initrd, if there is one, is given to the allocator piece by piece (late.h).
 */
#include <inttypes.h>
#include <quarry/mm.h>
#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/cpu/smp.h"
#include "drivers/timer/timer.h"
#include "console/command.h"
#include "console/input.h"
#include "console/output.h"
#include "console/parse.h"
#include "test/target/late.h"
#include "test/target/mix.h"
#include "test/target/pool.h"
#include "test/target/stress.h"

/* A kick of 63 CPUs costs an emulator more than a millisecond. */
#define TICK_NS(nr)	((1 + (nr) / 8) * NSEC_PER_MSEC)
#define LOOK_STEPS	256 /* CPU 0 looks at the clock and the keyboard so often */
#define LATE_STEPS	256 /* a piece of the initrd in so many */
#define DEFAULT_SECONDS 10

static struct stress stress;
static uint8_t cpu_of[CONFIG_NR_CPUS]; /* of each worker */
static struct stress_worker *worker_of[CONFIG_NR_CPUS];

static struct {
	uint64_t start, end, next; /* ns; end 0: not by time */
	unsigned int steps;
	bool interrupted, late;
	int late_error;
} run;

/* ---- arguments ------------------------------------------------------------------------------- */

struct options {
	uint64_t cpus, seconds, operations, seed, min_order, max_order;
	unsigned int mix; /* kinds, as mix_parse() has them */
};

static bool parse_orders(char *text, struct options *options)
{
	char *dash = strchr(text, '-');

	if (dash)
		*dash++ = '\0';
	return parse_u64(text, MAX_PAGE_ORDER, &options->min_order) == 0 &&
	       parse_u64(dash ? dash : text, MAX_PAGE_ORDER, &options->max_order) == 0 &&
	       options->min_order <= options->max_order;
}

/* 0, or 1 after one line of error. */
static int parse_options(int argc, char **argv, struct options *options)
{
	for (int i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');
		bool good = false;

		if (!value)
			return console_usage(argv[0]);
		*value++ = '\0';
		if (strcmp(argv[i], "cpus") == 0)
			good = parse_u64(value, CONFIG_NR_CPUS, &options->cpus) == 0 &&
			       options->cpus > 0;
		else if (strcmp(argv[i], "seconds") == 0)
			good = parse_u64(value, UINT32_MAX, &options->seconds) == 0 &&
			       options->seconds > 0;
		else if (strcmp(argv[i], "ops") == 0)
			good = parse_u64(value, UINT64_MAX, &options->operations) == 0 &&
			       options->operations > 0;
		else if (strcmp(argv[i], "seed") == 0)
			good = parse_u64(value, UINT64_MAX, &options->seed) == 0;
		else if (strcmp(argv[i], "orders") == 0)
			good = parse_orders(value, options);
		else if (strcmp(argv[i], "mix") == 0)
			good = (options->mix = mix_parse(value)) != 0;
		else
			return console_usage(argv[0]);
		if (!good) {
			printf("stress: %s: not a value it can have\n", argv[i]);
			return 1;
		}
	}
	if (options->seconds && options->operations) {
		printf("stress: seconds or ops, not both\n");
		return 1;
	}
	return 0;
}

/* ---- on the CPUs ----------------------------------------------------------------------------- */

static void work(void *arg)
{
	late_enter();
	stress_run(arg);
	late_leave();
}

static void every_interrupt(void)
{
	struct stress_worker *worker = worker_of[port_pcpu()->cpu];

	if (worker && !late_halted())
		stress_irq(worker);
}

static void tick(void *arg)
{
	(void)arg;
	for (unsigned int i = 1; i < stress.nr_workers; i++)
		port_kick(cpu_of[i]);
}

/* CPU 0: the clock, Ctrl-C and the line of progress. */
static void look(void)
{
	struct stress_sums sums;
	uint64_t now;

	if (console_interrupted()) {
		run.interrupted = true;
		stress_stop(&stress);
	}
	now = timer_now();
	if (run.end && now >= run.end)
		stress_stop(&stress);
	if (now < run.next)
		return;
	run.next += NSEC_PER_SEC;
	stress_sum(&stress, &sums);
	printf("stress: %" PRIu64 " s, %" PRIu64 " operations, %" PRIu64 " in interrupts, %" PRIu64
	       " mismatches, %" PRIu64 " refused\n",
	       (uint64_t)(timer_since(run.start) / NSEC_PER_SEC), sums.operations,
	       sums.irq_operations, sums.mismatches, sums.failures);
}

/* Once a step of each CPU. */
static void poll(struct stress_worker *worker)
{
	late_stand();
	mix_step(worker);
	if (worker->number != 0 || ++run.steps % LOOK_STEPS != 0)
		return;
	look();
	if (run.late && run.steps % LATE_STEPS == 0 && !run.late_error)
		run.late_error = late_release(&stress.stop);
}

/* ---- the command ----------------------------------------------------------------------------- */

/* All is free that was, and what was released late: pages of that may have merged with others. */
static bool same_picture(const struct picture *before)
{
	struct picture now;

	picture_take(&now);
	if (late_pages())
		return picture_pages(&now) == picture_pages(before) + late_pages();
	return memcmp(before, &now, sizeof(now)) == 0;
}

/* The first `most` CPUs that are online; 0: all. */
static unsigned int choose_cpus(uint64_t most)
{
	unsigned int n = 0;

	for (unsigned int cpu = 0; cpu < smp_nr_cpus() && (!most || n < most); cpu++)
		if (smp_online(cpu))
			cpu_of[n++] = (uint8_t)cpu;
	return n;
}

static void run_all(struct stress_worker *workers, unsigned int nr, unsigned int mix)
{
	stress_init(&stress, workers, nr);
	mix_begin(mix, &stress);
	log_set_console(!mix); /* refusals are reported: to the ring */
	for (unsigned int i = 0; i < nr; i++)
		worker_of[cpu_of[i]] = &workers[i];
	irq_set_hook(every_interrupt);
	for (unsigned int i = 1; i < nr; i++)
		smp_call(cpu_of[i], work, &workers[i]);
	timer_set(TICK_NS(nr), true, tick, NULL);
	work(&workers[0]);
	for (unsigned int i = 1; i < nr; i++)
		smp_wait(cpu_of[i]);
	timer_set(0, false, NULL, NULL);
	irq_set_hook(NULL);
	log_set_console(true);
	mix_end();
	stress_end(&stress);
	memset(worker_of, 0, sizeof(worker_of));
}

/* How often each kind was done, and what was released. */
static void print_mix(unsigned int mix)
{
	static const char *const names[MIX_KINDS] = {MIX_NAMES};

	printf("stress: mix:");
	for (unsigned int kind = 0; kind < MIX_KINDS; kind++)
		if (mix >> kind & 1)
			printf(" %s %" PRIu64, names[kind], mix_count(kind));
	printf("\n");
	if (run.late_error)
		printf("stress: memblock_free_late() of the initrd: error %d\n", -run.late_error);
	if (late_pages())
		printf("stress: %" PRIu64 " pages of the initrd were freed late, %s left\n",
		       late_pages(), late_done() ? "none is" : "some are");
}

static int cmd_stress(int argc, char **argv)
{
	struct options options = {.seed = machine_ticks(), .max_order = MAX_PAGE_ORDER};
	struct stress_worker *workers;
	struct picture before;
	struct stress_sums sums;
	unsigned int nr;
	int violations;
	bool same;

	if (parse_options(argc, argv, &options) != 0)
		return 1;
	nr = choose_cpus(options.cpus);
	if (options.cpus > nr) {
		printf("stress: %u CPUs are online, not %" PRIu64 "\n", nr, options.cpus);
		return 1;
	}
	if (!options.operations && !options.seconds)
		options.seconds = DEFAULT_SECONDS;
	if (options.seconds && !timer_hz()) {
		printf("stress: this board has no timer: say ops=\n");
		return 1;
	}
	workers = alloc_pages_exact(nr * sizeof(*workers), GFP_KERNEL | __GFP_ZERO);
	if (!workers) {
		printf("stress: no memory for its own books\n");
		return 1;
	}
	output_live();
	printf("stress: %u CPUs, orders %u to %u, seed %" PRIu64 "; Ctrl-C stops it\n", nr,
	       (unsigned int)options.min_order, (unsigned int)options.max_order, options.seed);
	picture_take(&before);
	stress.min_order = (unsigned int)options.min_order;
	stress.max_order = (unsigned int)options.max_order;
	stress.seed = options.seed;
	stress.operations = options.operations;
	stress.poll = poll;
	memset(&run, 0, sizeof(run));
	run.start = timer_now();
	run.next = run.start + NSEC_PER_SEC;
	run.end = options.seconds ? run.start + options.seconds * NSEC_PER_SEC : 0;

	run.late = options.mix == MIX_ALL;
	late_begin();
	run_all(workers, nr, options.mix);

	stress_sum(&stress, &sums);
	same = same_picture(&before);
	violations = mm_check();
	free_pages_exact(workers, nr * sizeof(*workers));
	printf("stress: %" PRIu64 " in interrupts, %" PRIu64 " exchanged, %" PRIu64
	       " drains, %" PRIu64 " refused, mm_check() finds %d violations%s\n",
	       sums.irq_operations, sums.exchanged, sums.drains, sums.failures, violations,
	       run.interrupted ? "; stopped by Ctrl-C" : "");
	if (options.mix)
		print_mix(options.mix);
	printf("stress: %" PRIu64 " operations on %u cpus, %" PRIu64 " mismatches, buddyinfo %s\n",
	       sums.operations, nr, sums.mismatches, same ? "as before" : "has changed");
	return sums.mismatches || violations || !same || run.late_error;
}

CONSOLE_COMMAND(stress, cmd_stress,
		"stress [cpus=N] [seconds=N | ops=N] [orders=A-B] [seed=N] [mix=all|KIND]",
		"all CPUs and their interrupts allocate and free at once\n"
		"cpus: default all that are online; seconds: default 10; ops: of all CPUs\n"
		"together; orders: default 0-10; seed: default the clock; mix: what else is\n"
		"called meanwhile, with commas, default nothing; Ctrl-C ends it\n"
		"example: stress seconds=60 orders=0-3");

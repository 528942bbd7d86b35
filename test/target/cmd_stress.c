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
#include "boot/cpu/balance.h"
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
	/* for its end */
	struct picture before;
	struct stress_worker *workers;
	unsigned int nr, mix;
	struct mm_migrate_stats moves;
	bool background; /* on the other CPUs, and CPU 0 is the console's meanwhile */
} run;

bool stress_in_background(void)
{
	return run.background;
}

/* ---- arguments ------------------------------------------------------------------------------- */

struct options {
	uint64_t cpus, seconds, operations, seed, min_order, max_order;
	unsigned int mix; /* kinds, as mix_parse() has them */
	bool background;
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

		if (strcmp(argv[i], "background") == 0) {
			options->background = true;
			continue;
		}
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
	for (unsigned int i = 0; i < stress.nr_workers; i++)
		if (cpu_of[i] != 0)
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
	if (!run.background)
		look();
	else if (run.end && timer_now() >= run.end)
		stress_stop(&stress);
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
	if (memcmp(before, &now, sizeof(now)) == 0)
		return true;
	/* pages of others have moved */
	return mix_moves_pages(run.mix) && picture_pages(&now) == picture_pages(before);
}

/* The first `most` CPUs that are online, from this one on; 0: all. */
static unsigned int choose_cpus(uint64_t most, unsigned int first)
{
	unsigned int n = 0;

	for (unsigned int cpu = first; cpu < smp_nr_cpus() && (!most || n < most); cpu++)
		if (smp_online(cpu))
			cpu_of[n++] = (uint8_t)cpu;
	return n;
}

static void begin_all(void)
{
	stress_init(&stress, run.workers, run.nr);
	mix_begin(run.mix, &stress);
	log_set_console(!run.mix); /* refusals are reported: to the ring */
	for (unsigned int i = 0; i < run.nr; i++)
		worker_of[cpu_of[i]] = &run.workers[i];
	irq_set_hook(every_interrupt);
	for (unsigned int i = 0; i < run.nr; i++)
		if (cpu_of[i] != 0)
			smp_call(cpu_of[i], work, &run.workers[i]);
	timer_set(TICK_NS(run.nr), true, tick, NULL);
}

static void end_all(void)
{
	for (unsigned int i = 0; i < run.nr; i++)
		if (cpu_of[i] != 0)
			smp_wait(cpu_of[i]);
	timer_set(0, false, NULL, NULL);
	irq_set_hook(NULL);
	log_set_console(true);
	mix_end();
	stress_end(&stress);
	memset(worker_of, 0, sizeof(worker_of));
}

/* What has moved meanwhile, whoever asked for it. */
static void print_moves(void)
{
	struct mm_migrate_stats now;

	mm_migrate_stats(&now);
	printf("stress: %" PRIu64 " pages moved, %" PRIu64 " blocks could not\n",
	       now.moved - run.moves.moved, now.failed - run.moves.failed);
	printf("stress: %" PRIu64 " requests compacted, %" PRIu64 " had a block so\n",
	       now.stall - run.moves.stall, now.success - run.moves.success);
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
	if (mix_moves_pages(mix))
		print_moves();
	if (run.late_error)
		printf("stress: memblock_free_late() of the initrd: error %d\n", -run.late_error);
	if (late_pages())
		printf("stress: %" PRIu64 " pages of the initrd were freed late, %s left\n",
		       late_pages(), late_done() ? "none is" : "some are");
}

/* The books, after all have ended. */
static int finish(void)
{
	struct stress_sums sums;
	int violations;
	bool same;

	stress_sum(&stress, &sums);
	balance_hold(true);
	same = same_picture(&run.before);
	violations = mm_check();
	balance_hold(false);
	free_pages_exact(run.workers, run.nr * sizeof(*run.workers));
	run.background = false;
	printf("stress: %" PRIu64 " in interrupts, %" PRIu64 " exchanged, %" PRIu64
	       " drains, %" PRIu64 " refused, mm_check() finds %d violations%s\n",
	       sums.irq_operations, sums.exchanged, sums.drains, sums.failures, violations,
	       run.interrupted ? "; stopped by Ctrl-C" : "");
	if (run.mix)
		print_mix(run.mix);
	printf("stress: %" PRIu64 " operations on %u cpus, %" PRIu64 " mismatches, buddyinfo %s\n",
	       sums.operations, run.nr, sums.mismatches, same ? "as before" : "has changed");
	return sums.mismatches || violations || !same || run.late_error;
}

static int stop_background(void)
{
	if (!run.background) {
		printf("stress: nothing runs in the background\n");
		return 1;
	}
	stress_stop(&stress);
	end_all();
	return finish();
}

/* 0, or 1 after one line of error. */
static int choose(struct options *options)
{
	run.nr = choose_cpus(options->cpus, options->background);
	if (run.nr == 0) {
		printf("stress: no other CPU is online\n");
		return 1;
	}
	if (options->cpus > run.nr) {
		printf("stress: %u CPUs are online, not %" PRIu64 "\n", run.nr, options->cpus);
		return 1;
	}
	if (!options->operations && !options->seconds && !options->background)
		options->seconds = DEFAULT_SECONDS;
	if (options->seconds && !timer_hz()) {
		printf("stress: this board has no timer: say ops=\n");
		return 1;
	}
	run.workers = alloc_pages_exact(run.nr * sizeof(*run.workers), GFP_KERNEL | __GFP_ZERO);
	if (run.workers)
		return 0;
	printf("stress: no memory for its own books\n");
	return 1;
}

static int cmd_stress(int argc, char **argv)
{
	struct options options = {.seed = machine_ticks(), .max_order = MAX_PAGE_ORDER};

	if (argc == 2 && strcmp(argv[1], "stop") == 0)
		return stop_background();
	if (run.background) {
		printf("stress: runs in the background: 'stress stop' ends it\n");
		return 1;
	}
	memset(&run, 0, sizeof(run));
	if (parse_options(argc, argv, &options) != 0 || choose(&options) != 0)
		return 1;
	output_live();
	printf("stress: %u CPUs, orders %u to %u, seed %" PRIu64 "; %s stops it\n", run.nr,
	       (unsigned int)options.min_order, (unsigned int)options.max_order, options.seed,
	       options.background ? "'stress stop'" : "Ctrl-C");
	picture_take(&run.before);
	mm_migrate_stats(&run.moves);
	stress.min_order = (unsigned int)options.min_order;
	stress.max_order = (unsigned int)options.max_order;
	stress.seed = options.seed;
	stress.operations = options.operations;
	stress.poll = poll;
	run.start = timer_now();
	run.next = run.start + NSEC_PER_SEC;
	run.end = options.seconds ? run.start + options.seconds * NSEC_PER_SEC : 0;
	run.mix = options.mix;
	run.late = options.mix == MIX_ALL;
	run.background = options.background;
	late_begin();
	begin_all();
	if (run.background)
		return 0;
	work(&run.workers[0]);
	end_all();
	return finish();
}

CONSOLE_COMMAND(stress, cmd_stress,
		"stress [background] [cpus=N] [seconds=N | ops=N] [orders=A-B] .. | stop",
		"all CPUs and their interrupts allocate and free at once\n"
		"cpus: default all that are online; seconds: default 10; ops: of all CPUs\n"
		"together; orders: default 0-10; seed=N: default the clock; mix=KIND: what else\n"
		"is called, all or kinds with commas, default nothing; Ctrl-C ends it\n"
		"background: on the other CPUs until 'stress stop', and the prompt is back\n"
		"example: stress seconds=60 orders=0-3");

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_smp_start.c: what CPUs that answer late or never cost the boot, on a clock of our own that
 * only the wait moves on: whoever is waited for, a second after the last CPU that came any further.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/host/port_host.h"

/* the source itself: it is not among the objects that every host test links */
#include "boot/cpu/smp_start.c"

#define HZ    10000000ULL
#define STEP  (HZ / 10000) /* of one smp_arch_wait() */
#define NEVER UINT64_MAX

static struct {
	uint64_t runs, online; /* ticks after the firmware was asked; NEVER */
	uint64_t stops;	       /* 0: it does not */
	int error;	       /* of the firmware */
	uint64_t asked;
	uint32_t state;
	bool never_ran, given_back;
} sim[CONFIG_NR_CPUS];
static struct cpu area[CONFIG_NR_CPUS];
static unsigned int nr_sim;
static uint64_t now;

struct boot_info boot_info;

unsigned int smp_nr_cpus(void)
{
	return nr_sim;
}

struct cpu *smp_cpu(unsigned int number)
{
	return sim[number].given_back ? NULL : &area[number];
}

enum cpu_state smp_state(unsigned int number)
{
	return number ? (enum cpu_state)sim[number].state : CPU_ONLINE;
}

void smp_set_state(unsigned int number, enum cpu_state state)
{
	sim[number].state = state;
}

bool smp_claim(unsigned int number, enum cpu_state state)
{
	if (sim[number].state != CPU_STARTING)
		return false;
	sim[number].state = state;
	return true;
}

void smp_give_back(unsigned int number)
{
	assert_false(sim[number].given_back);
	sim[number].given_back = true;
}

bool smp_has_ipi(void)
{
	return true;
}

int smp_arch_init(void)
{
	return 0;
}

int smp_arch_start(struct cpu *cpu)
{
	unsigned int n = (unsigned int)(cpu - area);

	sim[n].asked = now;
	return sim[n].error;
}

bool smp_arch_never_ran(const struct cpu *cpu)
{
	return sim[cpu - area].never_ran;
}

uint64_t machine_ticks(void)
{
	return now;
}

static bool is_due(uint64_t asked, uint64_t after)
{
	return after != NEVER && now - asked >= after;
}

void smp_arch_wait(void)
{
	now += STEP;
	for (unsigned int n = 1; n < nr_sim; n++) {
		if (sim[n].state == CPU_STARTING && is_due(sim[n].asked, sim[n].runs))
			sim[n].state = CPU_RUNNING;
		if (sim[n].state == CPU_RUNNING && is_due(sim[n].asked, sim[n].online))
			sim[n].state = CPU_ONLINE;
		if (sim[n].state == CPU_RUNNING && sim[n].stops &&
		    is_due(sim[n].asked, sim[n].stops))
			sim[n].state = CPU_STOPPED;
	}
}

static void machine(unsigned int cpus)
{
	memset(sim, 0, sizeof(sim));
	memset(area, 0, sizeof(area));
	nr_sim = cpus;
	now = 12345;
	boot_info.timebase_hz = HZ;
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	for (unsigned int n = 1; n < cpus; n++)
		area[n].hart = 100 + n;
}

static unsigned int lines_with(const char *text)
{
	unsigned int lines = 0;

	for (const char *at = port_host_log_text; (at = strstr(at, text)); at++)
		lines++;
	return lines;
}

/* Start them; the ticks it took. */
static uint64_t start(void)
{
	uint64_t before = now;

	smp_start();
	return now - before;
}

static void test_silent(void **state)
{
	(void)state;
	for (unsigned int cpus = 2; cpus <= CONFIG_NR_CPUS; cpus += 31) {
		machine(cpus);
		for (unsigned int n = 1; n < cpus; n++)
			sim[n].runs = sim[n].online = NEVER;
		assert_in_range(start(), HZ, HZ + 2 * STEP);
		assert_int_equal(lines_with("did not come up within 1 s: left out"), cpus - 1);
		assert_int_equal(lines_with("smp: 1 of "), 1);
		for (unsigned int n = 1; n < cpus; n++)
			assert_int_equal(sim[n].state, CPU_LATE);
	}
}

/* Among others, wherever they stand in the order. */
static void test_silent_among_others(void **state)
{
	(void)state;
	for (unsigned int first = 0; first < 3; first++) {
		machine(10);
		for (unsigned int n = 1; n < 10; n++) {
			bool silent = n % 3 == first;

			sim[n].runs = silent ? NEVER : HZ / 20;
			sim[n].online = silent ? NEVER : HZ / 10;
			sim[n].never_ran = n < 5;
		}
		assert_in_range(start(), HZ, HZ + HZ / 10 + 2 * STEP);
		assert_int_equal(lines_with("did not come up"), 3);
		assert_int_equal(lines_with("smp: 7 of 10 CPUs online"), 1);
		for (unsigned int n = 1; n < 10; n++) {
			assert_int_equal(sim[n].state, n % 3 == first ? CPU_LATE : CPU_ONLINE);
			assert_int_equal(sim[n].given_back, n % 3 == first && n < 5);
		}
	}
}

/* All good ones: no longer than the slowest, but a crowd of slow ones is waited for. */
static void test_slow(void **state)
{
	(void)state;
	machine(4);
	assert_true(start() <= STEP);
	assert_int_equal(lines_with("smp: 4 of 4 CPUs online"), 1);

	machine(9);
	for (unsigned int n = 1; n < 9; n++) {
		sim[n].runs = n * HZ * 4 / 5;
		sim[n].online = sim[n].runs + HZ / 2;
	}
	assert_in_range(start(), HZ * 69 / 10, HZ * 69 / 10 + 2 * STEP);
	assert_int_equal(lines_with("smp: 9 of 9 CPUs online"), 1);
	assert_int_equal(lines_with("left out"), 0);
}

static void test_stuck_and_refused(void **state)
{
	(void)state;
	machine(5);
	sim[1].error = -EINVAL;
	sim[2].online = NEVER;
	sim[4].online = NEVER;
	assert_in_range(start(), HZ, HZ + 3 * STEP);
	assert_int_equal(lines_with("smp: CPU 1 (0x65): the firmware does not start it"), 1);
	assert_int_equal(lines_with("started but is stuck: left out"), 2);
	assert_int_equal(lines_with("smp: 2 of 5 CPUs online"), 1);
	assert_int_equal(sim[1].state, CPU_REFUSED);
	assert_true(sim[1].given_back && !sim[2].given_back);
}

/* A CPU that stops while it sets itself up is named, and nobody waits for it. */
static void test_stopped(void **state)
{
	(void)state;
	machine(4);
	sim[1].runs = sim[1].online = HZ / 50;
	sim[2].runs = HZ / 100;
	sim[2].online = NEVER;
	sim[2].stops = HZ / 50;
	assert_in_range(start(), HZ / 50, HZ / 50 + 2 * STEP);
	assert_int_equal(lines_with("smp: CPU 2 (0x66) stopped while it started: left out"), 1);
	assert_int_equal(lines_with("smp: 3 of 4 CPUs online"), 1);
	assert_false(sim[2].given_back);
}

/* A machine whose clock has no known rate counts its looks. */
static void test_no_clock(void **state)
{
	(void)state;
	machine(6);
	boot_info.timebase_hz = 0;
	for (unsigned int n = 1; n < 6; n++)
		sim[n].runs = sim[n].online = n == 3 ? 0 : NEVER;
	assert_in_range(start(), START_POLLS * STEP, (START_POLLS + 5ULL) * STEP);
	assert_int_equal(lines_with("did not come up"), 4);
	assert_int_equal(lines_with("smp: 2 of 6 CPUs online"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent),	 cmocka_unit_test(test_silent_among_others),
		cmocka_unit_test(test_slow),	 cmocka_unit_test(test_stuck_and_refused),
		cmocka_unit_test(test_no_clock), cmocka_unit_test(test_stopped),
	};

	return cmocka_run_group_tests_name("smp_start", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer.h: time for everybody: a monotonic clock, waiting, and one timer call-back.
 *
 * The driver of the machine's timer registers a clock; until then the functions here return 0 or at
 * once, and say so in their description, so that a board without a timer still reaches its console.
 */
#ifndef DRIVERS_TIMER_H
#define DRIVERS_TIMER_H

#include <quarry/types.h>

#define NSEC_PER_USEC 1000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_SEC  1000000000ULL

struct timer_ops {
	uint64_t (*read)(void);		    /* ticks */
	void (*program)(uint64_t deadline); /* interrupt at this tick; UINT64_MAX: never */
};

/*
 * Make ops, which counts at hz, the machine's timer. NULL ops takes it away. 0 or -EINVAL (hz 0).
 */
int timer_register(const struct timer_ops *ops, uint64_t hz);

/* The driver reports its interrupt here, in interrupt context. */
void timer_interrupt(void);

/* Ticks per second, 0 if there is no timer. */
uint64_t timer_hz(void);

/*
 * Nanoseconds since the counter's zero, as monotonic as the counter is; 0 if there is no timer. Any
 * context.
 */
uint64_t timer_now(void);

/*
 * timer_since() - nanoseconds since `start` of timer_now(). 0 if the counter has stepped back behind
 * it, which an unsigned difference would make centuries. Any context.
 */
static inline uint64_t timer_since(uint64_t start)
{
	uint64_t passed = timer_now() - start;

	return (int64_t)passed < 0 ? 0 : passed;
}

/*
 * timer_set() - call fn(arg) once in interrupt context, ns from now; a periodic call-back if period
 * is true. There is one call-back: setting replaces it. fn NULL switches it off. -ENODEV without
 * timer.
 */
int timer_set(uint64_t ns, bool periodic, void (*fn)(void *arg), void *arg);

/*
 * timer_set_watchdogs() - the same, periodic, for drivers/watchdog alone, beside the other. Context:
 * thread.
 */
int timer_set_watchdogs(uint64_t ns, void (*fn)(void *arg));

/*
 * timer_sleep() - wait at least ns, the CPU idle in between (interrupts are served). Context:
 * thread.
 * timer_delay() - the same by watching the clock; any context. Both return at once without a timer.
 */
void timer_sleep(uint64_t ns);
void timer_delay(uint64_t ns);

/*
 * timer_wait() - wait until done(arg), which an interrupt makes true, but no longer than ns, the
 * CPU idle in between. Returns whether it became true. done is called with interrupts masked too.
 * Without a timer it watches, for a bounded number of looks. Context: thread.
 */
bool timer_wait(uint64_t ns, bool (*done)(void *arg), void *arg);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer.c: clock, sleeping and call-backs, on top of a counter and a comparator.
 *
 * Deadlines share the comparator: the call-back's, the watchdogs', that of interrupts which have to
 * be looked for (irq_poll()), and the sleeper's. It is programmed to the earliest one. All are in
 * ticks; UINT64_MAX means none.
 */
#include "drivers/timer/timer.h"

#include <errno.h>
#include <quarry/port.h>

#include "drivers/base/io.h"
#include "drivers/irqchip/irq.h"

#define NEVER	   UINT64_MAX
#define WAIT_LOOKS 100000000 /* of timer_wait() without a timer */

static const struct timer_ops *ops;
static uint64_t hz;

static struct call {
	uint64_t deadline, period; /* period 0: once */
	void (*fn)(void *arg);
	void *arg;
} callback = {.deadline = NEVER}, watchdogs = {.deadline = NEVER}, poller = {.deadline = NEVER};
static uint64_t sleeper = NEVER;

uint64_t timer_hz(void)
{
	return hz;
}

/* seconds and remainder apart, so that nothing overflows for centuries at any sane frequency */
static uint64_t scale(uint64_t value, uint64_t from, uint64_t to)
{
	return value / from * to + value % from * to / from;
}

uint64_t timer_now(void)
{
	return ops ? scale(ops->read(), hz, NSEC_PER_SEC) : 0;
}

/* The tick ns from now, never the one that means never. */
static uint64_t tick_after(uint64_t ns)
{
	uint64_t now = ops->read();
	uint64_t ticks = scale(ns, NSEC_PER_SEC, hz) + 1; /* rounded up: wait at least ns */

	return ticks < NEVER - 1 - now ? now + ticks : NEVER - 1;
}

/* Interrupts masked. */
static void program_next(void)
{
	uint64_t next = callback.deadline < sleeper ? callback.deadline : sleeper;

	next = poller.deadline < next ? poller.deadline : next;
	ops->program(watchdogs.deadline < next ? watchdogs.deadline : next);
}

static void call_if_due(struct call *call, uint64_t now)
{
	if (call->deadline > now)
		return;
	if (call->period == 0)
		call->deadline = NEVER;
	else /* keep the beat; ticks that were missed are not made up for */
		call->deadline += call->period * ((now - call->deadline) / call->period + 1);
	call->fn(call->arg);
}

void timer_interrupt(void)
{
	uint64_t now = ops->read();

	if (sleeper <= now)
		sleeper = NEVER; /* the sleeper sees the clock itself */
	call_if_due(&watchdogs, now);
	call_if_due(&poller, now);
	call_if_due(&callback, now);
	if (ops)
		program_next();
}

static int set_call(struct call *call, uint64_t ns, bool periodic, void (*fn)(void *arg), void *arg)
{
	unsigned long flags;

	if (!ops)
		return -ENODEV;
	flags = port_irq_save();
	call->fn = fn;
	call->arg = arg;
	call->deadline = fn ? tick_after(ns) : NEVER;
	call->period = fn && periodic ? scale(ns, NSEC_PER_SEC, hz) : 0;
	if (fn && periodic && call->period == 0)
		call->period = 1;
	program_next();
	port_irq_restore(flags);
	return 0;
}

static void poll(void *arg)
{
	(void)arg;
	irq_poll();
}

int timer_register(const struct timer_ops *new_ops, uint64_t new_hz)
{
	if (new_ops && new_hz == 0)
		return -EINVAL;
	if (ops)
		ops->program(NEVER);
	callback.deadline = NEVER;
	watchdogs.deadline = NEVER;
	poller.deadline = NEVER;
	sleeper = NEVER;
	ops = new_ops;
	hz = new_ops ? new_hz : 0;
	if (ops && irq_poll()) /* there is something to look at */
		set_call(&poller, IRQ_POLL_NS, true, poll, NULL);
	return 0;
}

int timer_set(uint64_t ns, bool periodic, void (*fn)(void *arg), void *arg)
{
	return set_call(&callback, ns, periodic, fn, arg);
}

int timer_set_watchdogs(uint64_t ns, void (*fn)(void *arg))
{
	return set_call(&watchdogs, ns, true, fn, NULL);
}

void timer_sleep(uint64_t ns)
{
	uint64_t deadline;

	if (!ops)
		return;
	deadline = tick_after(ns);
	while (ops->read() < deadline) {
		/* masked, so that the interrupt cannot come between the look and the wait */
		unsigned long flags = port_irq_save();

		if (ops->read() < deadline) {
			sleeper = deadline;
			program_next();
			cpu_wait_for_interrupt();
		}
		port_irq_restore(flags);
	}
}

bool timer_wait(uint64_t ns, bool (*done)(void *arg), void *arg)
{
	uint64_t deadline;
	bool over = done(arg);

	if (!ops) {
		for (uint32_t looks = 0; !over && looks < WAIT_LOOKS; looks++) {
			port_relax();
			over = done(arg);
		}
		return over;
	}
	deadline = tick_after(ns);
	while (!over && ops->read() < deadline) {
		/* masked, so that the interrupt cannot come between the look and the wait */
		unsigned long flags = port_irq_save();

		over = done(arg);
		if (!over && ops->read() < deadline) {
			sleeper = deadline;
			program_next();
			cpu_wait_for_interrupt();
		}
		port_irq_restore(flags);
		over = over || done(arg);
	}
	return over;
}

void timer_delay(uint64_t ns)
{
	uint64_t deadline;

	if (!ops)
		return;
	deadline = tick_after(ns);
	while (ops->read() < deadline)
		port_relax();
}

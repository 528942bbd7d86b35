/* SPDX-License-Identifier: BSD-2-Clause */
/* sched.c: the scheduler. Interrupts are masked where threads change. */
#include <stdint.h>

#include "../common/clint.h"
#include "sched.h"

#define THREADS 8
#define TICKS	1000 /* 100 us */

static struct thread threads[THREADS] = {{.number = 0}}; /* the first is main() */
static unsigned int count = 1;

struct thread *thread_now = &threads[0];
volatile unsigned int preempt_off, switch_wanted;

void switch_stack(void **from, void *to);

static unsigned long mask(void)
{
	unsigned long was;

	__asm__ volatile("csrrci %0, mstatus, 8" : "=r"(was)::"memory");
	return was & MSTATUS_MIE;
}

static void unmask(unsigned long was)
{
	__asm__ volatile("csrs mstatus, %0" ::"r"(was) : "memory");
}

static void switch_thread(void)
{
	struct thread *from = thread_now, *to = from;

	do
		to = to + 1 < threads + count ? to + 1 : threads;
	while (to->done);
	switch_wanted = 0;
	thread_now = to;
	if (to != from)
		switch_stack(&from->sp, to->sp);
}

void thread_yield(void)
{
	unsigned long was = mask();

	switch_thread();
	unmask(was);
}

void sched_tick(void)
{
	unsigned long epc, status;

	clint_timer(0, TICKS);
	if (preempt_off) {
		switch_wanted = 1;
		return;
	}
	/* other threads are interrupted meanwhile */
	__asm__ volatile("csrr %0, mepc\n\tcsrr %1, mstatus" : "=r"(epc), "=r"(status));
	switch_thread();
	__asm__ volatile("csrw mepc, %0\n\tcsrw mstatus, %1" ::"r"(epc), "r"(status));
}

static void first(void)
{
	unmask(MSTATUS_MIE);
	thread_now->run(thread_now->number);
	thread_now->done = 1;
	thread_yield(); /* for ever */
}

void thread_create(void (*run)(unsigned int), void *stack_end)
{
	struct thread *thread = &threads[count];
	void **frame = (void **)stack_end - 14;

	*frame = (void *)(uintptr_t)first; /* the ra of switch_stack() */
	thread->sp = frame;
	thread->run = run;
	thread->number = count++;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* sched.h: threads that a timer takes the CPU from, round robin, but not while preempt_off is raised. */
#ifndef SCHED_H
#define SCHED_H

struct thread {
	void *sp;
	void (*run)(unsigned int);
	unsigned int number, done;
};

extern struct thread *thread_now;
extern volatile unsigned int preempt_off;
extern volatile unsigned int switch_wanted; /* the timer came meanwhile */

void thread_create(void (*run)(unsigned int), void *stack_end);
void thread_yield(void);
void sched_tick(void); /* the timer's interrupt */

static inline void preempt_disable(void)
{
	preempt_off = preempt_off + 1;
	__asm__ volatile("" ::: "memory");
}

static inline void preempt_enable(void)
{
	__asm__ volatile("" ::: "memory");
	preempt_off = preempt_off - 1;
	if (!preempt_off && switch_wanted)
		thread_yield();
}

#endif

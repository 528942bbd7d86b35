/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel.c: a kernel of three harts whose timers take the CPU from processes. A process has a stack and
 * an "address space" of pages; fork() copies all of them, exit() frees them. The load is a tree of forks,
 * again and again. What it allocates with is kalloc.h, before/ or after/.
 */
#include "../common/clint.h"
#include "../common/print.h"
#include "kalloc.h"

#define PROCESSES 24
#define SPACE	  16	 /* pages of a process */
#define FORKS	  2000	 /* of the whole run */
#define SLICE	  1000UL /* 100 us */

enum state {
	FREE,
	TAKEN,
	READY,
	RUNNING,
	ENDED
};

struct process {
	enum state state; /* for other harts: READY and ENDED only once the stack is left */
	enum state next;  /* for the scheduler that it goes back to */
	void *sp;
	uint64_t *stack;
	uint64_t *space[SPACE];
	uint64_t number; /* what its pages hold */
};

static struct process table[PROCESSES];
static unsigned int table_lock;
static struct process *current[HARTS];
static void *hart_sp[HARTS]; /* each hart's scheduler */
static unsigned int booted, forks, ends, refused, ran[HARTS];
static unsigned long preempted;
static uint64_t spent,
	counted; /* instructions for pages in fork() and exit(), and how many pages that were */

void switch_stack(void **from, void *to);

void panic(const char *why)
{
	put_text(why);
	put_char('\n');
	leave(1);
}

void kick(unsigned int hart)
{
	clint_kick(hart, 1);
}

static uint64_t instructions(void)
{
	uint64_t count;

	__asm__ volatile("csrr %0, minstret" : "=r"(count));
	return count;
}

static unsigned long lock_table(void)
{
	unsigned long flags = irq_save();

	while (__atomic_exchange_n(&table_lock, 1, __ATOMIC_ACQUIRE))
		;
	return flags;
}

static void unlock_table(unsigned long flags)
{
	__atomic_store_n(&table_lock, 0, __ATOMIC_RELEASE);
	irq_restore(flags);
}

/* Back to the hart's scheduler; interrupts are masked, and on return this may be another hart. */
static void leave_cpu(enum state next)
{
	struct process *process = current[hart_id()];

	process->next = next;
	switch_stack(&process->sp, hart_sp[hart_id()]);
}

void trap(unsigned long cause)
{
	unsigned int hart = hart_id();
	unsigned long epc, status;

	if (cause == CAUSE_SOFTWARE) {
		clint_kick(hart, 0);
		kick_received();
		return;
	}
	if (cause != CAUSE_TIMER)
		panic("trap");
	clint_timer(hart, SLICE);
	if (!current[hart])
		return;
	__atomic_fetch_add(&preempted, 1, __ATOMIC_RELAXED);
	__asm__ volatile("csrr %0, mepc\n\tcsrr %1, mstatus" : "=r"(epc), "=r"(status));
	leave_cpu(READY);
	__asm__ volatile("csrw mepc, %0\n\tcsrw mstatus, %1" ::"r"(epc), "r"(status));
}

/* ---- processes ----------------------------------------------------------------------------- */

struct since {
	uint64_t instructions;
	unsigned long preempted;
};

static struct since now(void)
{
	return (struct since){instructions(), __atomic_load_n(&preempted, __ATOMIC_RELAXED)};
}

/* What was not interrupted counts. */
static void account(struct since since, unsigned int pages)
{
	uint64_t end = instructions();

	if (since.preempted != __atomic_load_n(&preempted, __ATOMIC_RELAXED))
		return;
	__atomic_fetch_add(&spent, end - since.instructions, __ATOMIC_RELAXED);
	__atomic_fetch_add(&counted, pages, __ATOMIC_RELAXED);
}

static void free_space(struct process *process)
{
	for (unsigned int i = 0; i < SPACE; i++) {
		if (process->space[i])
			kfree(process->space[i]);
		process->space[i] = 0;
	}
}

static void process_main(void);

/* A process whose pages are a copy of the parent's. */
static int fork(struct process *parent)
{
	struct process *child = 0;
	unsigned long flags = lock_table();
	struct since since;

	for (unsigned int i = 0; i < PROCESSES && !child; i++)
		if (table[i].state == FREE)
			child = &table[i];
	if (child)
		child->state = TAKEN;
	unlock_table(flags);
	if (!child)
		return -1;

	since = now();
	child->stack = kalloc();
	for (unsigned int i = 0; i < SPACE && child->stack; i++) {
		child->space[i] = kalloc();
		if (!child->space[i])
			panic("no page");
	}
	account(since, SPACE + 1);
	if (!child->stack)
		panic("no stack");
	child->number = __atomic_add_fetch(&forks, 1, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < SPACE; i++) {
		for (unsigned int n = 0; parent && n < PAGE / 8; n += 8)
			child->space[i][n] = parent->space[i][n];
		child->space[i][0] = child->number;
	}
	child->sp = (char *)child->stack + PAGE - 112;
	*(void **)child->sp = (void *)process_main; /* the ra of switch_stack() */
	__atomic_store_n(&child->state, READY, __ATOMIC_RELEASE);
	return 0;
}

static void process_main(void)
{
	struct process *self = current[hart_id()];
	struct since since;

	irq_restore(MSTATUS_MIE);
	for (int child = 0; child < 2; child++)
		if (__atomic_load_n(&forks, __ATOMIC_RELAXED) < FORKS && fork(self))
			__atomic_fetch_add(&refused, 1, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < SPACE; i++)
		if (self->space[i][0] != self->number)
			panic("a page has changed");
	since = now();
	free_space(self);
	account(since, SPACE);
	__atomic_fetch_add(&ends, 1, __ATOMIC_RELAXED);
	irq_save();
	leave_cpu(ENDED);
}

/* Runs what is ready, on this hart's own stack; frees the stacks of those that ended. */
static void schedule(unsigned int hart)
{
	for (unsigned int i = 0; i < PROCESSES; i++) {
		struct process *process = &table[i];
		enum state ready = READY;

		if (!__atomic_compare_exchange_n(&process->state, &ready, RUNNING, 0,
						 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			continue;
		irq_save();
		ran[hart]++;
		current[hart] = process;
		switch_stack(&hart_sp[hart], process->sp);
		current[hart] = 0;
		/* No earlier: a hart that takes it goes to the stack pointer that was just saved. */
		__atomic_store_n(&process->state, process->next, __ATOMIC_RELEASE);
		irq_restore(MSTATUS_MIE);
	}
}

/* Hart 0: what ended is free again. */
static void reap(void)
{
	for (unsigned int i = 0; i < PROCESSES; i++)
		if (__atomic_load_n(&table[i].state, __ATOMIC_ACQUIRE) == ENDED) {
			kfree(table[i].stack);
			__atomic_store_n(&table[i].state, FREE, __ATOMIC_RELEASE);
		}
}

static void say(const char *what, uint64_t number)
{
	put_text(what);
	put_number(number);
}

void main(unsigned long hart)
{
	uint64_t start;

	__asm__ volatile("mv tp, %0" ::"r"(hart));
	if (hart == 0) {
		start = instructions();
		kinit();
		say("tiny-kernel: kinit ", instructions() - start);
		__atomic_store_n(&booted, 1, __ATOMIC_RELEASE);
		fork(0);
	}
	while (!__atomic_load_n(&booted, __ATOMIC_ACQUIRE))
		;
	if (hart)
		kinit_hart((unsigned int)hart);
	clint_timer((unsigned int)hart, SLICE);
	interrupts_on(MIE_TIMER | MIE_SOFTWARE);
	while (hart)
		schedule((unsigned int)hart);
	while (__atomic_load_n(&ends, __ATOMIC_RELAXED) <
		       __atomic_load_n(&forks, __ATOMIC_RELAXED) ||
	       forks < FORKS) {
		schedule(0);
		reap();
		if (__atomic_load_n(&ends, __ATOMIC_RELAXED) ==
			    __atomic_load_n(&forks, __ATOMIC_RELAXED) &&
		    forks < FORKS)
			fork(0);
	}
	say(" instructions, a page in fork or exit ", spent / counted);
	say("; forks ", forks);
	say(", preempted ", preempted);
	for (unsigned int i = 0; i < HARTS; i++)
		say(i ? ", " : ", runs by hart ", ran[i]);
	put_char('\n');
	leave(0);
}

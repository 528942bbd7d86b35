/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp.h: the other CPUs: starting them, giving them work, interrupting and stopping them.
 *
 * CPU 0 is the one the loader started, which need not be hart 0; the others are numbered in the
 * order of /cpus, disabled ones left out. A CPU that does not come up keeps its number and is left
 * alone. Each has a struct cpu, a stack and an emergency stack of its own, and waits for work, and
 * for interrupts, in an idle loop. docs/smp.md has the picture.
 */
#ifndef BOOT_SMP_H
#define BOOT_SMP_H

#include <stdbool.h>
#include <stddef.h>

#include <quarry/port.h>
#include <quarry/types.h>

#include "boot/boot.h"

enum cpu_state {
	CPU_ABSENT,   /* no such CPU */
	CPU_STARTING, /* the firmware was asked; it has not run yet */
	CPU_RUNNING,  /* it runs our code and sets itself up */
	CPU_ONLINE,   /* it waits for work */
	CPU_REFUSED,  /* the firmware would not start it; its memory was given back */
	CPU_LATE,     /* it did not run in time; should it ever run, it stops by itself */
	CPU_STOPPED,  /* a trap stopped it, or it cannot be interrupted; the others went on */
};

/* Stop until an interrupt is pending, even a masked one; may return earlier. */
static inline void cpu_wait(void)
{
	__asm__ volatile("wfi" ::: "memory");
}

/* The CPU this runs on. */
static inline struct cpu *this_cpu(void)
{
	return (struct cpu *)(void *)((char *)port_pcpu() - offsetof(struct cpu, mm));
}

/* ---- boot ------------------------------------------------------------------------------------ */

/*
 * smp_prepare() - number the CPUs of the tree and take memory for the stacks of all but this one
 * from memblock.
 * Context: boot, memblock filled, before mmu_init().
 */
void smp_prepare(const void *fdt);

/*
 * smp_nr_cpus() - CPUs that have numbers: those of the tree, or 1 before smp_prepare(). Context:
 * any.
 */
unsigned int smp_nr_cpus(void);

/*
 * smp_start() - start them all, and wait until each is up or for a second none has come any
 * further; one line for each that did not come up, and one for all. Interrupts are masked. Context:
 * boot, after mm_init() and the interrupt controller's driver.
 */
void smp_start(void);

/* ---- any time -------------------------------------------------------------------------------- */

/*
 * smp_cpu() - the CPU of that number; NULL: there is none, or it has no memory any more. Context:
 * any.
 */
struct cpu *smp_cpu(unsigned int number);

enum cpu_state smp_state(unsigned int number);
const char *smp_state_name(enum cpu_state state);
uint64_t smp_hart(unsigned int number); /* hart id, or MPIDR affinity */

static inline bool smp_online(unsigned int number)
{
	return smp_state(number) == CPU_ONLINE;
}

/*
 * smp_call() - have another CPU run fn(arg) in its thread context, and return at once. What was
 * written before is seen by fn. After fn the CPU gives its page caches back. 0; -ENXIO: not online;
 * -EINVAL: this CPU, or CPU 0; -EBUSY: it has not finished what it was asked before. Context:
 * thread.
 */
int smp_call(unsigned int cpu, void (*fn)(void *arg), void *arg);

/*
 * smp_wait() - wait until it has finished, or has stopped, this CPU idle meanwhile. What fn wrote
 * is seen.
 * Context: thread.
 */
void smp_wait(unsigned int cpu);
bool smp_finished(unsigned int cpu); /* the same, asked once */

/*
 * smp_stop_others() - every other CPU stops for good when it next takes an interrupt. Context: any.
 */
void smp_stop_others(void);

/*
 * smp_trap_begin() - this CPU has a fatal trap to report. True: the others go on, and the report
 * ends with smp_trap_end(). False: the report is the machine's last one: machine_emergency_begin().
 * Context: trap, interrupts masked.
 *
 * smp_trap_end() - this CPU stops and becomes CPU_STOPPED. `masked`: its interrupts were when the
 * trap came, so that it may have been inside the page allocator (mm_cpu_stopped()). If it holds one
 * of the allocator's locks, all CPUs stop, with one line.
 */
bool smp_trap_begin(void);
_Noreturn void smp_trap_end(bool masked);

/* ---- interrupts ------------------------------------------------------------------------------ */

/*
 * Every trap handler of boot/<isa> calls these around an interrupt's handler. irq_set_hook(): fn
 * runs at the end of each interrupt, on every CPU, still in interrupt context (for tests); NULL
 * takes it away. It may run once more on other CPUs after that.
 */
static inline void irq_enter(void)
{
	port_pcpu()->irq_depth++;
}
void irq_exit(void);
void irq_set_hook(void (*fn)(void));

/* ---- for boot/<isa> and the interrupt controller's driver ----------------------------------- */

/*
 * How CPUs interrupt each other where a driver knows it. init: on each CPU but 0, as it comes up; 0
 * or -errno.
 */
struct ipi_ops {
	void (*send)(unsigned int cpu);
	int (*init)(const struct cpu *cpu);
};
void smp_set_ipi(const struct ipi_ops *ops);

/* smp_ipi() - such an interrupt arrived and has been acknowledged. Context: interrupt. */
void smp_ipi(void);

/*
 * Where smp_arch_start()'s CPUs arrive, on their stacks, MMU on, interrupts masked. Does not
 * return.
 */
_Noreturn void secondary_main(struct cpu *cpu);

extern const size_t smp_arch_emergency_size; /* bytes of a CPU's emergency stack */
int smp_arch_init(void);		     /* CPU 0: -ENOSYS: the firmware starts no CPUs */
int smp_arch_start(struct cpu *cpu);
bool smp_arch_never_ran(const struct cpu *cpu); /* the firmware says it will not run either */
void smp_arch_wait(
	void); /* some 100 microseconds, interrupts masked; a spin that emulators let end */

#endif

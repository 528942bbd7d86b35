/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp.c: starting harts, and interrupting them, by the SBI (chapters "Hart State Management
 * Extension", "IPI Extension").
 */
#include "boot/cpu/smp.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "boot/mmu/mmu.h"
#include "boot/riscv64/layout.h"
#include "boot/riscv64/sbi.h"
#include "boot/riscv64/trap.h"

#define SBI_EXT_HSM	       0x48534d
#define HSM_HART_START	       0
#define HSM_HART_GET_STATUS    2
#define HSM_STOPPED	       1
#define SBI_EXT_IPI	       0x735049
#define SBI_EXT_LEGACY_IPI     0x04
#define SBI_INVALID_PARAM      (-3)
#define SBI_ALREADY_AVAILABLE  (-6)

#define SIE_BIT(cause)	       (1UL << (cause))
#define WAITS_PER_SECOND       10000
#define TICKS_OF_UNKNOWN_CLOCK 1000

const size_t smp_arch_emergency_size = EMERGENCY_STACK_SIZE;

extern const char secondary_entry[]; /* smp_entry.S */

/*
 * The harts that are being started, and their areas: for those that come in at the image's start
 * (head.S).
 */
struct started {
	unsigned long hart;
	struct cpu *cpu; /* NULL: it has come */
};
static_assert(sizeof(struct started) == 16, "head.S");
struct started smp_started[CONFIG_NR_CPUS];
extern unsigned long smp_nr_started; /* of smp_started[]; in head.S */

static bool has_ipi; /* the extension; else the legacy call */

static void ipi_send(unsigned int number)
{
	unsigned long hart = (unsigned long)smp_hart(number);

	/*
	 * the CPU that is interrupted sees what was written before: an ecall alone orders nothing
	 */
	__asm__ volatile("fence rw, iorw" ::: "memory");
	if (has_ipi) {
		sbi_ecall(SBI_EXT_IPI, 0, 1, hart, 0);
	} else {
		/* a bit map in memory; 64 harts at a time are all the old firmware knows */
		unsigned long mask[2] = {hart < 64 ? 1UL << hart : 0, 0};

		sbi_ecall(SBI_EXT_LEGACY_IPI, 0, (unsigned long)mask, 0, 0);
	}
}

/* Runs on each hart; hart 0's part of sie was set when the handler was registered. */
static int ipi_init(const struct cpu *cpu)
{
	(void)cpu;
	__asm__ volatile("csrs sie, %0" ::"r"(SIE_BIT(RISCV_IRQ_SOFTWARE)) : "memory");
	return 0;
}

static const struct ipi_ops sbi_ipi_ops = {
	.send = ipi_send,
	.init = ipi_init,
};

static void ipi_interrupt(void)
{
	/* acknowledged first: a request posted from here on interrupts again */
	__asm__ volatile("csrc sip, %0\n\tfence iorw, rw" ::"r"(SIE_BIT(RISCV_IRQ_SOFTWARE))
			 : "memory");
	smp_ipi();
}

int smp_arch_init(void)
{
	has_ipi = sbi_has(SBI_EXT_IPI);
	if (!sbi_has(SBI_EXT_HSM))
		return -ENOSYS;
	smp_set_ipi(&sbi_ipi_ops);
	return riscv_irq_register(RISCV_IRQ_SOFTWARE, ipi_interrupt);
}

int smp_arch_start(struct cpu *cpu)
{
	struct sbiret ret;

	smp_started[smp_nr_started] = (struct started){cpu->hart, cpu};
	/* Release, paired with late_hart's fence: the entry before its number. */
	__atomic_store_n(&smp_nr_started, smp_nr_started + 1, __ATOMIC_RELEASE);
	__asm__ volatile("fence rw, iorw" ::: "memory");
	ret = sbi_ecall(SBI_EXT_HSM, HSM_HART_START, cpu->hart, (unsigned long)secondary_entry,
			(unsigned long)cpu);
	switch (ret.error) {
	case 0:
		return 0;
	case SBI_INVALID_PARAM:
		return -EINVAL;
	case SBI_ALREADY_AVAILABLE:
		return -EALREADY;
	default:
		return -EIO;
	}
}

bool smp_arch_never_ran(const struct cpu *cpu)
{
	struct sbiret ret = sbi_ecall(SBI_EXT_HSM, HSM_HART_GET_STATUS, cpu->hart, 0, 0);

	return ret.error == 0 && ret.value == HSM_STOPPED;
}

/*
 * wfi goes on at once when an interrupt is pending, even a masked one; but QEMU runs another hart
 * first. A software interrupt that nobody asked for does no harm.
 */
void port_yield(void)
{
	unsigned long flags = port_irq_save(), bit = SIE_BIT(RISCV_IRQ_SOFTWARE), enabled;

	__asm__ volatile("csrr %0, sie" : "=r"(enabled));
	if (enabled & bit)
		__asm__ volatile("csrs sip, %0\n\twfi" ::"r"(bit) : "memory");
	port_irq_restore(flags);
}

/*
 * The timer's interrupt ends the wait. Its driver may have programmed it already, for a watchdog or
 * what is polled: such a deadline is lost here, so the driver's interrupt comes as soon as it may, and
 * programs the next one.
 */
void smp_arch_wait(void)
{
	uint64_t ticks = boot_info.timebase_hz / WAITS_PER_SECOND;
	unsigned long bit = SIE_BIT(RISCV_IRQ_TIMER), were;

	sbi_set_timer(machine_ticks() + (ticks ? ticks : TICKS_OF_UNKNOWN_CLOCK));
	__asm__ volatile("csrrs %0, sie, %1" : "=r"(were) : "r"(bit) : "memory");
	cpu_wait();
	if (!(were & bit))
		__asm__ volatile("csrc sie, %0" ::"r"(bit) : "memory");
	sbi_set_timer(were & bit ? 0 : UINT64_MAX);
}

_Noreturn void secondary_start(struct cpu *cpu);
/*
 * The first C code of another hart, still at physical addresses, which the tables map to
 * themselves.
 */
void secondary_start(struct cpu *cpu)
{
	extern const char __tdata_start[], __tdata_end[];

	mmu_enable_this_cpu();
	memcpy(cpu->tls, __tdata_start, (size_t)(__tdata_end - __tdata_start));
	for (unsigned long n = 0; n < CONFIG_NR_CPUS; n++) {
		if (smp_started[n].cpu == cpu)
			smp_started[n].cpu = NULL;
	}
	secondary_main(cpu);
}

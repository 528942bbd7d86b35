/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sbi.c: the supervisor's side of the RISC-V SBI: see sbi.h.
 */
#include <errno.h>
#include <limits.h>

#include <quarry/types.h>

#include "boot/main.h"
#include "boot/riscv64/sbi.h"

static bool has_time, has_srst, has_dbcn, has_rfence;

struct sbiret sbi_ecall(unsigned long ext, unsigned long fid, unsigned long arg0,
			unsigned long arg1, unsigned long arg2)
{
	register unsigned long a0 __asm__("a0") = arg0;
	register unsigned long a1 __asm__("a1") = arg1;
	register unsigned long a2 __asm__("a2") = arg2;
	register unsigned long a6 __asm__("a6") = fid;
	register unsigned long a7 __asm__("a7") = ext;

	__asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
	return (struct sbiret){(long)a0, (long)a1};
}

/* By version 0.1, which cannot be asked: a bit map of harts in memory, a start and a size. */
static bool legacy_sfence_vma(unsigned long hart)
{
	unsigned long mask[2] = {hart < 64 ? 1UL << hart : 0, 0};

	return mask[0] && !sbi_spec_major() && sbi_spec_minor() < 2 &&
	       sbi_ecall(SBI_EXT_LEGACY_SFENCE, 0, (unsigned long)mask, 0, ULONG_MAX).error == 0;
}

bool sbi_remote_sfence_vma(unsigned long hart)
{
	register unsigned long a0 __asm__("a0") = 1;	/* a mask of one hart, */
	register unsigned long a1 __asm__("a1") = hart; /* this one */
	register unsigned long a2 __asm__("a2") = 0;	/* all addresses */
	register unsigned long a3 __asm__("a3") = ULONG_MAX;
	register unsigned long a6 __asm__("a6") = 1; /* remote sfence.vma */
	register unsigned long a7 __asm__("a7") = SBI_EXT_RFENCE;

	if (!has_rfence)
		return legacy_sfence_vma(hart);
	__asm__ volatile("ecall"
			 : "+r"(a0), "+r"(a1)
			 : "r"(a2), "r"(a3), "r"(a6), "r"(a7)
			 : "memory");
	return a0 == 0;
}

/* Base Extension functions */
enum {
	BASE_SPEC_VERSION,
	BASE_IMPL_ID,
	BASE_IMPL_VERSION,
	BASE_PROBE,
	BASE_MVENDORID
};

static unsigned long sbi_base(unsigned long fid, unsigned long arg)
{
	struct sbiret ret = sbi_ecall(SBI_EXT_BASE, fid, arg, 0, 0);

	return ret.error ? 0 : (unsigned long)ret.value;
}

void sbi_init(void)
{
	has_time = sbi_has(SBI_EXT_TIME);
	has_srst = sbi_has(SBI_EXT_SRST);
	has_dbcn = sbi_has(SBI_EXT_DBCN);
	has_rfence = sbi_has(SBI_EXT_RFENCE);
}

bool sbi_has(unsigned long ext)
{
	return sbi_base(BASE_PROBE, ext) != 0;
}

unsigned int sbi_spec_major(void)
{
	return (unsigned int)(sbi_base(BASE_SPEC_VERSION, 0) >> 24) & 0x7f;
}

unsigned int sbi_spec_minor(void)
{
	return (unsigned int)sbi_base(BASE_SPEC_VERSION, 0) & 0xffffff;
}

unsigned long sbi_impl_id(void)
{
	return sbi_base(BASE_IMPL_ID, 0);
}

unsigned long sbi_impl_version(void)
{
	return sbi_base(BASE_IMPL_VERSION, 0);
}

unsigned long sbi_mvendorid(void)
{
	return sbi_base(BASE_MVENDORID, 0);
}

const char *sbi_impl_name(void)
{
	static const char *const names[] = {
		"BBL",	  "OpenSBI", "Xvisor", "KVM",		"RustSBI",
		"Diosix", "Coffer",  "Xen",    "PolarFire HSS",
	};
	unsigned long id = sbi_impl_id();

	return id < sizeof(names) / sizeof(names[0]) ? names[id] : "unknown";
}

void sbi_set_timer(uint64_t ticks)
{
	if (has_time)
		sbi_ecall(SBI_EXT_TIME, 0, ticks, 0, 0);
	else
		sbi_ecall(SBI_EXT_LEGACY_SET_TIMER, 0, ticks, 0, 0);
}

void sbi_console_putc(char c)
{
	unsigned long byte = (unsigned char)c;

	/* DBCN function 2 is "Console Write Byte" */
	if (!has_dbcn || sbi_ecall(SBI_EXT_DBCN, 2, byte, 0, 0).error)
		sbi_ecall(SBI_EXT_LEGACY_PUTCHAR, 0, byte, 0, 0);
}

int sbi_console_getc(void)
{
	static char byte;

	if (has_dbcn) {
		/* function 1 is "Console Read": how many bytes, where to, by physical address */
		struct sbiret ret = sbi_ecall(SBI_EXT_DBCN, 1, 1, (unsigned long)&byte, 0);

		if (ret.error == 0)
			return ret.value == 1 ? (unsigned char)*(volatile char *)&byte : -1;
	}
	/* the legacy call returns the byte, or -1, in place of an error */
	long c = sbi_ecall(SBI_EXT_LEGACY_GETCHAR, 0, 0, 0, 0).error;

	return c >= 0 && c <= 255 ? (int)c : -1;
}

/* types of System Reset */
enum {
	SRST_SHUTDOWN,
	SRST_COLD_REBOOT
};

static int sbi_srst(unsigned long type)
{
	if (has_srst)
		sbi_ecall(SBI_EXT_SRST, 0, type, 0, 0);
	return -ENOSYS;
}

int sbi_shutdown(void)
{
	sbi_srst(SRST_SHUTDOWN);
	sbi_ecall(SBI_EXT_LEGACY_SHUTDOWN, 0, 0, 0, 0);
	return -ENOSYS;
}

int sbi_reboot(void)
{
	return sbi_srst(SRST_COLD_REBOOT);
}

void machine_putc(char c)
{
	sbi_console_putc(c);
}

int machine_getc(void)
{
	return sbi_console_getc();
}

/*
 * What the SBI prints on is its own affair. Version 0.1 cannot be asked and has the legacy calls.
 */
bool machine_console(void)
{
	return has_dbcn || sbi_has(SBI_EXT_LEGACY_PUTCHAR) || !sbi_base(BASE_SPEC_VERSION, 0);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sbi.h: calls into the machine-mode firmware, per the RISC-V Supervisor Binary Interface
 * Specification. Chapter names in the comments are its.
 *
 * Context: any, unless said otherwise. Cost: the firmware's.
 */
#ifndef BOOT_RISCV64_SBI_H
#define BOOT_RISCV64_SBI_H

#include <stdbool.h>
#include <stdint.h>

#define SBI_EXT_LEGACY_SET_TIMER 0x00
#define SBI_EXT_LEGACY_PUTCHAR	 0x01
#define SBI_EXT_LEGACY_GETCHAR	 0x02
#define SBI_EXT_LEGACY_SFENCE	 0x06
#define SBI_EXT_LEGACY_SHUTDOWN	 0x08
#define SBI_EXT_BASE		 0x10
#define SBI_EXT_TIME		 0x54494d45
#define SBI_EXT_RFENCE		 0x52464e43
#define SBI_EXT_DBCN		 0x4442434e
#define SBI_EXT_SRST		 0x53525354

struct sbiret {
	long error; /* 0 or a negative SBI error */
	long value;
};

/* sbi_ecall() - extension ext, function fid ("Binary Encoding"). */
struct sbiret sbi_ecall(unsigned long ext, unsigned long fid, unsigned long a0, unsigned long a1,
			unsigned long a2);

/* sbi_init() - learn which extensions are there; call once, before the others. Context: boot. */
void sbi_init(void);

/* sbi_has() - the firmware implements extension ext ("Base Extension"). */
bool sbi_has(unsigned long ext);

unsigned int sbi_spec_major(void);
unsigned int sbi_spec_minor(void);
const char *sbi_impl_name(void);      /* "OpenSBI", ...; "unknown" */
unsigned long sbi_impl_id(void);      /* as registered in the specification */
unsigned long sbi_impl_version(void); /* OpenSBI: major << 16 | minor */

/* The hart's maker, as registered with JEDEC; 0: not said ("Base Extension"). */
unsigned long sbi_mvendorid(void);

/*
 * sbi_set_timer() - a supervisor timer interrupt when the time CSR reaches ticks ("Timer
 * Extension").
 */
void sbi_set_timer(uint64_t ticks);

/*
 * sbi_remote_sfence_vma() - that hart forgets all translations ("RFENCE Extension", or
 * the legacy call, which knows 64 harts). False: the firmware has neither, or refuses.
 */
bool sbi_remote_sfence_vma(unsigned long hart);

/*
 * The SBI console: DBCN's write byte if there, else the legacy call; getc returns -1 for nothing.
 */
void sbi_console_putc(char c);
int sbi_console_getc(void);

/*
 * sbi_shutdown(), sbi_reboot() - power off, or cold reboot ("System Reset Extension"; power off
 * falls back to the legacy shutdown). Returns only if the firmware cannot do it: a negative errno.
 * Context: thread.
 */
int sbi_shutdown(void);
int sbi_reboot(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sfence.h: this hart forgets all translations, and walks what was stored before. Always all of
 * them: one address, or one ASID, is not enough on cores with SiFive's erratum CIP-1200. The fence
 * before it orders the stores to the tables, and to whatever tells others of them.
 */
#ifndef BOOT_RISCV64_SFENCE_H
#define BOOT_RISCV64_SFENCE_H

static inline void sfence_vma(void)
{
	__asm__ volatile("fence rw, rw\n\tsfence.vma" ::: "memory");
}

#endif

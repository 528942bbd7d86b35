/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * el3.h: a machine that starts the image at EL3, with no firmware before it. el3_entry.S keeps the
 * vectors of EL3 and answers the few calls that reach what the secure state keeps to itself:
 * interrupt groups, the redistributors' power, the rate of the counter. Context: any.
 */
#ifndef BOOT_ARM64_EL3_H
#define BOOT_ARM64_EL3_H

/*
 * SMC function identifiers: 64-bit fast calls of the range for OEM services (DEN0028, 6.1). There
 * is nobody else to be called.
 */
#define EL3_LEAVE  0xc3000000 /* x1: the vectors from here on; returns non-secure, at EL2 or EL1 */
#define EL3_READL  0xc3000001 /* x1: physical address; returns the word */
#define EL3_WRITEL 0xc3000002 /* x1: physical address, x2: the word */
#define EL3_CNTFRQ 0xc3000003 /* x1: this CPU's CNTFRQ_EL0 */

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

/* el3_is_ours() - the image was entered at EL3: the calls below exist. */
bool el3_is_ours(void);

/* Access a device register in the secure state; el3_is_ours(). Ordered like readl() and writel(). */
uint32_t el3_readl(const volatile void *reg);
void el3_writel(uint32_t value, volatile void *reg);

/* el3_set_cntfrq() - what CNTFRQ_EL0 of this CPU reads from now on, in Hz; el3_is_ours(). */
void el3_set_cntfrq(uint64_t hz);

#endif
#endif

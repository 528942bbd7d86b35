/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * psci.h: calls into the firmware that starts CPUs and switches the machine off, per the Arm Power
 * State Coordination Interface (DEN0022). Context: any, unless said otherwise. Cost: the
 * firmware's.
 */
#ifndef BOOT_ARM64_PSCI_H
#define BOOT_ARM64_PSCI_H

#include <stdbool.h>
#include <stdint.h>

/*
 * psci_init() - find the firmware's node in the tree and learn how it is called. Returns the node;
 * -ENODEV: none; after one line of log -EINVAL: a `method` that is neither hvc nor smc,
 * -EOPNOTSUPP: hvc, though EL2 was ours and has no firmware in it, or EL3 was. Context: boot,
 * thread.
 */
int psci_init(const void *fdt);

/* The version, major << 16 | minor; 0.1 is 1; 0: no PSCI. */
uint32_t psci_version(void);

/* "hvc", "smc" */
const char *psci_method(void);

/*
 * psci_cpu_on() - start the CPU with this MPIDR affinity at entry, with the MMU off and context in
 * x0. 0, -ENODEV (no PSCI), -EINVAL (no such CPU, or bad entry), -EALREADY, -EPERM, -EIO. Context:
 * thread.
 */
int psci_cpu_on(uint64_t mpidr, uint64_t entry, uint64_t context);

/* Switch off, or reset, the machine. Return only if the firmware cannot: a negative errno. */
int psci_system_off(void);
int psci_system_reset(void);

#endif

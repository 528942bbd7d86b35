/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.h: facts about this boot that only the arm64 code has a use for.
 */
#ifndef BOOT_ARM64_MACHINE_H
#define BOOT_ARM64_MACHINE_H

#include <stdbool.h>

/* The exception level the loader entered the image at: 1 to 3. Context: any. */
unsigned int machine_entry_el(void);

/* The image was entered where it is stored, in flash, and is a copy in RAM now. Context: any. */
bool machine_was_moved(void);

/* Aff3 to Aff0 of MPIDR_EL1: the number that cpu nodes, PSCI and the GIC use. */
#define MPIDR_AFFINITY 0xff00ffffffUL

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.h: every compile-time choice of mm/, in one place.
 *
 * An embedder changes a value here or with -D on the compiler's command line. Each value that is
 * not a plain size has a test in every position it can take.
 */
#ifndef QUARRY_CONFIG_H
#define QUARRY_CONFIG_H

/* Most CPUs that may own per-CPU page caches. */
#ifndef CONFIG_NR_CPUS
#define CONFIG_NR_CPUS 64
#endif

/*
 * Regions each memblock array can hold before it grows by doubling (Linux:
 * INIT_MEMBLOCK_REGIONS).
 */
#ifndef CONFIG_MEMBLOCK_REGIONS
#define CONFIG_MEMBLOCK_REGIONS 128
#endif

/*
 * Debug options that can be switched on while the allocator runs: poison, init_on_alloc,
 * init_on_free, fault injection, tracepoints. 0 leaves them out: they cost code, not time.
 */
#ifndef CONFIG_DEBUG_HOOKS
#define CONFIG_DEBUG_HOOKS 1
#endif

/* Width of a physical address in bits: memory beyond it is dropped with a warning at boot. */
#ifndef CONFIG_PHYS_BITS
#define CONFIG_PHYS_BITS 52
#endif

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock_expect.h: what the memblock test programs share: comparing the arrays with exact
 * figures, seeing that a failed call has changed nothing, and a fresh map for every case. After
 * each case memblock_check() must be content.
 */
#ifndef QUARRY_MEMBLOCK_EXPECT_H
#define QUARRY_MEMBLOCK_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "test/host/port_host.h"
#include <quarry/memblock.h>

#define K(n) ((phys_addr_t)(n) << 10)
#define M(n) ((phys_addr_t)(n) << 20)

/* Backed by the host, for what allocations zero and for arrays that grow. */
#define RAM_SIZE    M(64)

#define MAX_REGIONS CONFIG_MEMBLOCK_REGIONS
#define ARRAY_SIZE(regions) \
	ALIGN_UP((phys_addr_t)(regions) * sizeof(struct memblock_region), PAGE_SIZE)

static inline void expect_regions(const struct memblock_type *type,
				  const struct memblock_region *want, unsigned long n, int line)
{
	phys_addr_t sum = 0;

	for (unsigned long i = 0; i < n && i < type->cnt; i++) {
		const struct memblock_region *r = &type->regions[i];

		sum += want[i].size;
		if (r->base != want[i].base || r->size != want[i].size || r->flags != want[i].flags)
			fail_msg("line %d: %s[%lu] is 0x%llx + 0x%llx flags %x, not 0x%llx + "
				 "0x%llx flags %x",
				 line, type->name, i, (unsigned long long)r->base,
				 (unsigned long long)r->size, r->flags,
				 (unsigned long long)want[i].base, (unsigned long long)want[i].size,
				 want[i].flags);
	}
	if (type->cnt != n)
		fail_msg("line %d: %s.cnt is %lu, not %lu", line, type->name, type->cnt, n);
	assert_int_equal(type->total_size, sum);
}

#define EXPECT(type, ...)                                                             \
	expect_regions(&memblock.type, (const struct memblock_region[]){__VA_ARGS__}, \
		       sizeof((const struct memblock_region[]){__VA_ARGS__}) /        \
			       sizeof(struct memblock_region),                        \
		       __LINE__)
#define EXPECT_EMPTY(type) expect_regions(&memblock.type, NULL, 0, __LINE__)

/* All of memblock's state, to see that a failed call changes none of it. */
static struct {
	struct memblock memblock;
	struct memblock_region memory[4 * MAX_REGIONS];
	struct memblock_region reserved[4 * MAX_REGIONS];
} saved;

static inline void save_state(void)
{
	saved.memblock = memblock;
	memcpy(saved.memory, memblock.memory.regions,
	       memblock.memory.max * sizeof(struct memblock_region));
	memcpy(saved.reserved, memblock.reserved.regions,
	       memblock.reserved.max * sizeof(struct memblock_region));
}

static inline void expect_unchanged(void)
{
	assert_memory_equal(&saved.memblock, &memblock, sizeof(memblock));
	assert_memory_equal(saved.memory, memblock.memory.regions,
			    memblock.memory.max * sizeof(struct memblock_region));
	assert_memory_equal(saved.reserved, memblock.reserved.regions,
			    memblock.reserved.max * sizeof(struct memblock_region));
}

static inline int setup(void **state)
{
	(void)state;
	memblock_init();
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	if (!host_ram_map(0, RAM_SIZE))
		return -1;
	host_ram_randomize(0, M(1), 1);
	return 0;
}

static inline int teardown(void **state)
{
	const char *wrong = memblock_check();

	(void)state;
	host_ram_unmap();
	if (wrong)
		print_error("%s\n", wrong);
	return wrong ? -1 : 0;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_fdt.c: libFuzzer's entry to the early device-tree code: any bytes at all must end in a
 * result, with memblock's invariants intact, and a map that another reader of the tree does not contradict
 * (fdt_oracle.h), after steps that its size bounds. Seeds are the trees of test/host/boot/dts made by dtc.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/dt/fdt_early.h"
#include "fdt_oracle.h"
#include "port_fuzz.h"
#include "test/host/port_host.h"
#include <quarry/memblock.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Basic blocks of the code under test that a tree of so many bytes may come to, as test_fdt_cost.c has it: what costs the
 * square of the tree is far above that in the kept trees of hundreds of regions.
 */
#define STEPS_LEAST    30000
#define STEPS_PER_BYTE 300

static unsigned long most_steps(size_t size)
{
	return STEPS_LEAST + STEPS_PER_BYTE * size;
}

static _Noreturn void found(const char *what)
{
	fprintf(stderr, "fuzz_fdt: %s\n", what);
	abort();
}

static int count(const struct fdt_early_resv *resv, void *ctx)
{
	*(size_t *)ctx += strlen(resv->name);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const void *ram;
	unsigned long steps = port_fuzz_steps;
	size_t names = 0;
	const char *wrong = NULL;
	void *blob;

	port_host_log_hook = port_host_quiet;
	if (!ram)
		ram = host_ram_map(0, (size_t)1 << 40);
	memblock_init();
	memblock_set_current_limit((phys_addr_t)1 << 40);
	memblock_reserve(0x80200000, 0x100000);

	blob = aligned_alloc(8, ALIGN_UP(size + 1, (size_t)8));
	if (!blob || !ram)
		abort();
	memcpy(blob, data, size);
	if (fdt_early_check(blob, size) == 0 && fdt_early_init(blob, 0x88000000) == 0) {
		wrong = fdt_oracle(blob, size);
		fdt_early_check_firmware(0x80200000);
		fdt_early_each_reserved(count, &names);
		if (memblock_phys_mem_size() == 0 || !memblock_is_reserved(0x80200000))
			found("no memory, or the image is not reserved");
	}
	steps = port_fuzz_steps - steps;
	if (getenv("FUZZ_STEPS"))
		fprintf(stderr, "steps: %lu of %lu\n", steps, most_steps(size));
	if (steps > most_steps(size))
		wrong = "more steps than a tree of its size may cost";
	if (!wrong)
		wrong = memblock_check();
	if (wrong)
		found(wrong);
	free(blob);
	return 0;
}

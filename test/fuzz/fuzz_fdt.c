/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_fdt.c: libFuzzer's entry to the early device-tree code: any bytes at all must end in a
 * result, with memblock's invariants intact. Build with the host sources and
 * clang -fsanitize=fuzzer,address,undefined; seeds are the trees of test/host/boot/dts made by dtc.
 */
#include <stdlib.h>
#include <string.h>

#include "boot/dt/fdt_early.h"
#include "test/host/port_host.h"
#include <quarry/memblock.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count(const struct fdt_early_resv *resv, void *ctx)
{
	*(size_t *)ctx += strlen(resv->name);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const void *ram;
	size_t names = 0;
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
		fdt_early_check_firmware(0x80200000);
		fdt_early_each_reserved(count, &names);
		if (memblock_phys_mem_size() == 0 || !memblock_is_reserved(0x80200000))
			abort();
	}
	if (memblock_check())
		abort();
	free(blob);
	return 0;
}

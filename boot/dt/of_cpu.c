/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * of_cpu.c: what the device tree says about CPUs (devicetree specification 0.4, 3.7 and 3.8).
 */
#include "boot/dt/of.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

static bool is_cpu(const void *fdt, int node)
{
	const char *type = fdt_stringlist_get(fdt, node, "device_type", 0, NULL);

	return type && strcmp(type, "cpu") == 0;
}

/* A cpu node's `reg`; /cpus says how many cells it has. */
static bool read_id(const void *fdt, int node, int cells, uint64_t *id)
{
	int len;
	const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &len);

	if (!reg || cells < 1 || cells > 2 || len < 4 * cells || len % (4 * cells))
		return false;
	*id = cells == 2 ? (uint64_t)fdt32_ld(reg) << 32 | fdt32_ld(reg + 1) : fdt32_ld(reg);
	return true;
}

static bool status_allows(const void *fdt, int node)
{
	const char *status = fdt_stringlist_get(fdt, node, "status", 0, NULL);

	return (!status && !fdt_getprop(fdt, node, "status", NULL)) ||
	       (status && (strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0));
}

int of_each_cpu(const void *fdt, int (*fn)(const void *fdt, const struct of_cpu *cpu, void *ctx),
		void *ctx)
{
	int cpus = fdt_path_offset(fdt, "/cpus");
	bool enabled = cpus >= 0 && of_is_enabled(fdt, cpus);
	int cells = cpus >= 0 ? fdt_address_cells(fdt, cpus) : 0;
	struct of_cpu cpu;
	int err = 0;

	if (cpus < 0)
		return 0;
	fdt_for_each_subnode (cpu.node, fdt, cpus) {
		if (!is_cpu(fdt, cpu.node) || !read_id(fdt, cpu.node, cells, &cpu.id))
			continue;
		cpu.enabled = enabled && status_allows(fdt, cpu.node);
		err = fn(fdt, &cpu, ctx);
		if (err)
			break;
	}
	return err;
}

bool of_cpu_has_isa(const void *fdt, int node, const char *extension)
{
	size_t length = strlen(extension);
	const char *isa;

	if (fdt_stringlist_search(fdt, node, "riscv,isa-extensions", extension) >= 0)
		return true;
	isa = fdt_stringlist_get(fdt, node, "riscv,isa", 0, NULL);
	while (isa && (isa = strchr(isa, '_'))) {
		isa++;
		if (strncmp(isa, extension, length) == 0 &&
		    (isa[length] == '_' || isa[length] == '\0'))
			return true;
	}
	return false;
}

int of_cpu_release_addr(const void *fdt, int node, phys_addr_t *addr)
{
	const char *method = fdt_stringlist_get(fdt, node, "enable-method", 0, NULL);
	int len;
	const fdt32_t *cell = fdt_getprop(fdt, node, "cpu-release-addr", &len);

	if (!method || strcmp(method, "spin-table") != 0)
		return -ENODEV;
	if (!cell || (len != 4 && len != 8))
		return -EINVAL;
	*addr = len == 8 ? (phys_addr_t)fdt32_ld(cell) << 32 | fdt32_ld(cell + 1) : fdt32_ld(cell);
	return *addr % 8 || *addr >> 48 ? -EINVAL : 0;
}

/* ---- the rate of the time counter ----------------------------------------------------------- */

/* One cell or two; 0 if it is absent or something else. */
static uint64_t timebase_of(const void *fdt, int node)
{
	int len;
	const fdt32_t *cell = fdt_getprop(fdt, node, "timebase-frequency", &len);

	if (cell && len == 4)
		return fdt32_ld(cell);
	if (cell && len == 8)
		return (uint64_t)fdt32_ld(cell) << 32 | fdt32_ld(cell + 1);
	return 0;
}

struct timebase {
	uint64_t id;	/* the CPU whose rate is asked for */
	uint64_t own;	/* the rate in its own node, 0: none */
	uint64_t other; /* the rate in the first node that has one */
};

static int look_for_timebase(const void *fdt, const struct of_cpu *cpu, void *ctx)
{
	struct timebase *timebase = ctx;
	uint64_t rate = timebase_of(fdt, cpu->node);

	if (cpu->id == timebase->id)
		timebase->own = rate;
	if (!timebase->other)
		timebase->other = rate;
	return timebase->own != 0;
}

uint64_t of_timebase_frequency(const void *fdt, uint64_t id)
{
	struct timebase timebase = {.id = id};
	int cpus = fdt_path_offset(fdt, "/cpus");
	uint64_t common = cpus < 0 ? 0 : timebase_of(fdt, cpus);

	of_each_cpu(fdt, look_for_timebase, &timebase);
	return timebase.own ? timebase.own : common ? common : timebase.other;
}

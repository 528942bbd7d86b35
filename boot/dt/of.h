/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * of.h: what drivers ask of the device tree, in the words of the devicetree specification (0.4),
 * thin over libfdt. The tree has passed fdt_check_full(); its values are still not to be trusted.
 *
 * All functions: any context, cost linear in the tree, no allocation. Offsets of nodes are
 * libfdt's.
 */
#ifndef BOOT_OF_H
#define BOOT_OF_H

#include <quarry/types.h>

#define OF_IRQ_MAX_CELLS 4

struct of_irq {
	int controller; /* node of the interrupt controller */
	unsigned int nr_cells;
	uint32_t cells[OF_IRQ_MAX_CELLS];
};

/* `status` is absent, "okay" or "ok" here and in every parent (section 2.3.4). */
bool of_is_enabled(const void *fdt, int node);

/* A property of one cell; def if it is absent or not 4 bytes. */
uint32_t of_u32(const void *fdt, int node, const char *name, uint32_t def);

/* The same of a property of two cells, a 64-bit number. */
uint64_t of_u64(const void *fdt, int node, const char *name, uint64_t def);

/*
 * of_reg() - the index-th range of `reg`, translated through the `ranges` of all parents to an
 * address of the CPU (2.3.6, 2.3.8). 0; -ENOENT: no such entry; -EINVAL: malformed; -ERANGE: a bus
 * does not pass it on.
 */
int of_reg(const void *fdt, int node, int index, phys_addr_t *addr, phys_addr_t *size);

/*
 * of_translate() - carry [*addr, *addr + size) from the address space of bus's children to the
 * CPU's, through the `ranges` of bus and all its parents (2.3.8). 0; -EINVAL: malformed; -ERANGE:
 * a bus does not pass it on. *addr is only set on success.
 */
int of_translate(const void *fdt, int bus, phys_addr_t *addr, phys_addr_t size);

/*
 * of_cpu_id() - the number of a cpu node (3.8.1): hart id, MPIDR affinity. Not an address, so
 * nothing is translated. 0 or a negative errno.
 */
int of_cpu_id(const void *fdt, int node, uint64_t *id);

/* A child of /cpus with device_type "cpu" and a number (3.8.1). */
struct of_cpu {
	int node;
	uint64_t id;  /* hart id, MPIDR affinity */
	bool enabled; /* as of_is_enabled() has it */
};

/*
 * of_cpu_release_addr() - the word that a CPU looks at whose enable-method is "spin-table" (3.8.1):
 * two cells; trees with one are taken as they are meant. -ENODEV: another enable-method, or none.
 * -EINVAL: no address, or not of an aligned word below 2^48.
 */
int of_cpu_release_addr(const void *fdt, int node, phys_addr_t *addr);

/*
 * of_each_cpu() - call fn for each CPU of the tree, in its order. Stops at the first nonzero return
 * and returns it.
 */
int of_each_cpu(const void *fdt, int (*fn)(const void *fdt, const struct of_cpu *cpu, void *ctx),
		void *ctx);

/*
 * of_cpu_has_isa() - a cpu node of RISC-V has an extension of more than one letter, in small
 * letters: it is in `riscv,isa-extensions`, a list of names, or after an underscore in
 * `riscv,isa`.
 */
bool of_cpu_has_isa(const void *fdt, int node, const char *extension);

/*
 * of_timebase_frequency() - `timebase-frequency`, Hz, one cell or two: of the CPU's own node
 * (3.8.1), else of /cpus, which speaks for all CPUs (3.7), else of any CPU, as all have one time.
 * 0: there is none.
 */
uint64_t of_timebase_frequency(const void *fdt, uint64_t id);

/*
 * of_irq() - the index-th interrupt of a node: `interrupts-extended`, else `interrupts` under the
 * nearest `interrupt-parent` (2.4). 0, -ENOENT, or -EINVAL.
 */
int of_irq(const void *fdt, int node, unsigned int index, struct of_irq *irq);

/*
 * of_path() - the node of a path of `length` bytes, which may begin with an alias (2.2.3, 3.3). An
 * alias is a whole path, never another alias. Negative if there is none.
 */
int of_path(const void *fdt, const char *path, int length);

/*
 * of_stdout() - the node /chosen/stdout-path names: a path or an alias, ":115200n8" options split
 * off and, if options is not NULL, pointed to (NULL if there are none). Negative if there is none.
 */
int of_stdout(const void *fdt, const char **options);

/* One window of a bus: [bus, bus + size) of its devices is [cpu, cpu + size) of the CPU. */
#define OF_DMA_MAX_RANGES 8
struct of_dma_range {
	uint64_t bus;
	phys_addr_t cpu;
	uint64_t size;
};

/*
 * of_dma_ranges() - what node reaches of the CPU's addresses: the `dma-ranges` of all its buses
 * (2.3.9), one applied to the other; node's own too, for the driver of a PCI host bridge is the
 * driver of what is behind it. A bus without the property, or with an empty one, passes every
 * address on as it is, as Linux has it; and where the nearest bus has none, those further up are
 * not looked at.
 *
 * Returns how many windows were written, at most max; 0: no bus translates or limits anything.
 * -EINVAL: malformed, or deeper than 64 nodes; -ERANGE: the buses pass nothing on; -E2BIG: more
 * windows than max or OF_DMA_MAX_RANGES.
 */
int of_dma_ranges(const void *fdt, int node, struct of_dma_range ranges[], int max);

/*
 * of_dma32_limit() - where ZONE_DMA32 ends, for memory from `start` to `end`: where the narrowest
 * bus does, so that __GFP_DMA32 is for every device, as arm64's ZONE_DMA is in Linux 6.12
 * (zone_dma_limit, from of_dma_get_max_cpu_address()). A bus ends behind the last address of the
 * CPU that its `dma-ranges` show, those of its parents applied; disabled ones, those that limit
 * nothing, and what is malformed do not count, nor does a bus that ends before the first 4 MiB of
 * memory do, where a zone cannot help. At most 4 GiB; but if memory starts above that, where a bus
 * ends within it, and 4 GiB, which leaves DMA32 empty, if none does. Linux makes all memory
 * ZONE_DMA in that last case, and arm64 has a second zone up to 4 GiB in all others.
 * Bound: linear in the tree, times its depth.
 */
phys_addr_t of_dma32_limit(const void *fdt, phys_addr_t start, phys_addr_t end);

/*
 * of_dma_is_coherent() - the nearest `dma-coherent` or `dma-noncoherent` of node and its parents
 * (2.3.10); otherwise if there is neither.
 */
bool of_dma_is_coherent(const void *fdt, int node, bool otherwise);

#endif

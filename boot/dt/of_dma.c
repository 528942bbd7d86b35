/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * of_dma.c: what the device tree says about a device's reach: `dma-ranges` of all its buses and
 * `dma-coherent` (devicetree specification 0.4, 2.3.9 and 2.3.10).
 */
#include "boot/dt/of.h"

#include <errno.h>
#include <libfdt.h>
#include <quarry/page.h>
#include <string.h>

/* IEEE 1275 PCI bus binding, 2.2.1.1 */
#define PCI_CELLS  3	      /* phys.hi, phys.mid, phys.lo */
#define PCI_MEMORY (1U << 25) /* in phys.hi: memory space, of 32 or 64 bits */

/* Nodes on the way from the root to a device, both included; Linux takes no deeper trees. */
#define MAX_DEPTH 64

/* Cells of one entry of a bus's `dma-ranges`. */
struct cells {
	int child, parent, size;
};

/* An address or size of one or two cells; of three, the last two. */
static uint64_t read_cells(const fdt32_t *cell, int count)
{
	uint64_t value = 0;

	while (count-- > 0)
		value = value << 32 | fdt32_ld(cell++);
	return value;
}

/* A PCI address that does not name memory: configuration or I/O space. */
static bool not_memory(const fdt32_t *entry, int child_cells)
{
	return child_cells == PCI_CELLS && !(fdt32_ld(entry) & PCI_MEMORY);
}

/* One entry: [range->bus, + size) of the bus's devices is [range->cpu, + size) of its parent's. */
static int read_entry(const fdt32_t *entry, const struct cells *cells, struct of_dma_range *range)
{
	range->bus = read_cells(entry, cells->child);
	range->cpu = read_cells(entry + cells->child, cells->parent);
	range->size = read_cells(entry + cells->child + cells->parent, cells->size);
	if (range->size > 0 && (range->size - 1 > UINT64_MAX - range->bus ||
				range->size - 1 > PHYS_ADDR_MAX - range->cpu))
		return -EINVAL;
	return 0;
}

/* A list of ranges that is being made. */
struct list {
	struct of_dma_range *range;
	int count, max;
};

/* Ranges that continue each other are one: a buffer may cross from one into the other. */
static int append(struct list *list, const struct of_dma_range *range)
{
	struct of_dma_range *last = list->count ? &list->range[list->count - 1] : NULL;

	if (range->size == 0)
		return 0;
	if (last && last->bus < range->bus && range->bus - last->bus == last->size &&
	    last->cpu < range->cpu && range->cpu - last->cpu == last->size &&
	    range->size <= UINT64_MAX - last->size) {
		last->size += range->size;
		return 0;
	}
	if (list->count == list->max)
		return -E2BIG;
	list->range[list->count++] = *range;
	return 0;
}

/* What of `below` passes through the entry `above` of the next bus. */
static struct of_dma_range compose(const struct of_dma_range *below,
				   const struct of_dma_range *above)
{
	struct of_dma_range part = {.size = 0};
	uint64_t first = below->cpu > above->bus ? below->cpu : above->bus;
	uint64_t below_last = below->cpu + (below->size - 1);
	uint64_t above_last = above->bus + (above->size - 1);
	uint64_t last = below_last < above_last ? below_last : above_last;

	if (below->size == 0 || above->size == 0 || first > last)
		return part;
	part.bus = below->bus + (first - below->cpu);
	part.cpu = above->cpu + (first - above->bus);
	part.size = last - first + 1;
	return part;
}

/*
 * One bus with a `dma-ranges` that is not empty: below, or every address if that is NULL, through
 * it to result.
 */
static int through_bus(const void *fdt, int bus, int parent, const fdt32_t *entry, int len,
		       const struct list *below, struct list *result)
{
	const struct cells cells = {
		.child = fdt_address_cells(fdt, bus),
		.parent = fdt_address_cells(fdt, parent),
		.size = fdt_size_cells(fdt, bus),
	};
	int entry_cells = cells.child + cells.parent + cells.size;

	if (cells.child < 1 || cells.child > PCI_CELLS || cells.parent < 1 || cells.parent > 2 ||
	    cells.size < 1 || cells.size > 2 || len % (entry_cells * (int)sizeof(*entry)))
		return -EINVAL;
	for (int left = len / (int)sizeof(*entry); left > 0;
	     left -= entry_cells, entry += entry_cells) {
		struct of_dma_range range;
		int error = read_entry(entry, &cells, &range);

		if (!error && not_memory(entry, cells.child))
			continue;
		if (!error && !below)
			error = append(result, &range);
		for (int i = 0; !error && below && i < below->count; i++) {
			struct of_dma_range part = compose(&below->range[i], &range);

			error = append(result, &part);
		}
		if (error)
			return error;
	}
	return result->count ? 0 : -ERANGE;
}

/*
 * The windows of path[depth], whose parents are path[depth - 1] and so on up to the root, path[0]:
 * see of_dma_ranges().
 */
static int windows_of(const void *fdt, const int path[], int depth, struct of_dma_range ranges[],
		      int max)
{
	struct of_dma_range buffer[2][OF_DMA_MAX_RANGES];
	struct list lists[2] = {{buffer[0], 0, OF_DMA_MAX_RANGES},
				{buffer[1], 0, OF_DMA_MAX_RANGES}};
	const struct list *below = NULL;
	int turn = 0;

	/* the root has no parent to translate to: its children's addresses are the CPU's */
	for (int i = depth; i > 0; i--) {
		int len, error;
		const fdt32_t *entries = fdt_getprop(fdt, path[i], "dma-ranges", &len);

		if (!entries && i != depth && !below)
			return 0;
		if (!entries || len == 0)
			continue;
		lists[turn].count = 0;
		error = through_bus(fdt, path[i], path[i - 1], entries, len, below, &lists[turn]);
		if (error)
			return error;
		below = &lists[turn];
		turn = !turn;
	}
	if (!below)
		return 0;
	if (below->count > max)
		return -E2BIG;
	for (int i = 0; i < below->count; i++)
		ranges[i] = below->range[i];
	return below->count;
}

int of_dma_ranges(const void *fdt, int node, struct of_dma_range ranges[], int max)
{
	int path[MAX_DEPTH], first = MAX_DEPTH;

	for (; node > 0; node = fdt_parent_offset(fdt, node)) {
		if (first <= 1)
			return -EINVAL;
		path[--first] = node;
	}
	if (node < 0)
		return -EINVAL;
	path[--first] = 0;
	return windows_of(fdt, path + first, MAX_DEPTH - 1 - first, ranges, max);
}

/* ---- the end of ZONE_DMA32 ------------------------------------------------------------------- */

/* The last address of the CPU that the windows of path[depth] show; PHYS_ADDR_MAX: no limit. */
static phys_addr_t last_reached(const void *fdt, const int path[], int depth)
{
	struct of_dma_range ranges[OF_DMA_MAX_RANGES];
	int count = windows_of(fdt, path, depth, ranges, OF_DMA_MAX_RANGES);
	phys_addr_t last = 0;

	for (int i = 0; i < count; i++)
		if (ranges[i].cpu + (ranges[i].size - 1) > last)
			last = ranges[i].cpu + (ranges[i].size - 1);
	/*
	 * what makes no sense, or passes nothing on, costs its devices their DMA and says nothing
	 * here
	 */
	return count > 0 ? last : PHYS_ADDR_MAX;
}

static bool is_off(const void *fdt, int node)
{
	const char *status = fdt_stringlist_get(fdt, node, "status", 0, NULL);

	return status && strcmp(status, "okay") != 0 && strcmp(status, "ok") != 0;
}

phys_addr_t of_dma32_limit(const void *fdt, phys_addr_t start, phys_addr_t end)
{
	const phys_addr_t usual = (phys_addr_t)1 << 32, block = PAGE_SIZE << MAX_PAGE_ORDER;
	phys_addr_t narrowest = start < usual ? usual : end;
	int path[MAX_DEPTH], depth = 0, off = MAX_DEPTH;

	/* off: the depth of the node that is disabled, with all below it */
	for (int node = 0; node >= 0 && depth >= 0; node = fdt_next_node(fdt, node, &depth)) {
		phys_addr_t last;

		if (depth >= MAX_DEPTH || depth > off)
			continue;
		path[depth] = node;
		off = is_off(fdt, node) ? depth : MAX_DEPTH;
		if (off == depth || !fdt_getprop(fdt, node, "dma-ranges", NULL))
			continue;
		last = last_reached(fdt, path, depth);
		/* below the first block of memory no boundary is of any use */
		if (last < narrowest - 1 && ALIGN_DOWN(last + 1, block) > start)
			narrowest = last + 1;
	}
	return start < usual || narrowest < end ? narrowest : usual;
}

bool of_dma_is_coherent(const void *fdt, int node, bool otherwise)
{
	for (; node >= 0; node = fdt_parent_offset(fdt, node)) {
		if (fdt_getprop(fdt, node, "dma-coherent", NULL))
			return true;
		if (fdt_getprop(fdt, node, "dma-noncoherent", NULL))
			return false;
	}
	return otherwise;
}

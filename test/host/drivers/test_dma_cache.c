/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_dma_cache.c: buffers handed to a device that does not look into the caches, on caches made
 * here: what a CPU reads and writes is one array, what the device does another, and lines go between
 * them by the calls of boot/mmu/cache.h, or at any time by themselves: a dirty line is written back,
 * one that is not cached is read ahead. The data tell whether the protocol holds, and the calls are
 * compared with it (Linux, core-api/dma-api: ownership).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "test/host/port_host.h"

#include <quarry/mm.h>

/* Bounce pages are the test's. */
#define free_pages_exact(pages, size) give_back(pages, size)
static void give_back(void *pages, size_t size);

/* the source itself: it is not among the objects that every host test links */
#include "drivers/dma/dma.c"

/* ---- the caches -------------------------------------------------------------------------------- */

#define LINE  64
#define SIZE  (4 * 4096)
#define LINES (SIZE / LINE)

static char cpu_side[SIZE] __attribute__((aligned(4096))); /* what a CPU sees: its caches */
static char ram[SIZE];					   /* what the device sees */
static char filled[SIZE];  /* cpu_side when the line was last as the RAM */
static bool cached[LINES]; /* or the next access of a CPU reads RAM */
static char calls[512];

static void read_line(size_t line)
{
	memcpy(cpu_side + line * LINE, ram + line * LINE, LINE);
	memcpy(filled + line * LINE, ram + line * LINE, LINE);
	cached[line] = true;
}

static void write_back(size_t line)
{
	if (!cached[line] || memcmp(cpu_side + line * LINE, filled + line * LINE, LINE) == 0)
		return;
	memcpy(ram + line * LINE, cpu_side + line * LINE, LINE);
	memcpy(filled + line * LINE, cpu_side + line * LINE, LINE);
}

/* What hardware may do at any time. */
static void whatever(void)
{
	for (size_t line = 0; line < LINES; line++) {
		write_back(line);
		if (!cached[line])
			read_line(line);
	}
}

static void note(const char *call, const void *start, size_t size)
{
	size_t length = strlen(calls);

	snprintf(calls + length, sizeof(calls) - length, "%s %#zx+%zu; ", call,
		 (size_t)((const char *)start - cpu_side), size);
}

#define FOR_EACH_LINE_OF(line, start, size)                                   \
	for (size_t line = (size_t)((const char *)(start) - cpu_side) / LINE; \
	     line * LINE < (size_t)((const char *)(start) - cpu_side) + (size); line++)

unsigned int cache_line(const char **why)
{
	*why = NULL;
	return LINE;
}

void cache_clean(const void *start, size_t size)
{
	note("clean", start, size);
	FOR_EACH_LINE_OF(line, start, size)
	write_back(line);
}

void cache_flush(const void *start, size_t size)
{
	note("flush", start, size);
	FOR_EACH_LINE_OF(line, start, size)
	{
		write_back(line);
		cached[line] = false;
	}
}

/* The CPU's next access reads RAM: at once, as nothing else can come between. */
void cache_invalidate(const void *start, size_t size)
{
	note("invalidate", start, size);
	assert_int_equal(((size_t)((const char *)start - cpu_side) | size) % LINE, 0);
	FOR_EACH_LINE_OF(line, start, size)
	read_line(line);
}

/* ---- what the source needs --------------------------------------------------------------------- */

static char page[4096] __attribute__((aligned(64)));
static struct device *const dev = (struct device *)page;
static struct dma_mapping record[8];
static unsigned int nr_bounces;

unsigned int mmu_policy(phys_addr_t addr, phys_addr_t *end)
{
	*end = ALIGN_DOWN(addr, PAGE_SIZE) + PAGE_SIZE;
	return PG_READ | PG_WRITE;
}

/* The arena's last page. */
void *dma_pages_alloc(struct device *device, size_t size, gfp_t gfp, dma_addr_t *handle)
{
	char *pages = cpu_side + SIZE - PAGE_SIZE;

	(void)gfp;
	assert_true(size == PAGE_SIZE && nr_bounces == 0);
	assert_true(dma_capable(device, virt_to_phys(pages), size, handle));
	nr_bounces++;
	return pages;
}

static void give_back(void *pages, size_t size)
{
	assert_true(pages == cpu_side + SIZE - PAGE_SIZE && size == PAGE_SIZE);
	nr_bounces--;
}

void dma_coherent_release(const struct dma_mapping *mapping)
{
	(void)mapping;
}

bool dma_reaches_zone(const struct device *device, unsigned int zone)
{
	(void)device;
	(void)zone;
	return true;
}

int dma_record_add(struct device *device, const struct dma_mapping *mapping)
{
	(void)device;
	for (unsigned int i = 0; i < 8; i++)
		if (!record[i].size) {
			record[i] = *mapping;
			return 0;
		}
	return -ENOMEM;
}

int dma_record_has(struct device *device, const struct dma_mapping *wanted)
{
	(void)device;
	for (unsigned int i = 0; i < 8; i++)
		if (record[i].handle == wanted->handle && record[i].size == wanted->size)
			return 0;
	return -ENOENT;
}

int dma_record_take(struct device *device, struct dma_mapping *mapping)
{
	(void)device;
	for (unsigned int i = 0; i < 8; i++)
		if (record[i].handle == mapping->handle && record[i].size == mapping->size) {
			*mapping = record[i];
			record[i].size = 0;
			return 0;
		}
	return -ENOENT;
}

bool dma_record_find(struct device *device, dma_addr_t handle, size_t size, struct dma_mapping *m)
{
	(void)device;
	for (unsigned int i = 0; i < 8; i++)
		if (record[i].size && handle >= record[i].handle &&
		    handle + size <= record[i].handle + record[i].size) {
			*m = record[i];
			return true;
		}
	return false;
}

bool dma_record_pop(struct device *device, struct dma_mapping *mapping)
{
	(void)device;
	(void)mapping;
	return false;
}

void dma_record_free(struct device *device)
{
	(void)device;
}

int of_dma_ranges(const void *fdt, int node, struct of_dma_range ranges[], int max)
{
	(void)fdt;
	(void)node;
	(void)ranges;
	(void)max;
	return 0;
}

uint32_t of_u32(const void *fdt, int node, const char *name, uint32_t def)
{
	(void)fdt;
	(void)node;
	(void)name;
	return def;
}

bool of_dma_is_coherent(const void *fdt, int node, bool otherwise)
{
	(void)fdt;
	(void)node;
	return otherwise;
}

void device_log(const struct device *device, const char *fmt, ...)
{
	(void)device;
	fail_msg("%s", fmt);
}

static int start(void **state)
{
	(void)state;
	memset(page, 0, sizeof(page));
	memset(record, 0, sizeof(record));
	nr_bounces = 0;
	dma_device_init(dev);
	dev->dma.mask = UINT64_MAX;
	memblock_init();
	assert_int_equal(memblock_add(virt_to_phys(cpu_side), SIZE), 0);
	memset(ram, 0x11, SIZE);
	for (size_t line = 0; line < LINES; line++)
		read_line(line);
	calls[0] = '\0';
	return 0;
}

/* Where the device finds a mapping's bytes. */
static char *device_at(dma_addr_t handle)
{
	return ram + (handle - virt_to_phys(cpu_side));
}

static void expect_bytes(const char *at, int byte, size_t size)
{
	for (size_t i = 0; i < size; i++)
		assert_int_equal(at[i], byte);
}

/* ---- tests ------------------------------------------------------------------------------------- */

static dma_addr_t map(size_t at, size_t size, enum dma_data_direction dir)
{
	dma_addr_t handle = dma_map_single(dev, cpu_side + at, size, dir);

	assert_false(dma_mapping_error(dev, handle));
	return handle;
}

static void test_to_device(void **state)
{
	dma_addr_t handle;

	(void)state;
	memset(cpu_side + 0x101, 0x22, 100);
	handle = map(0x101, 100, DMA_TO_DEVICE);
	expect_bytes(device_at(handle), 0x22, 100);
	whatever();
	expect_bytes(device_at(handle), 0x22, 100);
	assert_int_equal(dma_unmap_single(dev, handle, 100, DMA_TO_DEVICE), 0);
	assert_string_equal(calls, "clean 0x101+100; ");
}

/* Lines that were dirty are not written back over what the device wrote, nor is it read too early. */
static void test_from_device(void **state)
{
	dma_addr_t handle;

	(void)state;
	memset(cpu_side + 0x100, 0x22, 0x100);
	handle = map(0x140, 0x80, DMA_FROM_DEVICE);
	memset(device_at(handle), 0x33, 0x40);
	whatever();
	memset(device_at(handle) + 0x40, 0x34, 0x40);
	whatever();
	assert_int_equal(dma_unmap_single(dev, handle, 0x80, DMA_FROM_DEVICE), 0);
	expect_bytes(cpu_side + 0x100, 0x22, 0x40);
	expect_bytes(cpu_side + 0x140, 0x33, 0x40);
	expect_bytes(cpu_side + 0x180, 0x34, 0x40);
	expect_bytes(cpu_side + 0x1c0, 0x22, 0x40);
	assert_string_equal(calls, "flush 0x140+128; invalidate 0x140+128; ");
}

/* A CPU goes on writing what shares a line with the buffer: so that is copied. */
static void test_shared_line(void **state)
{
	dma_addr_t handle;

	(void)state;
	memset(cpu_side + 0x100, 0x22, 0x80);
	handle = map(0x110, 0x40, DMA_FROM_DEVICE);
	assert_int_equal(nr_bounces, 1);
	memset(device_at(handle), 0x33, 0x40);
	memset(cpu_side + 0x100, 0x44, 0x10);
	whatever();
	memset(cpu_side + 0x150, 0x45, 0x10);
	dma_sync_single_for_cpu(dev, handle, 0x40, DMA_FROM_DEVICE);
	expect_bytes(cpu_side + 0x110, 0x33, 0x40);
	expect_bytes(cpu_side + 0x100, 0x44, 0x10);
	expect_bytes(cpu_side + 0x150, 0x45, 0x10);
	assert_string_equal(calls, "flush 0x3000+64; invalidate 0x3000+64; ");
	assert_int_equal(dma_unmap_single(dev, handle, 0x40, DMA_FROM_DEVICE), 0);
	assert_int_equal(nr_bounces, 0);
}

/* To and fro, several times, each seeing what the other wrote last. */
static void test_both_ways(void **state)
{
	dma_addr_t handle;

	(void)state;
	memset(cpu_side + 0x200, 0x21, 0x100);
	handle = map(0x200, 0x100, DMA_BIDIRECTIONAL);
	for (int round = 0; round < 5; round++) {
		expect_bytes(device_at(handle), 0x21 + 2 * round, 0x100);
		memset(device_at(handle), 0x22 + 2 * round, 0x80);
		whatever();
		memset(device_at(handle) + 0x80, 0x22 + 2 * round, 0x80);
		dma_sync_single_for_cpu(dev, handle, 0x100, DMA_BIDIRECTIONAL);
		expect_bytes(cpu_side + 0x200, 0x22 + 2 * round, 0x100);
		memset(cpu_side + 0x200, 0x23 + 2 * round, 0x100);
		dma_sync_single_for_device(dev, handle, 0x100, DMA_BIDIRECTIONAL);
	}
	whatever();
	assert_int_equal(dma_unmap_single(dev, handle, 0x100, DMA_BIDIRECTIONAL), 0);
	expect_bytes(cpu_side + 0x200, 0x2b, 0x100);
}

/* One that looks into the caches costs nothing. */
static void test_coherent(void **state)
{
	dma_addr_t handle;

	(void)state;
	dev->dma.coherent = true;
	handle = map(0x101, 100, DMA_BIDIRECTIONAL);
	dma_sync_single_for_cpu(dev, handle, 100, DMA_BIDIRECTIONAL);
	dma_sync_single_for_device(dev, handle, 100, DMA_BIDIRECTIONAL);
	assert_int_equal(dma_unmap_single(dev, handle, 100, DMA_BIDIRECTIONAL), 0);
	assert_string_equal(calls, "");
	assert_int_equal(nr_bounces, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_to_device, start),
		cmocka_unit_test_setup(test_from_device, start),
		cmocka_unit_test_setup(test_shared_line, start),
		cmocka_unit_test_setup(test_both_ways, start),
		cmocka_unit_test_setup(test_coherent, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_fdt_early.c: what the early device-tree code does on a board and fdtmap cannot show: the
 * blob's own place, the image that is reserved beforehand, the check for missing firmware, the list
 * of reservations by name, and blobs damaged in every byte. Trees are built here with libfdt; the
 * many layouts of memory are in test/host/boot/dts, which test/harness/test_fdtmap.py runs.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <libfdt.h>

#include "boot/dt/fdt_early.h"
#include "test/host/port_host.h"
#include <quarry/memblock.h>

#define M(n) ((phys_addr_t)(n) << 20)

static _Alignas(8) char blob[4096];

/* ---- building trees ---- */

static void range(const char *name, phys_addr_t base, phys_addr_t size)
{
	fdt64_t cells[2] = {cpu_to_fdt64(base), cpu_to_fdt64(size)};

	assert_int_equal(fdt_property(blob, name, cells, sizeof(cells)), 0);
}

static void two_cells(void)
{
	fdt_property_u32(blob, "#address-cells", 2);
	fdt_property_u32(blob, "#size-cells", 2);
}

/* A root with one bank, [2 GiB, 2 GiB + 256 MiB), and /reserved-memory left open. */
static void begin_tree(phys_addr_t memreserve, phys_addr_t memreserve_size)
{
	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	if (memreserve_size)
		fdt_add_reservemap_entry(blob, memreserve, memreserve_size);
	fdt_finish_reservemap(blob);
	fdt_begin_node(blob, "");
	two_cells();
	fdt_begin_node(blob, "memory@80000000");
	fdt_property_string(blob, "device_type", "memory");
	range("reg", M(2048), M(256));
	fdt_end_node(blob);
	fdt_begin_node(blob, "reserved-memory");
	two_cells();
	fdt_property(blob, "ranges", "", 0);
}

static void add_reserved(const char *name, phys_addr_t base, phys_addr_t size, const char *flag)
{
	fdt_begin_node(blob, name);
	range("reg", base, size);
	if (flag)
		fdt_property(blob, flag, "", 0);
	fdt_end_node(blob);
}

static void add_dynamic(const char *name, phys_addr_t size, const char *flag)
{
	fdt_begin_node(blob, name);
	fdt_property_u64(blob, "size", size);
	if (flag)
		fdt_property(blob, flag, "", 0);
	fdt_end_node(blob);
}

static void end_tree(void)
{
	fdt_end_node(blob);
	fdt_end_node(blob);
	assert_int_equal(fdt_finish(blob), 0);
}

/* ---- checking ---- */

static void expect_region(const struct memblock_type *type, unsigned long i, phys_addr_t base,
			  phys_addr_t size, enum memblock_flags flags)
{
	assert_true(i < type->cnt);
	assert_int_equal(type->regions[i].base, base);
	assert_int_equal(type->regions[i].size, size);
	assert_int_equal(type->regions[i].flags, flags);
}

static void expect_log(const char *text)
{
	if (!strstr(port_host_log_text, text))
		fail_msg("\"%s\" is not in the log:\n%s", text, port_host_log_text);
}

static int setup(void **state)
{
	(void)state;
	memblock_init();
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	memset(blob, 0, sizeof(blob));
	return host_ram_map(M(2048), M(256)) ? 0 : -1;
}

static int teardown(void **state)
{
	int err = memblock_check() ? -1 : 0;

	(void)state;
	host_ram_unmap();
	return err;
}

/* ---- what the loader passes ---- */

static void test_no_tree(void **state)
{
	(void)state;
	assert_int_equal(fdt_early_init(NULL, 0), -ENOENT);
	assert_string_equal(port_host_log_text,
			    "fdt: the loader passed no device tree (address 0)\n");
	assert_int_equal(memblock.reserved.cnt, 0);
}

static void test_misaligned(void **state)
{
	(void)state;
	begin_tree(0, 0);
	end_tree();
	for (unsigned int off = 1; off < 8; off++) {
		port_host_log_clear();
		assert_int_equal(fdt_early_init(blob + off, M(2048) + off), -EINVAL);
		expect_log("it must be a multiple of 8\n");
	}
	assert_int_equal(memblock.memory.cnt, 0);
}

static void test_blob_is_reserved(void **state)
{
	(void)state;
	begin_tree(0, 0);
	end_tree();
	/* Only 8-byte aligned, and across the end of a page. */
	assert_int_equal(fdt_early_init(blob, M(2050) - 8), 0);
	assert_int_equal(memblock.reserved.cnt, 1);
	expect_region(&memblock.reserved, 0, M(2050) - PAGE_SIZE, 2 * PAGE_SIZE, MEMBLOCK_NONE);
	expect_region(&memblock.memory, 0, M(2048), M(256), MEMBLOCK_NONE);
	assert_string_equal(port_host_log_text, "");
}

static void test_blob_nowhere(void **state)
{
	(void)state;
	begin_tree(0, 0);
	end_tree();
	assert_int_equal(fdt_early_init(blob, FDT_EARLY_NOWHERE), 0);
	assert_int_equal(memblock.reserved.cnt, 0);
}

static void test_blob_in_no_map(void **state)
{
	(void)state;
	begin_tree(0, 0);
	add_reserved("fw@88000000", M(2176), M(2), "no-map");
	end_tree();
	assert_int_equal(fdt_early_init(blob, M(2177)), 0);
	expect_log("fdt: device tree 0x88100000-0x881");
	expect_log(" lies in no-map memory\n");
	assert_int_equal(memblock.reserved.cnt, 1);
	expect_region(&memblock.memory, 1, M(2176), M(2), MEMBLOCK_NOMAP);
}

/* ---- the image, reserved before ---- */

static void test_dynamic_avoids_the_image(void **state)
{
	(void)state;
	begin_tree(0, 0);
	add_dynamic("pool", M(2), NULL);
	end_tree();
	/* Image and blob take the top, where the pool would go. */
	memblock_reserve(M(2302), M(2));
	assert_int_equal(fdt_early_init(blob, M(2301)), 0);
	expect_log("/reserved-memory/pool: 0x200000 bytes placed at 0x8fb00000");
	assert_int_equal(memblock.reserved.cnt, 2);
	/* The pool ends where the blob begins. */
	expect_region(&memblock.reserved, 0, M(2299), M(2) + PAGE_SIZE, MEMBLOCK_NONE);
}

/* Fill the tree with n one-page reservations, as memory reservation entries. */
static void many_reservations(char *fdt, int size, unsigned int n)
{
	assert_int_equal(fdt_open_into(blob, fdt, size), 0);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(fdt_add_mem_rsv(fdt, M(2048) + i * 2 * PAGE_SIZE, PAGE_SIZE), 0);
}

static void test_arrays_avoid_image_and_reservations(void **state)
{
	static _Alignas(8) char big[65536];
	phys_addr_t array;

	(void)state;
	begin_tree(0, 0);
	add_reserved("late@8f000000", M(2288), M(14), NULL);
	end_tree();
	many_reservations(big, sizeof(big), 300);
	memblock_reserve(M(2302), M(2));
	assert_int_equal(fdt_early_init(big, M(2287)), 0);
	/* Everything above 2287 MiB + 64 KiB is taken or spoken for by then. */
	array = virt_to_phys(memblock.reserved.regions);
	assert_int_equal(memblock.reserved.max, 512);
	assert_true(array < M(2288));
	assert_true(memblock_is_region_memory(array, 512 * sizeof(struct memblock_region)));
	assert_true(memblock_is_reserved(array));
	assert_false(array + 3 * PAGE_SIZE > M(2287) && array < M(2287) + sizeof(big));
	assert_true(memblock_is_reserved(M(2048) + 299 * 2 * PAGE_SIZE));
	assert_string_equal(port_host_log_text, "");
}

/* ---- the reservations by name ---- */

struct seen {
	int n;
	struct fdt_early_resv resv[8];
};

static int note(const struct fdt_early_resv *resv, void *ctx)
{
	struct seen *seen = ctx;

	if (seen->n == 8)
		return 17;
	seen->resv[seen->n++] = *resv;
	return 0;
}

static void test_each_reserved(void **state)
{
	struct seen seen = {.n = 0};

	(void)state;
	begin_tree(M(2048), M(1));
	add_dynamic("pool", M(4), "reusable");
	add_reserved("fw@81000000", M(2064), 100, "no-map");
	end_tree();
	assert_int_equal(fdt_early_init(blob, M(2080)), 0);
	assert_int_equal(fdt_early_each_reserved(note, &seen), 0);
	assert_int_equal(seen.n, 4);
	assert_int_equal(seen.resv[0].kind, FDT_EARLY_MEMRESERVE);
	assert_int_equal(seen.resv[0].base, M(2048));
	assert_int_equal(seen.resv[1].kind, FDT_EARLY_STATIC);
	assert_string_equal(seen.resv[1].name, "fw@81000000");
	assert_int_equal(seen.resv[1].size, 100);
	assert_true(seen.resv[1].nomap);
	assert_false(seen.resv[1].reusable);
	assert_int_equal(seen.resv[2].kind, FDT_EARLY_BLOB);
	assert_int_equal(seen.resv[2].base, M(2080));
	assert_int_equal(seen.resv[2].size, fdt_totalsize(blob));
	assert_int_equal(seen.resv[3].kind, FDT_EARLY_DYNAMIC);
	assert_string_equal(seen.resv[3].name, "pool");
	assert_int_equal(seen.resv[3].base, M(2300));
	assert_true(seen.resv[3].reusable);
	seen.n = 8;
	assert_int_equal(fdt_early_each_reserved(note, &seen), 17);
	/* A tree that is refused leaves no list behind. */
	assert_int_equal(fdt_early_init(NULL, 0), -ENOENT);
	assert_int_equal(fdt_early_each_reserved(note, &seen), 0);
}

/* ---- firmware ---- */

static void test_firmware_in_the_tree(void **state)
{
	(void)state;
	begin_tree(0, 0);
	add_reserved("mmode_resv0@80000000", M(2048), 0x80000, NULL);
	end_tree();
	assert_int_equal(fdt_early_init(blob, M(2080)), 0);
	assert_int_equal(fdt_early_check_firmware(M(2050)), 0);
	assert_string_equal(port_host_log_text, "");

	memblock_init();
	begin_tree(0, 0);
	add_reserved("mmode_resv0@80000000", M(2048), 0x40000, "no-map");
	add_reserved("mmode_resv1@80040000", M(2048) + 0x40000, 0x20000, "no-map");
	end_tree();
	assert_int_equal(fdt_early_init(blob, M(2080)), 0);
	assert_int_equal(fdt_early_check_firmware(M(2050)), 0);
	assert_string_equal(port_host_log_text, "");
	assert_int_equal(memblock.reserved.cnt, 2);
}

static void test_firmware_by_memreserve(void **state)
{
	(void)state;
	begin_tree(M(2048), 0x20000);
	end_tree();
	assert_int_equal(fdt_early_init(blob, M(2080)), 0);
	assert_int_equal(fdt_early_check_firmware(M(2050)), 0);
}

static void test_firmware_missing(void **state)
{
	(void)state;
	begin_tree(0, 0);
	/* Neither a reservation above the image nor the blob below it speaks for firmware. */
	add_reserved("buffer@88000000", M(2176), M(1), "no-map");
	end_tree();
	assert_int_equal(fdt_early_init(blob, M(2049)), 0);
	assert_int_equal(fdt_early_check_firmware(M(2050)), 1);
	expect_log("fdt: warning: the tree reserves nothing from 0x80000000 to the image at "
		   "0x80200000, where M-mode firmware is: reserving 0x200000 bytes\n");
	expect_region(&memblock.reserved, 0, M(2048), M(2), MEMBLOCK_NONE);
	expect_region(&memblock.memory, 0, M(2048), M(2), MEMBLOCK_NOMAP);

	/* An image far up: the gap is not all firmware. */
	memblock_init();
	assert_int_equal(fdt_early_init(blob, M(2290)), 0);
	assert_int_equal(fdt_early_check_firmware(M(2168)), 1);
	expect_region(&memblock.reserved, 0, M(2048), M(2), MEMBLOCK_NONE);
	expect_region(&memblock.reserved, 1, M(2176), M(1), MEMBLOCK_NONE);
}

static void test_firmware_image_at_start_or_in_flash(void **state)
{
	(void)state;
	begin_tree(0, 0);
	end_tree();
	assert_int_equal(fdt_early_init(blob, M(2080)), 0);
	/* Memory begins with the image: firmware was left out of it. */
	assert_int_equal(fdt_early_check_firmware(M(2048)), 0);
	assert_string_equal(port_host_log_text, "");
	/* Flash: the firmware is in memory all the same. */
	assert_int_equal(fdt_early_check_firmware(0x20000000), 1);
	expect_region(&memblock.reserved, 0, M(2048), M(2), MEMBLOCK_NONE);
	expect_region(&memblock.memory, 0, M(2048), M(2), MEMBLOCK_NOMAP);
}

/* ---- damage ---- */

/* Whatever one wrong byte or a missing end does, it ends with a result and a sound map. */
static void test_every_byte_damaged(void **state)
{
	static const unsigned char masks[] = {0x01, 0x80, 0xff};
	size_t size;
	unsigned int refused = 0;
	char *copy;

	(void)state;
	begin_tree(M(2048), 0x80000);
	add_reserved("fw@81000000", M(2064), M(1), "no-map");
	add_dynamic("pool", M(4), "no-map");
	end_tree();
	size = fdt_totalsize(blob);
	copy = aligned_alloc(8, ALIGN_UP(size, (size_t)8));
	assert_non_null(copy);
	for (size_t at = 0; at < size; at++) {
		for (size_t m = 0; m < sizeof(masks); m++) {
			int err;

			memcpy(copy, blob, size);
			copy[at] = (char)(copy[at] ^ masks[m]);
			memblock_init();
			port_host_log_clear();
			err = fdt_early_check(copy, size);
			if (!err)
				err = fdt_early_init(copy, M(2080));
			if (err)
				assert_true(port_host_log_text[0]);
			refused += err != 0;
			assert_null(memblock_check());
		}
	}
	/* Every byte of magic, for one. */
	assert_true(refused > 3 * 4);
	assert_true(refused < 3 * size);
	free(copy);
}

static void test_every_truncation(void **state)
{
	size_t size;

	(void)state;
	begin_tree(M(2048), 0x80000);
	end_tree();
	size = fdt_totalsize(blob);
	for (size_t n = 0; n < size; n++) {
		/* Both as the file says it, and with a header that agrees. */
		char *copy = aligned_alloc(8, ALIGN_UP(n + 1, (size_t)8));

		assert_non_null(copy);
		memcpy(copy, blob, n);
		port_host_log_clear();
		assert_int_equal(fdt_early_check(copy, n), -EINVAL);
		assert_true(port_host_log_text[0]);
		if (n >= 40) {
			fdt_set_totalsize(copy, (uint32_t)n);
			assert_int_equal(fdt_early_check(copy, n), -EINVAL);
		}
		free(copy);
	}
	assert_int_equal(fdt_early_check(blob, size), 0);
	fdt_set_totalsize(blob, (uint32_t)FDT_EARLY_MAX_SIZE + 1);
	assert_int_equal(fdt_early_check(blob, SIZE_MAX), -E2BIG);
	expect_log("oversized device tree: totalsize 2097153, at most 2097152 bytes");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_no_tree),
		CASE(test_misaligned),
		CASE(test_blob_is_reserved),
		CASE(test_blob_nowhere),
		CASE(test_blob_in_no_map),
		CASE(test_dynamic_avoids_the_image),
		CASE(test_arrays_avoid_image_and_reservations),
		CASE(test_each_reserved),
		CASE(test_firmware_in_the_tree),
		CASE(test_firmware_by_memreserve),
		CASE(test_firmware_missing),
		CASE(test_firmware_image_at_start_or_in_flash),
		CASE(test_every_byte_damaged),
		CASE(test_every_truncation),
	};

	return cmocka_run_group_tests_name("fdt_early", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_of.c: what drivers read from the device tree, on trees made here, whole and broken.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* the sources themselves: they are not among the objects that every host test links */
#include "boot/dt/of.c"
#include "boot/dt/of_cpu.c"

#include "tree.h"

static void expect_reg(const char *path, int index, uint64_t addr, uint64_t size)
{
	phys_addr_t got_addr, got_size;

	assert_int_equal(of_reg(blob, at(path), index, &got_addr, &got_size), 0);
	assert_true(got_addr == addr);
	assert_true(got_size == size);
}

static void expect_no_reg(const char *path, int index, int error)
{
	phys_addr_t addr = 77, size = 78;

	assert_int_equal(of_reg(blob, at(path), index, &addr, &size), error);
	assert_true(addr == 77 && size == 78);
}

static void test_numbers(void **state)
{
	(void)state;
	start_tree();
	put("one", CELLS(0x40000));
	put("two", CELLS(1, 0x40000));
	put("three", CELLS(1, 2, 3));
	put("none", NULL, 0);
	finish_tree();
	assert_int_equal(of_u32(blob, 0, "one", 7), 0x40000);
	assert_int_equal(of_u32(blob, 0, "two", 7), 7);
	assert_true(of_u64(blob, 0, "two", 7) == 0x100040000);
	assert_int_equal(of_u64(blob, 0, "one", 7), 7);
	assert_int_equal(of_u64(blob, 0, "three", 7), 7);
	assert_int_equal(of_u64(blob, 0, "none", 7), 7);
	assert_int_equal(of_u64(blob, 0, "absent", 7), 7);
}

static void test_reg(void **state)
{
	(void)state;
	start_tree();
	begin("top@100000000");
	put("reg", CELLS(1, 0, 0, 0x100, 2, 0, 0, 0x200));
	end();
	begin("wraps");
	put("reg", CELLS(0xffffffff, 0xfffff000, 0, 0x2000));
	end();
	begin("odd");
	put("reg", CELLS(1, 0, 0));
	end();
	begin("cpus");
	put("#address-cells", CELLS(1));
	put("#size-cells", CELLS(0));
	begin("cpu@5");
	put("reg", CELLS(5));
	end();
	end();
	begin("soc"); /* child 0x4000.. is 0x1_1000_0000.. outside, 1 MiB */
	put("#address-cells", CELLS(1));
	put("#size-cells", CELLS(1));
	put("ranges", CELLS(0x40000000, 1, 0x10000000, 0x100000));
	begin("uart@40000000");
	put("reg", CELLS(0x40000000, 0x100));
	end();
	begin("over@400fff00");
	put("reg", CELLS(0x400fff00, 0x101));
	end();
	begin("below@3fffffff");
	put("reg", CELLS(0x3fffffff, 1));
	end();
	begin("bus"); /* empty: the same addresses */
	put("#address-cells", CELLS(1));
	put("#size-cells", CELLS(1));
	put("ranges", NULL, 0);
	begin("deep@400fff00");
	put("reg", CELLS(0x400fff00, 0x100));
	end();
	end();
	begin("closed");
	put("#address-cells", CELLS(1));
	put("#size-cells", CELLS(1));
	begin("dev@40000000");
	put("reg", CELLS(0x40000000, 0x100));
	end();
	end();
	end();
	finish_tree();

	expect_reg("/top@100000000", 0, 0x100000000, 0x100);
	expect_reg("/top@100000000", 1, 0x200000000, 0x200);
	expect_no_reg("/top@100000000", 2, -ENOENT);
	expect_no_reg("/top@100000000", -1, -ENOENT);
	expect_no_reg("/wraps", 0, -EINVAL);
	expect_no_reg("/odd", 0, -EINVAL);
	expect_no_reg("/soc", 0, -ENOENT);
	expect_no_reg("/", 0, -ENOENT);
	expect_reg("/soc/uart@40000000", 0, 0x110000000, 0x100);
	expect_no_reg("/soc/over@400fff00", 0, -ERANGE);
	expect_no_reg("/soc/below@3fffffff", 0, -ERANGE);
	expect_reg("/soc/bus/deep@400fff00", 0, 0x1100fff00, 0x100);
	expect_no_reg("/soc/closed/dev@40000000", 0, -ERANGE);
	expect_no_reg("/cpus/cpu@5", 0, -ERANGE);

	uint64_t id;

	assert_int_equal(of_cpu_id(blob, at("/cpus/cpu@5"), &id), 0);
	assert_int_equal(id, 5);
	assert_int_equal(of_cpu_id(blob, at("/cpus"), &id), -ENOENT);
}

/* ---- CPUs ---- */

static void text(const char *name, const char *value)
{
	if (value)
		assert_int_equal(fdt_property(blob, name, value, (int)strlen(value) + 1), 0);
}

static void cpu(const char *name, const char *type, uint32_t id, uint32_t timebase,
		const char *status)
{
	begin(name);
	text("device_type", type);
	put("reg", CELLS(id));
	if (timebase)
		put("timebase-frequency", CELLS(timebase));
	text("status", status);
	end();
}

static void start_cpus(void)
{
	start_tree();
	begin("cpus");
	put("#address-cells", CELLS(1));
	put("#size-cells", CELLS(0));
}

static void finish_cpus(void)
{
	end();
	finish_tree();
}

struct seen {
	unsigned int count;
	struct of_cpu cpu[8];
};

static int note(const void *fdt, const struct of_cpu *cpu, void *ctx)
{
	struct seen *seen = ctx;

	assert_ptr_equal(fdt, blob);
	assert_true(seen->count < 8);
	seen->cpu[seen->count++] = *cpu;
	return cpu->id == 99;
}

static void test_each_cpu(void **state)
{
	struct seen seen = {.count = 0};

	(void)state;
	start_cpus();
	cpu("cpu@7", "cpu", 7, 0, NULL);
	cpu("cpu@1", "cpu", 1, 0, "disabled");
	cpu("cpu@2", "cpu", 2, 0, "okay");
	cpu("cache", "cache", 3, 0, NULL);
	cpu("cpu-map", NULL, 4, 0, NULL);
	begin("cpu@5"); /* no number */
	assert_int_equal(fdt_property_string(blob, "device_type", "cpu"), 0);
	end();
	cpu("cpu@99", "cpu", 99, 0, "ok");
	cpu("cpu@6", "cpu", 6, 0, NULL);
	finish_cpus();
	assert_int_equal(of_each_cpu(blob, note, &seen), 1);
	assert_int_equal(seen.count, 4);
	assert_int_equal(seen.cpu[0].id, 7);
	assert_true(seen.cpu[0].enabled);
	assert_int_equal(seen.cpu[1].id, 1);
	assert_false(seen.cpu[1].enabled);
	assert_int_equal(seen.cpu[2].id, 2);
	assert_true(seen.cpu[2].enabled);
	assert_int_equal(seen.cpu[2].node, at("/cpus/cpu@2"));
	start_tree();
	finish_tree();
	assert_int_equal(of_each_cpu(blob, note, &seen), 0);
	assert_int_equal(seen.count, 4);
}

/* A cpu node's enable-method and so many bytes of cpu-release-addr (3.8.1). */
static int release_addr(const char *method, const uint32_t *cells, int bytes, phys_addr_t *addr)
{
	fdt32_t value[3];

	for (int i = 0; i < 3; i++)
		value[i] = cpu_to_fdt32(cells[i]);
	start_cpus();
	begin("cpu@1");
	text("enable-method", method);
	if (bytes >= 0)
		assert_int_equal(fdt_property(blob, "cpu-release-addr", value, bytes), 0);
	end();
	finish_cpus();
	return of_cpu_release_addr(blob, at("/cpus/cpu@1"), addr);
}

static void test_release_addr(void **state)
{
	static const uint32_t high[3] = {0x12, 0x340000d8, 8}, low[3] = {0x340000d8},
			      odd[3] = {0, 0xdc}, reach[3] = {0xffff, 0xfffffff8},
			      beyond[3] = {0x10000, 0};
	phys_addr_t addr = 0;

	(void)state;
	assert_int_equal(release_addr("spin-table", high, 8, &addr), 0);
	assert_int_equal(addr, 0x12340000d8);
	assert_int_equal(release_addr("spin-table", low, 4, &addr), 0);
	assert_int_equal(addr, 0x340000d8);
	assert_int_equal(release_addr("spin-table", reach, 8, &addr), 0);
	assert_int_equal(addr, 0xfffffffffff8);
	assert_int_equal(release_addr("spin-table", beyond, 8, &addr), -EINVAL);
	assert_int_equal(release_addr("spin-table", odd, 8, &addr), -EINVAL);
	assert_int_equal(release_addr("spin-table", high, -1, &addr), -EINVAL);
	assert_int_equal(release_addr("spin-table", high, 0, &addr), -EINVAL);
	assert_int_equal(release_addr("spin-table", high, 12, &addr), -EINVAL);
	assert_int_equal(release_addr("psci", high, 8, &addr), -ENODEV);
	assert_int_equal(release_addr("spin-table2", high, 8, &addr), -ENODEV);
	assert_int_equal(release_addr(NULL, high, 8, &addr), -ENODEV);
}

static void test_timebase(void **state)
{
	(void)state;
	start_cpus(); /* /cpus alone */
	put("timebase-frequency", CELLS(10000000));
	cpu("cpu@0", "cpu", 0, 0, NULL);
	finish_cpus();
	assert_true(of_timebase_frequency(blob, 0) == 10000000);
	assert_true(of_timebase_frequency(blob, 5) == 10000000); /* no such CPU */

	start_cpus(); /* the CPU's own node comes first, two cells */
	put("timebase-frequency", CELLS(10000000));
	cpu("cpu@0", "cpu", 0, 1000, NULL);
	begin("cpu@1");
	assert_int_equal(fdt_property_string(blob, "device_type", "cpu"), 0);
	put("reg", CELLS(1));
	put("timebase-frequency", CELLS(1, 5));
	end();
	cpu("cpu@2", "cpu", 2, 0, NULL);
	finish_cpus();
	assert_true(of_timebase_frequency(blob, 0) == 1000);
	assert_true(of_timebase_frequency(blob, 1) == 0x100000005);
	assert_true(of_timebase_frequency(blob, 2) == 10000000);

	start_cpus(); /* only another CPU says it */
	cpu("cpu@0", "cpu", 0, 0, NULL);
	cpu("cpu@1", "cpu", 1, 24000000, "disabled");
	cpu("cpu@2", "cpu", 2, 7, NULL);
	finish_cpus();
	assert_true(of_timebase_frequency(blob, 0) == 24000000);

	start_cpus(); /* not a number: as if it were not there */
	put("timebase-frequency", CELLS(1, 2, 3));
	cpu("cpu@0", "cpu", 0, 0, NULL);
	finish_cpus();
	assert_true(of_timebase_frequency(blob, 0) == 0);
	start_tree();
	finish_tree();
	assert_true(of_timebase_frequency(blob, 0) == 0);
}

/* A CPU of these strings, NULL for none; does it have the extension? */
static bool has_isa(const char *isa, const char *list, int length, const char *extension)
{
	start_cpus();
	begin("cpu@0");
	if (isa)
		assert_int_equal(fdt_property(blob, "riscv,isa", isa, (int)strlen(isa) + 1), 0);
	if (list)
		assert_int_equal(fdt_property(blob, "riscv,isa-extensions", list, length), 0);
	end();
	finish_cpus();
	return of_cpu_has_isa(blob, at("/cpus/cpu@0"), extension);
}

static void test_isa(void **state)
{
	static const char list[] = "i\0m\0svpbmt\0zicbom";

	(void)state;
	assert_true(has_isa("rv64imac_svpbmt", NULL, 0, "svpbmt"));
	assert_true(has_isa("rv64imac_zicbom_svpbmt_zihpm", NULL, 0, "svpbmt"));
	assert_true(has_isa("rv64imac_zicbom_svpbmt_zihpm", NULL, 0, "zicbom"));
	assert_false(has_isa("rv64imac_svpbmt2", NULL, 0, "svpbmt"));
	assert_false(has_isa("rv64imac_xsvpbmt", NULL, 0, "svpbmt"));
	assert_false(has_isa("svpbmt", NULL, 0, "svpbmt"));
	assert_false(has_isa("rv64imac", NULL, 0, "svpbmt"));
	assert_false(has_isa(NULL, NULL, 0, "svpbmt"));
	assert_true(has_isa(NULL, list, sizeof(list), "svpbmt"));
	assert_true(has_isa("rv64imac", list, sizeof(list), "zicbom"));
	assert_false(has_isa(NULL, list, sizeof(list), "svnapot"));
	assert_false(has_isa(NULL, list, sizeof(list), "svpb"));
}

static void test_status(void **state)
{
	(void)state;
	start_tree();
	begin("plain");
	end();
	begin("okay");
	assert_int_equal(fdt_property_string(blob, "status", "okay"), 0);
	end();
	begin("ok");
	assert_int_equal(fdt_property_string(blob, "status", "ok"), 0);
	end();
	begin("okayish");
	assert_int_equal(fdt_property_string(blob, "status", "okayish"), 0);
	end();
	begin("bus");
	assert_int_equal(fdt_property_string(blob, "status", "disabled"), 0);
	begin("child");
	end();
	end();
	finish_tree();

	assert_true(of_is_enabled(blob, at("/plain")));
	assert_true(of_is_enabled(blob, at("/okay")));
	assert_true(of_is_enabled(blob, at("/ok")));
	assert_false(of_is_enabled(blob, at("/okayish")));
	assert_false(of_is_enabled(blob, at("/bus")));
	assert_false(of_is_enabled(blob, at("/bus/child")));
}

static void expect_irq(const char *path, unsigned int index, const char *controller,
		       unsigned int nr_cells, uint32_t first)
{
	struct of_irq irq;

	assert_int_equal(of_irq(blob, at(path), index, &irq), 0);
	assert_int_equal(irq.controller, at(controller));
	assert_int_equal(irq.nr_cells, nr_cells);
	assert_int_equal(irq.cells[0], first);
}

static void expect_no_irq(const char *path, unsigned int index, int error)
{
	struct of_irq irq;

	assert_int_equal(of_irq(blob, at(path), index, &irq), error);
}

static void test_interrupts(void **state)
{
	(void)state;
	start_tree();
	put("interrupt-parent", CELLS(1));
	begin("one");
	put("phandle", CELLS(1));
	put("#interrupt-cells", CELLS(1));
	end();
	begin("three");
	put("phandle", CELLS(3));
	put("#interrupt-cells", CELLS(3));
	end();
	begin("five");
	put("phandle", CELLS(5));
	put("#interrupt-cells", CELLS(5));
	end();
	begin("inherits");
	put("interrupts", CELLS(10, 11));
	end();
	begin("bus");
	put("interrupt-parent", CELLS(3));
	begin("dev");
	put("interrupts", CELLS(0, 1, 2, 7, 8, 9));
	end();
	begin("extended"); /* wins over interrupts */
	put("interrupts", CELLS(1, 2, 3));
	put("interrupts-extended", CELLS(1, 42, 3, 43, 0, 4, 1, 44));
	end();
	begin("cut");
	put("interrupts-extended", CELLS(1, 42, 3, 43, 0));
	end();
	end();
	begin("none");
	end();
	begin("nobody");
	put("interrupt-parent", CELLS(99));
	put("interrupts", CELLS(1));
	end();
	begin("wide");
	put("interrupt-parent", CELLS(5));
	put("interrupts", CELLS(1, 2, 3, 4, 5));
	end();
	begin("circle");
	put("phandle", CELLS(7));
	put("interrupt-parent", CELLS(7));
	put("interrupts", CELLS(1));
	end();
	finish_tree();

	expect_irq("/inherits", 0, "/one", 1, 10);
	expect_irq("/inherits", 1, "/one", 1, 11);
	expect_no_irq("/inherits", 2, -ENOENT);
	expect_irq("/bus/dev", 0, "/three", 3, 0);
	expect_irq("/bus/dev", 1, "/three", 3, 7);
	expect_no_irq("/bus/dev", 2, -ENOENT);
	expect_irq("/bus/extended", 0, "/one", 1, 42);
	expect_irq("/bus/extended", 1, "/three", 3, 43);
	expect_irq("/bus/extended", 2, "/one", 1, 44);
	expect_no_irq("/bus/extended", 3, -ENOENT);
	expect_irq("/bus/cut", 0, "/one", 1, 42);
	expect_no_irq("/bus/cut", 1, -EINVAL);
	expect_no_irq("/none", 0, -ENOENT);
	expect_no_irq("/nobody", 0, -EINVAL);
	expect_no_irq("/circle", 0, -EINVAL);
	/* longer than we take: refused, not looked for further up */
	expect_no_irq("/wide", 0, -EINVAL);
}

static int stdout_of(const char *value, size_t size, const char **options)
{
	start_tree();
	begin("aliases");
	assert_int_equal(fdt_property_string(blob, "serial0", "/uart@1"), 0);
	end();
	begin("chosen");
	if (value)
		assert_int_equal(fdt_property(blob, "stdout-path", value, (int)size), 0);
	end();
	begin("uart@1");
	end();
	finish_tree();
	return of_stdout(blob, options);
}

static void test_stdout(void **state)
{
	const char *options;
	int node;

	(void)state;
	node = stdout_of("/uart@1", 8, &options);
	assert_int_equal(node, at("/uart@1"));
	assert_null(options);
	node = stdout_of("serial0", 8, &options);
	assert_int_equal(node, at("/uart@1"));
	assert_null(options);
	node = stdout_of("serial0:115200n8", 17, &options);
	assert_int_equal(node, at("/uart@1"));
	assert_string_equal(options, "115200n8");
	node = stdout_of("/uart@1:9600", 13, NULL);
	assert_int_equal(node, at("/uart@1"));
	assert_true(stdout_of("serial1:9600", 13, &options) < 0);
	assert_true(stdout_of("", 1, &options) < 0);
	assert_true(stdout_of(":9600", 6, &options) < 0);
	assert_true(stdout_of("/uart@1", 7, &options) < 0); /* not terminated */
	assert_true(stdout_of(NULL, 0, &options) < 0);
}

/* An alias is a whole path (3.3): one that names an alias, itself or none is no way to a node. */
static void test_aliases(void **state)
{
	static const struct {
		const char *value;
		int size;
		const char *node; /* what /chosen's "serial0/sub" names; NULL: none */
	} aliases[] = {
		{"/uart@1", 8, "/uart@1/sub"},
		{"/uart@1/", 9, "/uart@1/sub"},
		{"serial0", 8, NULL},
		{"serial0/sub", 12, NULL},
		{"serial1", 8, NULL},
		{"uart@1", 7, NULL},
		{"", 1, NULL},
		{"", 0, NULL},
		{"/uart@1", 7, NULL},
		{"/uart@2", 8, NULL},
		{"/uart@1/sub", 12, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		start_tree();
		begin("aliases");
		assert_int_equal(fdt_property(blob, "serial0", aliases[i].value, aliases[i].size),
				 0);
		assert_int_equal(fdt_property_string(blob, "serial1", "serial0"), 0);
		end();
		begin("chosen");
		assert_int_equal(fdt_property_string(blob, "stdout-path", "serial0/sub:9600"), 0);
		end();
		begin("uart@1");
		begin("sub");
		end();
		end();
		finish_tree();
		if (aliases[i].node)
			assert_int_equal(of_stdout(blob, NULL), at(aliases[i].node));
		else
			assert_true(of_stdout(blob, NULL) < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),	   cmocka_unit_test(test_reg),
		cmocka_unit_test(test_isa),	   cmocka_unit_test(test_status),
		cmocka_unit_test(test_each_cpu),   cmocka_unit_test(test_timebase),
		cmocka_unit_test(test_interrupts), cmocka_unit_test(test_stdout),
		cmocka_unit_test(test_aliases),	   cmocka_unit_test(test_release_addr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

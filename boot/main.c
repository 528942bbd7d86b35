/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c: from the first C line to main(): look at what the loader handed over, turn the device
 * tree into memblock, start the page allocator, and hand the machine to the console.
 *
 * Nothing the loader passed is believed before it was checked, and whatever is wrong stops the boot
 * with one line that says what.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include <libfdt.h>

#include <quarry/memblock.h>
#include <quarry/mm.h>
#include <quarry/port.h>
#include <quarry/slab_debug.h>

#include "boot/boot.h"
#include "boot/dt/fdt_early.h"
#include "boot/dt/of.h"
#include "boot/main.h"
#include "boot/mmu/mmu.h"
#include "boot/cpu/smp.h"
#include "version.h"

static_assert(sizeof(boot_cpu.tls) == PORT_TLS_SIZE, "port_pcpu() finds mm behind tls");

struct boot_info boot_info = {.version = QUARRY_VERSION, .bootargs = ""};
const char *boot_stage;

/* defined by the linker script */
extern const char __image_start[], __keep_end[], __image_end[];

/* /chosen/bootargs; "" if it is absent or not a string. */
static const char *bootargs(const void *fdt)
{
	int length, chosen = fdt_path_offset(fdt, "/chosen");
	const char *text = chosen < 0 ? NULL : fdt_getprop(fdt, chosen, "bootargs", &length);

	if (!text)
		return "";
	if (length < 1 || text[length - 1] != '\0') {
		port_log("boot: /chosen/bootargs is not a string: ignored");
		return "";
	}
	return text;
}

static __attribute__((noinline)) uint64_t cost_of_loop(unsigned int n)
{
	uint64_t start = machine_instret();

	while (n-- > 0)
		__asm__ volatile("" ::: "memory");
	return machine_instret() - start;
}

bool counter_counts(void)
{
	uint64_t one = cost_of_loop(1000), two = cost_of_loop(2000), three = cost_of_loop(3000);

	return two - one == three - two && two > one && (two - one) % 1000 == 0;
}

/* slab_debug= of bootargs, the last one that is not in quotes. */
static void set_slab_debug(void)
{
	const char *options = boot_option(boot_info.bootargs, "slab_debug=");
	int error = options ? slab_debug_setup(options) : 0;

	if (error)
		port_log("slab: bootargs: slab_debug=%.*s is %s: ignored",
			 (int)strcspn(options, " "), options,
			 error == -ENOSYS ? "not in this build"
					  : "not letters of FZPUQR, and ,names");
}

/*
 * Zones, the free memory, a first page while there are no per-CPU caches yet, then the caches. The
 * figures count what machine_count_name() says on hardware, instructions under QEMU's -icount, and
 * host time otherwise.
 */
static void start_page_allocator(void)
{
	struct mm_config config = {
		.boot_pcpu = &boot_cpu.mm,
		.nr_cpus = smp_nr_cpus(),
		.dma32_limit = of_dma32_limit(boot_info.fdt, memblock_start_of_DRAM(),
					      memblock_end_of_DRAM()),
	};
	uint64_t start, used;
	struct mm_layout layout;
	unsigned long released;
	struct page *page;
	uint64_t centibytes;
	int err;

	if (config.dma32_limit != (phys_addr_t)1 << 32 &&
	    config.dma32_limit < memblock_end_of_DRAM())
		port_log("mm: DMA32 ends at %#" PRIx64 ", where a bus of the device tree does",
			 config.dma32_limit);
	start = machine_instret();
	err = mm_init(&config);
	if (err)
		port_panic("the page allocator cannot start (error %d)", err);
	released = memblock_free_all();
	page = alloc_page(GFP_KERNEL);
	used = machine_instret() - start;
	boot_info.mm_init_instret = used;
	if (!page)
		port_panic("the page allocator has no page to give");
	mm_get_layout(&layout);
	centibytes = layout.memmap_bytes * 100 / layout.present_pages;
	port_log("mm: memmap %" PRIu64 " bytes (%" PRIu64 ".%02" PRIu64 " B/page)",
		 layout.memmap_bytes, centibytes / 100, centibytes % 100);
	port_log("mm: released %lu pages", released);
	if (counter_counts())
		port_log("mm: first page %#" PRIx64 ", %s +%" PRIu64 " from the entry of mm_init()",
			 page_to_phys(page), machine_count_name(), used);
	else
		port_log("mm: first page %#" PRIx64, page_to_phys(page));
	__free_page(page);
	boot_start_cma();
	boot_start_hotplug();
	start = machine_instret();
	err = setup_per_cpu_pageset(&boot_cpu.mm, 0);
	boot_info.mm_pageset_instret = machine_instret() - start;
	if (err)
		port_log("mm: no memory for the per-CPU page caches (error %d): they stay off",
			 err);
	kmem_cache_init();
	set_slab_debug();
}

/* Magic, then length: all that is believed of the header before the tree has been checked. */
static void check_place_of_tree(phys_addr_t fdt_phys)
{
	phys_addr_t base = boot_info.image_base, end = boot_info.image_end;
	const void *fdt = phys_to_virt(fdt_phys);

	if (fdt_phys >= base && fdt_phys < end)
		port_panic("the device tree at %#" PRIx64
			   " lies in the image, which ends at %#" PRIx64,
			   fdt_phys, end);
	if (fdt_phys < base && fdt_magic(fdt) == FDT_MAGIC &&
	    fdt_totalsize(fdt) <= FDT_EARLY_MAX_SIZE && fdt_totalsize(fdt) > base - fdt_phys)
		port_panic("the device tree at %#" PRIx64 ", %" PRIu32
			   " bytes, reaches into the image at %#" PRIx64
			   ", which has overwritten its end",
			   fdt_phys, fdt_totalsize(fdt), base);
}

static int touches_scratch(const struct fdt_early_resv *resv, void *ctx)
{
	(void)ctx;
	return resv->base < virt_to_phys(__image_end) &&
	       virt_to_phys(__keep_end) < resv->base + resv->size;
}

/*
 * The tables behind the image, of which the tree was read with some and the early map made of
 * others, are free memory now, unless the tree reserves a part of them.
 */
static void release_scratch(void)
{
	phys_addr_t base = virt_to_phys(__keep_end);

	if (fdt_early_each_reserved(touches_scratch, NULL) == 0 &&
	    memblock_phys_free(base, boot_info.image_end - base) == 0)
		boot_info.image_end = base;
}

void boot_main(unsigned long hart, phys_addr_t fdt_phys)
{
	uint64_t timebase;
	int err;

	boot_cpu.hart = hart;
	boot_info.hart = hart;
	boot_info.fdt_phys = fdt_phys;
	boot_info.image_base = virt_to_phys(__image_start);
	boot_info.image_end = virt_to_phys(__image_end);
	machine_init();
	port_log("Quarry %s", boot_info.version);
	machine_banner();

	boot_stage = "looking at the device tree";
	if (boot_info.image_base % PAGE_SIZE != 0)
		port_panic("loaded at %#" PRIx64 ": the image must lie on a multiple of 2 MiB",
			   boot_info.image_base);
	if (fdt_phys == 0)
		port_panic("no device tree: the loader passed address 0");
	check_place_of_tree(fdt_phys);
	boot_info.fdt = phys_to_virt(fdt_phys);
	if (fdt_early_check(boot_info.fdt, SIZE_MAX))
		port_panic("the device tree at %#" PRIx64 " cannot be used", fdt_phys);
	machine_read_tree(boot_info.fdt);
	timebase = of_timebase_frequency(boot_info.fdt, hart);
	if (timebase)
		boot_info.timebase_hz = timebase;
	port_log("boot: device tree at %#" PRIx64 ", %" PRIu32 " bytes, timebase %" PRIu64 " Hz",
		 fdt_phys, fdt_totalsize(boot_info.fdt), boot_info.timebase_hz);
	boot_info.bootargs = bootargs(boot_info.fdt);

	boot_stage = "memory map from the device tree";
	mmu_probe();
	memblock_reserve(boot_info.image_base, boot_info.image_end - boot_info.image_base);
	err = fdt_early_init(boot_info.fdt, fdt_phys);
	if (err)
		port_panic("no memory map from the device tree at %#" PRIx64 " (error %d)",
			   fdt_phys, err);
	machine_check_memory();
	boot_find_cma();
	boot_find_hotplug();
	smp_prepare(boot_info.fdt);

	boot_stage = "page tables";
	mmu_init();
	release_scratch();

	boot_stage = "page allocator";
	start_page_allocator();

	boot_stage = NULL;
	main();
	machine_irq_disable();
	port_panic("main() returned");
}

# SPDX-License-Identifier: BSD-2-Clause
"""The archives that `make lib` makes, at -O2 and -Os: what they ask of the program they are linked into."""
import re
import subprocess

import pytest

import boards
import stack
from board import BOARDS, ROOT, make_variables
from test_contracts import HEADERS, functions

OF_C = {"memcpy", "memmove", "memset", "memcmp"}  # C11 4p6, and compilers, ask for these
PORT = {"port_log", "port_panic"}
OPTIONAL = {"port_balance", "port_kick", "port_yield"}  # of the port
OF_C_DEBUG = {"snprintf", "vsnprintf", "strcmp", "strcspn"}
HOST = {"port_host_offset", "port_host_pcpu"}  # test/host/port_host.c
OF_THE_LINKER = {"_GLOBAL_OFFSET_TABLE_"}
SAVE_RESTORE = {f"__riscv_{what}_{n}" for what in ("save", "restore") for n in range(13)}  # -msave-restore, of libgcc


# Names of Linux's, and of ours beside them, that have no prefix: all of them are declared in include/quarry/.
PREFIXES = ("mm_", "memblock_", "quarry__")
WITHOUT_PREFIX = set("""
    add_memory hotplug_declare hotplug_get_info hotplug_init_ranges memory_block_state offline_pages online_pages remove_memory
    __alloc_pages __free_pages_order __page_address alloc_contig_pages alloc_contig_range contig_busy_page contig_range_pages
    clear_page_movable compact_memory mhandle_alloc mhandle_free mhandle_pin mhandle_unpin movable_note set_page_movable
    cma_alloc cma_at cma_declare_contiguous cma_default cma_get_info cma_init_reserved_areas cma_init_reserved_mem cma_release cma_set_default
    free_contig_range alloc_pages_between alloc_pages_bulk alloc_pages_exact alloc_pages_exact_between
    alloc_pages_slow boot_pageset_init compound_head drain_all_pages drain_some_pages free_frozen_pages free_pages free_pages_bulk
    free_pages_exact free_pages_overflow free_pages_phys free_pages_slow get_page get_page_unless_zero gfp_names gfp_parse memblock
    page_address page_count page_to_pfn page_to_phys pfn_to_page pfn_valid phys_to_page put_page put_page_testzero
    register_low_memory_notifier register_shrinker setup_per_cpu_pageset si_mem_available unregister_low_memory_notifier
    unregister_shrinker virt_to_page
    __kmalloc kfree kmalloc_slow kmem_cache_alloc_bulk kmem_cache_alloc_slow kmem_cache_create kmem_cache_destroy kmem_cache_free
    kmem_cache_free_bulk kmem_cache_init kmem_cache_name kmem_cache_shrink kmem_cache_size kmem_cpu_end kmem_release kmem_shrink
    kmem_cache_debug kmem_cache_faults kmem_cache_set_debug kmem_cache_validate slab_debug_options slab_debug_setup slab_next slab_object
    krealloc ksize kstrdup slab_cache slab_info mempool_alloc mempool_create mempool_create_kmalloc_pool mempool_create_slab_pool
    mempool_destroy mempool_free mempool_resize""".split())


def check_names(names, whole=True):
    """Nothing internal is left, and what has no prefix is known; all of that is there, in the whole library."""
    names = {re.sub(r"__NR_CPUS_\w+", "", name) for name in names}
    without = {name for name in names if not name.startswith(PREFIXES)}
    assert without == WITHOUT_PREFIX | OPTIONAL if whole else without <= WITHOUT_PREFIX | OPTIONAL
    declared = {name for header in HEADERS for name, _ in functions(header.read_text())}
    assert {name for name in names if not name.startswith("quarry__")} <= declared | {"memblock"}


def defined(tool, archive):
    return nm(tool, "-g", "--defined-only", archive)


def nm(tool, *options):
    listing = subprocess.run([tool, *map(str, options)], check=True, text=True, capture_output=True).stdout
    return {line.split()[-1] for line in listing.splitlines() if line and not line.endswith(":")}


def undefined(tool, archive):
    return nm(tool, "-u", archive) - defined(tool, archive) - OF_THE_LINKER


def check(cross, folder, more=frozenset()):
    tool, core, slab, debug = cross + "nm", *(folder / f"libquarry{part}.a" for part in ("", "-slab", "-debug"))
    needs = undefined(tool, core)
    listing = subprocess.run([tool, "-g", core], check=True, text=True, capture_output=True).stdout
    assert set(re.findall(r" W (\w+)", listing)) == OPTIONAL | {"quarry__say_refusal"}
    check_names(defined(tool, core) | defined(tool, slab) | defined(tool, debug))
    # A compiler may write some of C's in place.
    assert (needs - OF_C) - SAVE_RESTORE == PORT | more
    assert "memmove" in needs
    assert undefined(tool, slab) - defined(tool, core) - OF_C - SAVE_RESTORE <= more | PORT
    assert defined(tool, core) & undefined(tool, slab)
    needs = undefined(tool, debug) - defined(tool, core)
    assert needs - OF_C - SAVE_RESTORE == OF_C_DEBUG | more | {"port_log"}


# A request that may not wait, as those for other pages' places, moves none.
MOVES, PLACES = {"migrate_block", "compact_direct"}, {"take_target", "elsewhere"}


def check_stack(cross, folder):
    """No recursion, and no more stack than port.h says: of libquarry, with -slab, of what moves pages, with -debug."""
    text = (ROOT / "include/quarry/port.h").read_text()
    sources = make_variables(BOARDS[0], "MM_CORE_SOURCES", "MM_SLAB_SOURCES", "MM_DEBUG_SOURCES")
    core, slab, debug = ([(folder / name).with_suffix(".o") for name in names.split()] for names in sources.values())
    found = []
    # What moves pages asks for others' places with __GFP_NOWARN, so no report comes on top of it.
    for objects, limit, without in ((core, "", (MOVES,)), (core + slab, "_SLAB", (MOVES,)),
                                    (core + slab, "_MOVE", ({"compact_direct"}, PLACES)), (debug + slab + core, "_DEBUG", (MOVES,))):
        most, chain = max(stack.Graph(cross + "objdump", objects, weak={"say_refusal"}, without=cut).worst() for cut in without)
        assert 500 < most <= int(re.search(rf"QUARRY_STACK_MAX{limit}\s+(\d+)", text)[1]), (most, chain)
        found.append(most)
    return found


def check_stack_shown(name, found):
    """docs/embedding.md has these figures, but for what another compiler makes of them."""
    row = re.search(rf"(?m)^\| {name} \|.*$", (ROOT / "docs/embedding.md").read_text().split("<!-- stack -->")[1])[0]
    shown = [int(cell.replace(",", "")) for cell in row.split("|")[2:6]]
    assert all(abs(old - new) <= old * 0.1 for old, new in zip(shown, found)), f"{name}: {shown} in docs/embedding.md, {found}"


def test_stack_is_added_up(tmp_path):
    """A chain over two files, the deeper of two; recursion is seen."""
    (tmp_path / "a.c").write_text("void b(char *); void c(void); void a(void) { char x[500]; b(x); c(); }"
                                  "void c(void) { char x[100]; b(x); }")
    (tmp_path / "b.c").write_text("void d(char *); void b(char *p) { char x[300]; d(x); *p = *x; }")
    build = ["gcc", "-O1", "-fno-inline", "-ffunction-sections", "-fstack-usage", "-fno-stack-protector", "-c"]
    subprocess.run([*build, "a.c", "b.c"], cwd=tmp_path, check=True)
    objects = [tmp_path / "a.o", tmp_path / "b.o"]
    most, chain = stack.Graph("objdump", objects).worst()
    assert 900 < most < 1000 and chain == ("a", "c", "b"), (most, chain)
    (tmp_path / "b.c").write_text("void a(void); void b(char *p) { char x[300]; a(); *p = *x; }")
    subprocess.run([*build, "b.c"], cwd=tmp_path, check=True)
    with pytest.raises(AssertionError, match="recursion"):
        stack.Graph("objdump", objects).worst()


def test_needs_of_both_archives(setup):
    boards.build(f"BOARD={setup.board}", "sizes")
    for level in ("-O2", "-Os"):
        folder = ROOT / f"build/sizes{level}" / setup.isa / "lib"
        check(setup.vars["CROSS"], folder)
        found = check_stack(setup.vars["CROSS"], folder)
        if level == "-O2":
            check_stack_shown(setup.isa, found)


@pytest.mark.parametrize("level", ["-O2", "-Os"])
def test_needs_of_both_archives_on_the_host(level):
    boards.build(f"O=build/sizes{level}", f"OPT={level}", "lib-host")
    folder = ROOT / f"build/sizes{level}/host/lib"
    check("", folder, HOST)
    check_stack("", folder)


# Macros of Linux's, by Linux's names, and ours that have neither that nor a prefix: none is to be added to the latter.
LINUX_MACROS = set("""
    ALIGN_DOWN ARCH_DMA_MINALIGN ARCH_LOW_ADDRESS_LIMIT CMA_MIN_ALIGNMENT_BYTES MAX_CMA_AREAS GFP_ATOMIC GFP_BOOT_MASK GFP_DMA32 GFP_KERNEL GFP_MOVABLE_MASK GFP_NOWAIT KMALLOC_MAX_CACHE_SIZE KMALLOC_MAX_SIZE KMALLOC_MIN_SIZE MAX_NUMNODES MAX_ORDER_NR_PAGES
    MAX_PAGE_ORDER NR_PAGE_ORDERS NUMA_NO_NODE PAGE_MASK PAGE_SHIFT PAGE_SIZE PFN_DOWN PFN_PHYS PFN_UP PHYS_ADDR_MAX SHRINK_EMPTY
    SHRINK_STOP SLAB_CACHE_DMA32 SLAB_CONSISTENCY_CHECKS SLAB_DEBUG_FLAGS SLAB_HWCACHE_ALIGN SLAB_POISON SLAB_RED_ZONE SLAB_STORE_USER SMP_CACHE_BYTES ZERO_OR_NULL_PTR ZERO_SIZE_PTR __GFP_BITS_MASK __GFP_COMP __GFP_DIRECT_RECLAIM __GFP_DMA32 __GFP_HIGH __GFP_KSWAPD_RECLAIM
    __GFP_MEMALLOC __GFP_MOVABLE __GFP_NOFAIL __GFP_NOMEMALLOC __GFP_NORETRY __GFP_NOWARN __GFP_RECLAIMABLE __GFP_RETRY_MAYFAIL
    __GFP_RECLAIM __GFP_THISNODE __GFP_ZERO for_each_free_mem_range for_each_free_mem_range_reverse for_each_mem_pfn_range for_each_mem_range
    for_each_mem_range_rev for_each_mem_region for_each_reserved_mem_range for_each_reserved_mem_region pageblock_nr_pages
    pageblock_order""".split())
OUR_MACROS = set("""
    ALIGN_UP GFP_CLASS_MASK GFP_HOT_MASK GFP_NAMES_SIZE NR_PCP_CLASSES PAGE_CLASS_MASK PAGE_GROUP_SHIFT PAGE_HOT_WORD PAGE_ORDER_MASK
    PAGE_ORDER_SHIFT PAGE_STATE_MASK PAGE_STATE_SHIFT PCP_OFFSET_MASK for_each_range_of""".split())


def macros(text):
    done = subprocess.run(["gcc", "-std=gnu11", "-DQUARRY_HOST", f"-I{ROOT / 'include'}", "-dM", "-E", "-x", "c", "-"], input=text,
                          text=True, capture_output=True, check=True)
    return set(re.findall(r"(?m)^#define (\w+)", done.stdout))


def test_macros_of_the_public_headers():
    of_c = macros("#include <errno.h>\n#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n")
    all_headers = "".join(f"#include <quarry/{header.name}>\n" for header in HEADERS)
    bare = {name for name in macros(all_headers) - of_c
            if not re.match("QUARRY_|MM_|mm_|MEMBLOCK_|CONFIG_|PORT_|port_|VM_BUG_ON$", name)}
    assert bare == LINUX_MACROS | OUR_MACROS, bare ^ (LINUX_MACROS | OUR_MACROS)


# A program with functions of its own that have the names of internal ones.
PROGRAM = r"""
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <quarry/memblock.h>
#include <quarry/mm.h>
uintptr_t port_host_offset;
_Thread_local struct mm_pcpu *port_host_pcpu;
static struct mm_pcpu area;
int mm = 1; int expect(void) { return 2; } int trust_group(void) { return 3; } int buddy_free(void) { return 4; }
int spin_lock_wait(void) { return 5; } int say_refusal(void) { return 6; } int emit_advice(void) { return 7; }
void port_log(const char *fmt, ...) { va_list args; va_start(args, fmt); vprintf(fmt, args); va_end(args); putchar(10); }
void port_panic(const char *fmt, ...) { (void)fmt; abort(); }
int main(void)
{
	struct mm_config config = {.boot_pcpu = &area};
	char *ram = mmap(NULL, 128 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	port_host_offset = (uintptr_t)ram - 0x80000000;
	port_set_pcpu(&area);
	memblock_add(0x80000000, 128 << 20);
	if (mm_version() != QUARRY_VERSION_OF_HEADERS || mm_init(&config) || !memblock_free_all() || setup_per_cpu_pageset(&area, 0))
		return 1;
	alloc_pages(GFP_KERNEL, 11);
	return CHECK + mm + expect() + trust_group() + buddy_free() + spin_lock_wait() + say_refusal() + emit_advice() - 28;
}
"""


@pytest.mark.parametrize("check,libraries,line", [
    ("0", ["-lquarry"], "page allocation failure: order:11, mode:0x110\n"),
    ("mm_check()", ["-lquarry", "-lquarry-debug"], "page allocation failure: order:11, mode:0x110(GFP_KERNEL): order above 10\n"),
    ("mm_check()", ["-lquarry-debug", "-lquarry"], "page allocation failure: order:11, mode:0x110(GFP_KERNEL): order above 10\n"),
])
def test_internal_names_are_free(tmp_path, check, libraries, line):
    """With the first archive alone a refusal is a line of numbers; with the second, in either order, it has words."""
    boards.build("O=build/sizes-O2", "OPT=-O2", "lib-host")
    (tmp_path / "program.c").write_text(PROGRAM)
    built = subprocess.run(["gcc", "-std=gnu11", "-O1", "-Wall", "-Werror", "-DQUARRY_HOST", f"-DCHECK={check}", f"-I{ROOT / 'include'}",
                            "-o", "program", "program.c", f"-L{ROOT / 'build/sizes-O2/host/lib'}", *libraries],
                           cwd=tmp_path, check=False, text=True, capture_output=True)
    assert built.returncode == 0, built.stderr
    done = subprocess.run([tmp_path / "program"], check=False, text=True, capture_output=True)
    assert (done.returncode, done.stdout) == (0, line), done


def test_an_archive_of_other_options_does_not_link(tmp_path):
    """The error names the option and the value that the caller has."""
    boards.build("O=build/sizes-O2", "OPT=-O2", "lib-host")
    (tmp_path / "program.c").write_text(PROGRAM)
    built = subprocess.run(["gcc", "-std=gnu11", "-O1", "-DQUARRY_HOST", "-DCHECK=0", "-DCONFIG_NR_CPUS=3", f"-I{ROOT / 'include'}",
                            "-o", "program", "program.c", f"-L{ROOT / 'build/sizes-O2/host/lib'}", "-lquarry"],
                           cwd=tmp_path, check=False, text=True, capture_output=True)
    assert built.returncode and re.search(r"undefined reference to `mm_init__NR_CPUS_3__\w+'", built.stderr), built.stderr

# SPDX-License-Identifier: BSD-2-Clause
"""What an embedder of mm/ does: README's program runs as printed, and options that differ do not link."""
import re
import subprocess
from pathlib import Path

import pytest

from board import ROOT

SOURCES = sorted(str(path) for path in (ROOT / "mm").rglob("*.c"))
CC = ["gcc", "-std=gnu11", "-O1", "-DQUARRY_HOST", f"-I{ROOT / 'include'}"]
OPTIONS = ["CONFIG_NR_CPUS=5", "CONFIG_MEMBLOCK_REGIONS=9", "CONFIG_DEBUG_HOOKS=0", "CONFIG_DEBUG_VM=1",
           "CONFIG_PHYS_BITS=40", "CONFIG_PAGE_SHIFT=14", "CONFIG_TRUST_GROUP_SHIFT=6",
           "CONFIG_MAX_PAGE_ORDER=9 CONFIG_PAGEBLOCK_ORDER=8"]  # a block is a pair of pageblocks

# What a host adds to README's program: its port, RAM and main().
HOST = """
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
uintptr_t port_host_offset;
_Thread_local struct mm_pcpu *port_host_pcpu;
void port_log(const char *fmt, ...) { va_list args; va_start(args, fmt); vprintf(fmt, args); va_end(args); }
_Noreturn void port_panic(const char *fmt, ...) { (void)fmt; abort(); }
void port_kick(unsigned int cpu) { (void)cpu; }
int main(void)
{
	char *ram = mmap(NULL, 128 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	port_host_offset = (uintptr_t)ram - 0x80000000;
	int error = start_allocator();
	struct page *page = error ? NULL : alloc_pages(GFP_KERNEL, 3);
	printf("%d %d\\n", error, page ? __free_pages(page, 3) : -1);
	return 0;
}
"""


def snippet():
    return re.search(r"```c\n(.*?#include <quarry/mm\.h>.*?)```", (ROOT / "README.md").read_text(), re.S)[1]


def run(*command, **options):
    return subprocess.run([str(word) for word in command], text=True, capture_output=True, check=False, **options)


def test_readme_runs_as_printed(tmp_path):
    (tmp_path / "snippet.c").write_text(snippet() + HOST)
    built = run(*CC, "-Wall", "-Werror", "-o", tmp_path / "snippet", tmp_path / "snippet.c", *SOURCES)
    assert built.returncode == 0, built.stderr
    done = run(tmp_path / "snippet")
    assert (done.returncode, done.stdout) == (0, "0 0\n"), done


# What a program adds to it that has no port of its own: quarry/port/one_cpu.h, and no port_kick().
ONE_CPU = HOST.replace("uintptr_t port_host_offset;\n_Thread_local struct mm_pcpu *port_host_pcpu;", "struct mm_pcpu *port_area;") \
    .replace("void port_kick(unsigned int cpu) { (void)cpu; }\n", "").replace("mmap(NULL", "mmap((void *)0x80000000") \
    .replace("MAP_PRIVATE", "MAP_FIXED_NOREPLACE | MAP_PRIVATE") \
    .replace("port_host_offset = (uintptr_t)ram - 0x80000000;", "if ((uintptr_t)ram != 0x80000000) return 1;")
# And for a device that does not look into its caches: no two objects share one of its lines.
OBJECTS = """
	error = kmem_cache_init();
	for (size_t size = 1; size < 9000 && !error; size++) {
		uintptr_t one = (uintptr_t)__kmalloc(size, GFP_KERNEL), other = (uintptr_t)kmalloc(size, GFP_KERNEL);
		error = !one || !other || one % 64 || other % 64 || (one < other ? other - one : one - other) < (size + 63) / 64 * 64 ||
			ksize((void *)one) < size || kfree((void *)one) || kfree((void *)other) ? (int)size : 0;
	}
	printf("%d %d\\n", error, mm_check());
	return 0;
"""


def test_readme_with_one_cpu(tmp_path):
    assert "port_kick" not in ONE_CPU and "port_host" not in ONE_CPU
    (tmp_path / "snippet.c").write_text("#define _GNU_SOURCE\n#include <quarry/slab.h>\n" + snippet() + ONE_CPU.replace("\treturn 0;\n", OBJECTS))
    cc = [word for word in CC if word != "-DQUARRY_HOST"] + ['-DQUARRY_PORT_HEADER="quarry/port/one_cpu.h"', "-DARCH_DMA_MINALIGN=64"]
    built = run(*cc, "-Wall", "-Werror", "-o", tmp_path / "snippet", tmp_path / "snippet.c", *SOURCES)
    assert built.returncode == 0, built.stderr
    done = run(tmp_path / "snippet")
    assert (done.returncode, done.stdout) == (0, "0 0\n0 0\n"), done


@pytest.mark.parametrize("name,good", [("my_port.h", True), ("port.h", False)])
def test_a_header_called_as_quarrys(tmp_path, name, good):
    """It would be looked for beside Quarry's and found there: one error that says so. A port's header may include Quarry's."""
    (tmp_path / name).write_text("#include <quarry/port.h>\n#include <quarry/port/one_cpu.h>\n")
    (tmp_path / "caller.c").write_text("#include <quarry/mm.h>\n")
    cc = [word for word in CC if word != "-DQUARRY_HOST"] + [f'-DQUARRY_PORT_HEADER="{name}"', f"-I{tmp_path}"]
    done = run(*cc, "-c", "-o", tmp_path / "caller.o", tmp_path / "caller.c")
    assert (done.returncode == 0) == good, done.stderr
    assert good or "QUARRY_PORT_HEADER names quarry/port.h itself" in re.search(r"(?m)error: .*$", done.stderr)[0], done.stderr


def test_a_port_whose_area_is_an_object(tmp_path):
    """Macros, as docs/embedding.md allows: no function of mm/ wonders whether an object's address is NULL."""
    (tmp_path / "object_port.h").write_text(
        "#include <quarry/port/identity.h>\n#define QUARRY_PORT_NAME object\nextern struct mm_pcpu cpu0;\n#define port_pcpu() (&cpu0)\n"
        "#define port_pcpu_at(offset) ((void *)((char *)&cpu0 + (offset)))\n#define port_set_pcpu(area) ((void)(area))\n"
        "#define port_irq_save() 0UL\n#define port_irq_restore(flags) ((void)(flags))\n#define port_relax() ((void)0)\n")
    cc = [word for word in CC if word != "-DQUARRY_HOST"] + ['-DQUARRY_PORT_HEADER="object_port.h"', f"-I{tmp_path}"]
    for source in ("mm/spinlock.c", "mm/pcp/pcp.c", "mm/buddy/buddy_free.c"):
        done = run(*cc, "-Wall", "-Wextra", "-Werror", "-c", "-o", tmp_path / "one.o", ROOT / source)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("port", ["quarry/port/smp.h", "quarry/port/one_cpu.h"])
def test_readme_compiles_for_boards(setup, tmp_path, port):
    (tmp_path / "snippet.c").write_text(snippet())
    libc = Path("/usr/lib/picolibc", {"riscv64": "riscv64-unknown-elf", "arm64": "aarch64-linux-gnu"}[setup.isa], "include")
    done = run(setup.vars["CROSS"] + "gcc", "-isystem", libc, "-std=gnu11", "-ffreestanding", "-O2", "-Wall", "-Wextra", "-Werror",
               f"-I{ROOT / 'include'}", f'-DQUARRY_PORT_HEADER="{port}"', "-c", "-o", tmp_path / "snippet.o", tmp_path / "snippet.c")
    assert done.returncode == 0, done.stderr


# Each page of a pool has a word: written for all, of blocks too, then the pool is used, and no other word has changed.
PRIVATE = r"""
#include <quarry/memblock.h>
#include <quarry/mm.h>
static int private(void)
{
	struct page *block = alloc_pages(GFP_KERNEL, 4), *page[64];
	struct mm_layout layout;
	mm_get_layout(&layout);
	for (pfn_t pfn = 0x80000; pfn < 0x88000; pfn++)
		set_page_private(pfn_to_page(pfn), pfn * 0x100000001u);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 64; i++)
			page[i] = alloc_pages(GFP_KERNEL | __GFP_ZERO, i % 5);
		for (int i = 0; i < 64; i++)
			__free_pages(page[i], i % 5);
		drain_all_pages();
	}
	set_page_private(block + 5, 0);
	for (pfn_t pfn = 0x80000; pfn < 0x88000; pfn++)
		if (page_private(pfn_to_page(pfn)) != (pfn == page_to_pfn(block) + 5 ? 0 : pfn * 0x100000001u))
			return 1;
	return mm_check() ? 2 : layout.memmap_bytes - 32768 * 8 < 32768 * 8 ? 3 : layout.memmap_bytes - 32768 * 16 < 8192 ? 0 : 4;
}
"""


def test_a_word_of_the_owners(tmp_path):
    """CONFIG_PAGE_PRIVATE: of each page, kept, 8 bytes a page; without the option there is none, and no room for it."""
    (tmp_path / "words.c").write_text(snippet() + PRIVATE + HOST.replace("return 0;\n}", "return error ? 9 : private();\n}"))
    command = [*CC, "-fsanitize=address,undefined", "-o", tmp_path / "words", tmp_path / "words.c"]
    built = run(*command, "-DCONFIG_PAGE_PRIVATE=1", *SOURCES)
    assert built.returncode == 0, built.stderr
    done = run(tmp_path / "words")
    assert (done.returncode, done.stdout) == (0, "0 0\n"), done
    built = run(*command, "-DCONFIG_PAGE_PRIVATE=1", "-Wno-error", "-x", "c", "/dev/null")
    assert built.returncode and "undefined reference to `set_page_private'" in built.stderr


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    done = run(*CC, "-c", *SOURCES, cwd=folder)
    assert done.returncode == 0, done.stderr
    return sorted(folder.glob("*.o"))


def test_another_port_does_not_link(library, tmp_path):
    """The library's is quarry/port/hosted.h; the error has the name of the caller's."""
    (tmp_path / "caller.c").write_text(CALLERS["calls"])
    for name, line in (("other", "#define QUARRY_PORT_NAME other"), ("unnamed", ""), ("hosted", "#define QUARRY_PORT_NAME hosted")):
        port = "#include <quarry/port/hosted.h>\n#undef QUARRY_PORT_NAME\n" + line + "\n"
        (tmp_path / "my_port.h").write_text(port)
        done = run(*[word for word in CC if word != "-DQUARRY_HOST"], '-DQUARRY_PORT_HEADER="my_port.h"', f"-I{tmp_path}", "-o",
                   tmp_path / "caller", tmp_path / "caller.c", *library)
        refused = re.search(rf"undefined reference to `alloc_pages_slow__\w+__PORT_{name}'", done.stderr)
        assert (done.returncode == 0 and not refused) if name == "hosted" else (done.returncode and refused), done.stderr


CALLERS = {"sets up": snippet() + HOST,
           "calls": "#include <quarry/mm.h>\nint main(void) { return __free_page(alloc_page(GFP_KERNEL)); }\n" +
                    HOST.split("int main")[0].replace("#include <sys/mman.h>", "")}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("option", ["", *OPTIONS])
def test_other_options_do_not_link(library, tmp_path, option, caller):
    (tmp_path / "caller.c").write_text(CALLERS[caller])
    done = run(*CC, *("-D" + word for word in option.split()), "-o", tmp_path / "caller", tmp_path / "caller.c", *library)
    if not option:
        assert done.returncode == 0, done.stderr
        return
    assert done.returncode != 0
    for word in option.split():
        name, value = word.removeprefix("CONFIG_").split("=")
        assert re.search(rf"undefined reference to `\w+__{name}_{value}(__\w+)?'", done.stderr), done.stderr

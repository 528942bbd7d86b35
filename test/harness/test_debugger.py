# SPDX-License-Identifier: BSD-2-Clause
"""The commands for gdb: on a machine that has stopped, and on a core file, which is also changed to see what `check` says."""
import re
import struct
import subprocess
import sys

import pytest

from board import ROOT

sys.path.append(str(ROOT / "mk/gdb"))
from core import give_addresses  # pylint: disable=wrong-import-position


def make(*args, timeout=600):
    done = subprocess.run(["make", "-s", "--no-print-directory", *args], cwd=ROOT, text=True, capture_output=True,
                          check=False, timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def ask(setup, core, *commands, more=""):
    """What gdb prints for each command."""
    marks = " ".join(f'-ex "{command}" -ex "echo ====\\\\n"' for command in commands)
    text = make("debug", f"BOARD={setup.board}", f"CORE={core}", f"GDB_EXTRA=-batch -ex 'echo ====\\n' {marks} {more}")
    return [part.strip() for part in text.split("====\n")[1:-1]]


@pytest.fixture(scope="module")
def core(setup):
    path = setup.scratch / f"debugger-{setup.isa}.core"
    path.unlink(missing_ok=True)
    made = make("core", f"BOARD={setup.board}", f"CORE={path}",
                "CMD=owner on; alloc 3; alloc 0 GFP_KERNEL|__GFP_MOVABLE; owner; buddyinfo; meminfo; pagetypeinfo; slabinfo")
    assert f"CORE={path}" in made
    path.chmod(0o600)
    yield path, (setup.out / "core.log").read_text().replace("\r", "")
    path.unlink()


def segments(core):
    """(file offset, physical address, size) of a core file's memory."""
    data = core.read_bytes()[:8192]
    offset, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    for i in range(count):
        kind, _, at, virtual, physical, length = struct.unpack_from("<IIQQQQ", data, offset + i * size)
        if kind == 1:
            assert virtual == physical
            yield at, physical, length


def poke(core, address, old, new):
    for at, physical, length in segments(core):
        if physical <= address < physical + length:
            with open(core, "r+b") as file:
                file.seek(at + address - physical)
                assert file.read(len(old)) == old
                file.seek(at + address - physical)
                file.write(new)
            return
    raise AssertionError(f"{address:#x} is not in the core file")


def test_core_file(setup, core):
    path, log = core
    blocks = re.findall(r"(?m)^(0x[0-9a-f]+) order (\d) zone DMA32", log)
    assert [order for _, order in blocks] == ["3", "0"]
    first, second = (int(address, 16) for address, _ in blocks)
    zones, page, tail, cached, free, image, pageblocks, pcp, check, dmesg = ask(
        setup, path, "quarry zones", f"quarry page {first:#x}", f"quarry page {first + 0x1234:#x}", f"quarry page {second:#x}",
        f"quarry page {setup.ram_base + 0x6000000:#x}", f"quarry page {setup.load:#x}", "quarry pageblocks DMA32", "quarry pcp",
        "quarry check", "quarry dmesg")
    total = int(re.search(r"MemTotal: +(\d+) kB", log)[1]) // 4
    nr_free = int(re.search(r"MemFree: +(\d+) kB", log)[1]) // 4
    assert re.match(rf"zone DMA32  managed {total} free {nr_free} untouched \d+ min \d+ .* lock free\nzone Normal managed 0 ", zones)
    assert f": allocated, order 3 head {first:#x} refs 1" in page and f": allocated, order 3 head {first:#x} refs 1" in tail
    assert f": allocated, order 0 head {second:#x} refs 1" in cached and free.endswith(": free (untouched)")
    assert ": reserved, order" in image or image.endswith(": reserved")
    assert int(re.search(r"(?m)^PcpFree: +(\d+)", log)[1]) // 4 == sum(
        int(row.split()[4]) << int(row.split()[2]) for row in pcp.splitlines()[1:])
    rows = [row.split() for row in pageblocks.splitlines()[1:]]
    assert sum(int(row[4]) for row in rows) + int(re.search(r"untouched (\d+)", zones)[1]) == nr_free
    assert check == "quarry: 0 violations"
    assert "mm: released" in dmesg and dmesg.splitlines()[0].endswith(re.search(r"Quarry \S+", log)[0])


def test_owners_and_caches(setup, core):
    """As the console says it, with names that mk/symbols.py finds for the call sites."""
    path, log = core
    owner, slab = ask(setup, path, "quarry owner", "quarry slab")
    rows = [row.split(maxsplit=2) for row in owner.splitlines()[1:-1]]
    sites = [row for row in rows if row[2].startswith("quarry.elf+")]
    log = subprocess.run([ROOT / "mk/symbols.py", setup.out / "quarry.elf"], input=log, text=True, capture_output=True, check=True).stdout
    said = re.findall(r"(?m)^ *(\d+) +(\d+) +(?:-|\d+)  0x[0-9a-f]+ +(.*)$", log)
    assert sorted(map(tuple, sites)) == sorted(row for row in said if row[2].startswith("quarry.elf+")) and len(sites) > 0
    assert ["9", "2"] in [row[:2] for row in sites] and all(re.search(r" \w+ \w+\.c:\d+$", row[2]) for row in sites)
    console = re.search(r"(?m)^(\d+) pages in (\d+) blocks$", log)
    assert owner.splitlines()[-1] == f"{console[1]} pages in {console[2]} blocks"
    heading, *caches = slab.splitlines()
    assert heading == "cache               active objects stacked   size  slabs  pages"
    said = re.findall(r"(?m)^(\S+) +(\d+) +(\d+) +(\d+) +\d+ +(\d+) : tunables .* : slabdata +\d+ +(\d+) ", log)
    assert [tuple(map(int, row.split()[1:])) for row in caches] == \
        [(int(active), int(objects), 0, int(size), int(slabs), int(slabs) * int(pages)) for _, active, objects, size, pages, slabs in said]
    assert [row.split()[0] for row in caches] == [row[0] for row in said] and "kmalloc-640" in slab


def test_check_sees_what_is_wrong(setup, core):
    """One word of the allocator's is changed at a time; and back."""
    path, _ = core
    where, nr_free, block = ask(setup, path, "p/x (long)&mm.zones[0].nr_free", "p/x mm.zones[0].nr_free",
                                "p/x (long)&mm.pageblocks[mm.spans[0].first * 2].nr_free")
    value = int(nr_free.split()[-1], 16)
    old, new = struct.pack("<Q", value), struct.pack("<Q", value + 1)
    poke(path, int(where.split()[-1], 16), old, new)
    assert re.match(rf"quarry: zone DMA32: nr_free {value + 1}, but {value} by its .*\nquarry: 1 violations$",
                    ask(setup, path, "quarry check")[0])
    poke(path, int(where.split()[-1], 16), new, old)
    count = int(ask(setup, path, "p mm.pageblocks[mm.spans[0].first * 2].nr_free")[0].split()[-1])
    address = int(block.split()[-1], 16)
    poke(path, address, struct.pack("<H", count), struct.pack("<H", count ^ 1))
    said = ask(setup, path, "quarry check")[0]
    assert re.search(rf"pageblock \d+: nr_free {count ^ 1}, but {count} pages are free in its map", said) and "quarry: 2 violations" in said
    poke(path, address, struct.pack("<H", count ^ 1), struct.pack("<H", count))
    assert ask(setup, path, "quarry check") == ["quarry: 0 violations"]


def test_machine_that_runs(setup):
    """
    make debug: stopped at boot_main() the allocator has not started; where a suite has one object of a cache, that is shown, and from
    a core file of that moment, too.
    """
    path = setup.scratch / f"debugger-slab-{setup.isa}.core"
    text = make("debug", f"BOARD={setup.board}", "CMD=test slab.misuse; poweroff",
                "GDB_EXTRA=-ex continue -ex 'quarry zones' -ex 'quarry nonsense' -ex 'tbreak kmem_cache_destroy' -ex continue"
                f" -ex 'quarry zones' -ex 'quarry owner' -ex 'quarry slab' -ex 'quarry check' -ex 'monitor dump-guest-memory {path}' -ex kill -ex quit")
    assert "quarry: the allocator has not started yet" in text
    assert "usage: quarry zones | pageblocks | page | pcp | owner | slab | check | dmesg" in text
    assert re.search(r"(?m)^\d+ pages in \d+ blocks$", text)
    caches = re.findall(r"(?m)^(suite|kmalloc-96) +(\d+) +(\d+) +(\d+) +96 +(\d+) +(\d+)$", text)
    assert [row[:2] for row in caches] == [("kmalloc-96", "1"), ("suite", "1")], text
    assert all(int(objects) > int(stacked) + 1 > 1 and int(slabs) == int(pages) == 1 for _, _, objects, stacked, slabs, pages in caches)
    give_addresses(path)
    path.chmod(0o600)
    (slab,) = ask(setup, path, "quarry slab")
    assert slab in text
    path.unlink()
    assert re.search(r"zone DMA32  managed \d{5} ", text) and "quarry: 0 violations" in text

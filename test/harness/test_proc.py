# SPDX-License-Identifier: BSD-2-Clause
"""
A script written for /proc reads the console: the parsers of procfs.py on unchanged output, what they read
compared with each other and with Linux's arithmetic; and the commands of the policy.
"""
import math
import os
import re
import subprocess

import pytest

import procfs
from board import ROOT

MEMORY = {"128M": False, "4G": True}  # RAM: does it have a zone Normal?


@pytest.fixture(params=MEMORY, scope="module")
def proc(request, setup):
    """read(file): the console's output for it, log lines left out."""
    from board import Board  # pylint: disable=import-outside-toplevel
    board = Board(setup, memory=request.param)
    board.expect_prompt()
    board.both_zones = MEMORY[request.param]
    yield board
    board.close()


def read(board, name):
    return "\n".join(board.lines(name))


def isqrt_min_free(managed):
    return min(max(math.isqrt(managed * 4 * 16), 128), 262144)


def test_zoneinfo(proc):
    proc.lines("drain")
    zones = procfs.zoneinfo(read(proc, "zoneinfo"))
    assert [key[1] for key in zones] == ["DMA32", "Normal"]
    managed = [zone["pages"]["managed"] for zone in zones.values()]
    assert bool(managed[1]) == proc.both_zones
    min_free = isqrt_min_free(sum(managed))
    node = last = None
    for i, zone in enumerate(zones.values()):
        pages = zone["pages"]
        assert list(pages)[:5] == ["free", "boost", "min", "low", "high"]
        assert pages["spanned"] >= pages["present"] >= pages["managed"] >= pages["free"]
        low = min_free // 4 * managed[i] // sum(managed)
        step = max(low // 4, managed[i] * 10 // 10000)
        assert (pages["min"], pages["low"], pages["high"]) == (low, low + step, low + 2 * step)
        assert zone["protection"] == [0, managed[1] // 256 if i == 0 else 0]
        if pages["present"]:
            node = node or zone["stats"]  # Linux too has the node's figures with its first zone
            last = zone["start_pfn"] + pages["spanned"]
            assert zone["stats"]["nr_free_pages"] == pages["free"]
            assert [cpu["cpu"] for cpu in zone["pagesets"]] == [0]
            assert zone["pagesets"][0]["count"] == 0
            assert zone["start_pfn"] > 0
    populated = [zone for zone in zones.values() if zone["pages"]["present"]]
    assert node["node_start_pfn"] == populated[0]["start_pfn"]
    assert node["node_present_pages"] == sum(zone["pages"]["present"] for zone in populated)
    assert node["node_spanned_pages"] == last - node["node_start_pfn"]
    assert sum("node_start_pfn" in zone["stats"] for zone in populated) == 1


def test_files_agree(proc):
    proc.lines("drain")
    zones = procfs.zoneinfo(read(proc, "zoneinfo"))
    buddy = procfs.buddyinfo(read(proc, "buddyinfo"))
    per_block, free, blocks = procfs.pagetypeinfo(read(proc, "pagetypeinfo"))
    vmstat = procfs.vmstat(read(proc, "vmstat"))
    meminfo = procfs.meminfo(read(proc, "meminfo"))
    assert per_block == 512
    total = 0
    for key, orders in buddy.items():
        pages = sum(count << order for order, count in enumerate(orders))
        assert len(orders) == 11 and pages == zones[key]["pages"]["free"]
        types = {name[2]: counts for name, counts in free.items() if name[:2] == key}
        assert list(types) == ["Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate"]
        assert [sum(column) for column in zip(*types.values())] == orders
        assert list(blocks[key]) == list(types)
        assert 0 < sum(blocks[key].values()) <= -(-zones[key]["pages"]["spanned"] // 512) + 2
        total += pages
    assert total == vmstat["nr_free_pages"] and total * 4096 == meminfo["MemFree"]
    assert sum(z["pages"]["managed"] for z in zones.values()) * 4096 == meminfo["MemTotal"]
    assert meminfo["MemTotal"] > meminfo["MemFree"] > meminfo["MemAvailable"] > 0
    kept = [min(zone["pages"]["managed"], zone["pages"]["high"] + max(zone["protection"]))
            for zone in zones.values()]
    assert meminfo["MemAvailable"] == meminfo["MemFree"] - sum(kept) * 4096


def test_slabinfo(proc):
    caches = procfs.slabinfo(read(proc, "slabinfo -a"))
    assert {"kmem_cache", "kmalloc-8", "kmalloc-96", "kmalloc-192", "kmalloc-8k", "dma32-kmalloc-4k"} <= set(caches)
    for name, (active, objects, size, per_slab, pages, active_slabs, slabs) in caches.items():
        assert active <= objects <= per_slab * slabs and active_slabs <= slabs, name
        assert per_slab * size <= pages * 4096, name
    assert caches["kmalloc-8k"][2:5] == (8192, 4, 8)
    used = procfs.slabinfo(read(proc, "slabinfo"))
    assert set(used) == {name for name, figures in caches.items() if figures[-1]}


def test_sysctl_recomputes(proc):
    before = read(proc, "zoneinfo")
    saved = dict(line.split(" = ") for line in proc.lines("sysctl"))
    assert proc.lines("sysctl vm.min_free_kbytes=67584") == ["vm.min_free_kbytes = 67584"]
    zones = procfs.zoneinfo(read(proc, "zoneinfo"))
    assert sum(zone["pages"]["min"] for zone in zones.values()) in (67584 // 4, 67584 // 4 - 1)
    proc.lines("sysctl vm.watermark_scale_factor=1000")
    proc.lines("sysctl vm.lowmem_reserve_ratio=100 32")
    zones = procfs.zoneinfo(read(proc, "zoneinfo"))
    for zone in zones.values():
        pages = zone["pages"]
        step = max(pages["min"] // 4, pages["managed"] // 10)
        assert pages["low"] == pages["min"] + step and pages["high"] == pages["low"] + step
    assert zones[0, "DMA32"]["protection"][1] == zones[0, "Normal"]["pages"]["managed"] // 100
    for name in ("min_free_kbytes", "watermark_scale_factor", "lowmem_reserve_ratio"):
        proc.lines(f"sysctl vm.{name}={saved['vm.' + name]}")
    assert read(proc, "zoneinfo") == before


@pytest.mark.parametrize("setting", [
    "vm.min_free_kbytes=99999999999", "vm.min_free_kbytes=-1", "vm.min_free_kbytes=1 2",
    "vm.watermark_scale_factor=0", "vm.watermark_scale_factor=3001",
    "vm.lowmem_reserve_ratio=256", "vm.lowmem_reserve_ratio=1 2 3", "vm.lowmem_reserve_ratio=1 x",
    "vm.init_on_free=2", "vm.page_poison=", "vm.panic_on_misuse=yes"])
def test_sysctl_refuses(proc, setting):
    before = proc.lines("sysctl"), read(proc, "zoneinfo")
    lines = proc.lines(f"sysctl {setting}")
    assert len(lines) == 1 and lines[0].startswith("sysctl: ")
    assert (proc.lines("sysctl"), read(proc, "zoneinfo")) == before


def test_poison_and_init_on_free_exclude_each_other(proc):
    assert proc.lines("sysctl vm.init_on_free=1") == ["vm.init_on_free = 1"]
    lines = proc.lines("sysctl vm.page_poison=1")
    assert len(lines) == 1 and "exclude" in lines[0]
    assert proc.lines("sysctl vm.init_on_free=0") == ["vm.init_on_free = 0"]
    assert proc.lines("sysctl vm.page_poison=1") == ["vm.page_poison = 1"]
    assert proc.lines("sysctl vm.page_poison=0") == ["vm.page_poison = 0"]


def test_fail(proc):
    proc.lines("drain")
    before = procfs.vmstat(read(proc, "vmstat"))
    assert proc.lines("fail") == ["fail: off"]
    assert proc.lines("fail every=2 order>=1 times=2") == \
        ["fail: every=2 order>=1 times=2: 0 seen, 0 failed"]
    refused, got = 0, []
    for _ in range(8):
        line = proc.lines("alloc 1")[0]
        if "refused" in line:
            assert "fault injection" in line
            refused += 1
        else:
            got.append(line.split()[0])
    assert refused == 2 and len(got) == 6
    got.append(proc.lines("alloc 0")[0].split()[0])
    assert proc.lines("fail") == ["fail: every=2 order>=1 times=2: 8 seen, 2 failed"]
    assert proc.lines("fail off") == ["fail: off"]
    for address in got:
        assert proc.lines(f"free {address}") == []
    after = procfs.vmstat(read(proc, "vmstat"))
    assert after["fail_injected"] == before["fail_injected"] + 2
    for wrong in ("fail every=0", "fail order>=1", "fail every=2 order>=11", "fail every", "fail on"):
        assert len(proc.lines(wrong)) == 1
    assert proc.lines("fail") == ["fail: off"]


def test_alloc_reports(proc):
    """A refused `alloc` is reported as any request is, unless its flags say otherwise."""
    assert proc.lines("fail every=1") == ["fail: every=1 order>=0 times=0: 0 seen, 0 failed"]
    loud = proc.cmd("alloc 2 GFP_KERNEL|__GFP_HIGH")
    quiet = proc.cmd("alloc 2 GFP_KERNEL|__GFP_NOWARN")
    proc.lines("fail off")
    assert "page allocation failure: order:2, mode:0x2110(GFP_KERNEL|__GFP_HIGH): fault injection" in loud
    assert loud.splitlines()[-1] == "alloc: refused: fault injection"
    assert quiet == "alloc: refused: fault injection\n"


@pytest.mark.parametrize("flags,said", [
    ("GFP_KERNEL|__GFP_HIGH", "0x2110 GFP_KERNEL|__GFP_HIGH zone Normal type Unmovable"),
    ("0x2010", "0x2010 GFP_ATOMIC zone Normal type Unmovable"),
    ("GFP_NOWAIT", "0x10 GFP_NOWAIT zone Normal type Unmovable"),
    ("0xffffffff", "gfp: '0xffffffff': unknown flags 0xfff8000f"),
    ("0x60", "gfp: '0x60': __GFP_MOVABLE and __GFP_RECLAIMABLE exclude each other"),
    ("__GFP_MOVABLE|__GFP_RECLAIMABLE|1", "gfp: '__GFP_MOVABLE|__GFP_RECLAIMABLE|1': unknown flags 0x1")])
def test_gfp_names_what_was_given(proc, flags, said):
    assert proc.lines(f"gfp {flags}") == [said]


def test_trace(proc):
    assert proc.lines("trace dump") == ["trace: is off"]
    assert proc.lines("trace on") == []
    address = proc.lines("alloc 3 GFP_KERNEL|__GFP_MOVABLE")[0].split()[0]
    proc.lines(f"free {address}")
    lines = proc.lines("trace dump")
    pfn = f"pfn={int(address, 16) >> 12:#x} "
    alloc = [line for line in lines if "mm_page_alloc: " + pfn in line]
    assert len(alloc) == 1 and "order=3 migratetype=1 gfp_flags=GFP_KERNEL|__GFP_MOVABLE" in alloc[0]
    assert any("mm_page_free: " + pfn + "order=3" in line for line in lines)
    assert [int(line.split()[0]) for line in lines] == list(range(len(lines)))
    assert len(proc.lines("trace on")) == 1
    assert proc.lines("trace off") == []


def test_owner(proc, setup):
    """By call site, since a mark, older than a while; a name for the site on the host; nothing is left when it is off."""
    unknown = proc.lines("owner")
    assert len(unknown) >= 2 and not any("quarry.elf+" in line for line in unknown)
    assert proc.lines("owner mark") == ["owner: is off"]
    assert proc.lines("owner on") == []
    assert proc.lines("owner on") == ["owner: is on"]
    assert "# SKIP owner is on" in proc.lines("test owner.sites")[2]
    mark = int(proc.lines("owner mark")[0].removeprefix("mark "))
    address = proc.lines("alloc 3")[0].split()[0]
    proc.lines("free " + proc.lines("alloc 0")[0].split()[0])
    head, row, total = proc.lines(f"owner since {mark}")
    assert head.split() == ["pages", "blocks", "age/s", "oldest", "owner"]
    assert row.split()[:2] == ["8", "1"] and row.split()[3] == address and total == "8 pages in 1 blocks"
    elf = ROOT / "build" / setup.isa / "quarry.elf"
    named = subprocess.run([ROOT / "mk/symbols.py", elf], input=row, capture_output=True, text=True, check=True)
    assert re.search(r"quarry\.elf\+0x[0-9a-f]+ cmd_alloc cmd_alloc\.c:\d+$", named.stdout), named.stdout
    noise = subprocess.run([ROOT / "mk/symbols.py", elf], input=b"\xff\r\n", capture_output=True, check=True,
                           env={**os.environ, "PYTHONIOENCODING": "utf-8"})
    assert noise.stdout == b"\xff\r\n"
    words = row.split()
    assert any(line.split()[:2] + line.split()[3:] == words[:2] + words[3:] for line in proc.lines("owner leaks 0"))  # it ages
    assert proc.lines("owner leaks 1000") == ["0 pages in 0 blocks"]
    assert re.fullmatch(rf"{address} order 3: quarry\.elf\+0x[0-9a-f]+, mark {mark}\d*, 0 s ago|.* s ago",
                        proc.lines(f"owner {address}")[0])
    assert proc.lines("owner since 99999")[0].startswith("owner: '99999' is no mark, 0 to ")
    assert proc.lines("owner off") == []
    assert not any("quarry.elf+" in line for line in proc.lines("owner"))
    proc.lines(f"free {address}")


def test_why(proc):
    assert proc.lines("why 3") == ["why: order:3, mode:0x110(GFP_KERNEL): would succeed"]
    managed = procfs.meminfo(read(proc, "meminfo"))["MemTotal"] // 1024
    saved = dict(line.split(" = ") for line in proc.lines("sysctl"))["vm.min_free_kbytes"]
    proc.lines(f"sysctl vm.min_free_kbytes={managed - 4}")
    before = read(proc, "buddyinfo")
    lines = proc.lines("why 2 GFP_KERNEL|__GFP_ZERO")
    assert lines[0] == "why: order:2, mode:0x310(GFP_KERNEL|__GFP_ZERO): would be refused"
    assert any(re.search(r"zone DMA32: \d+ pages free, the min watermark keeps \d+", line)
               for line in lines)
    assert any("would help: " in line for line in lines)
    assert "the min watermark keeps" in proc.lines("alloc 2 GFP_KERNEL|__GFP_ZERO")[0]
    assert read(proc, "buddyinfo") == before
    proc.lines(f"sysctl vm.min_free_kbytes={saved}")
    for wrong in ("why", "why 11", "why 1 GFP_NOSUCH", "why 1 0x60"):
        assert len(proc.lines(wrong)) == 1


def test_gfp_knows_all_flags(proc):
    for name in ("__GFP_HIGH", "__GFP_MEMALLOC", "__GFP_NOMEMALLOC", "__GFP_NORETRY",
                 "__GFP_RETRY_MAYFAIL", "__GFP_NOFAIL", "__GFP_COMP", "__GFP_ZERO", "__GFP_NOWARN",
                 "__GFP_THISNODE"):
        number = proc.lines(f"gfp {name}")[0].split()[0]
        assert proc.lines(f"gfp {name}") == proc.lines(f"gfp {number}")
    assert proc.lines("gfp 0x4a0")[0].endswith("zone DMA32 type Movable")


def test_flash_through_the_buffer_cache(proc):
    def cache():
        return [int(n) for n in re.findall(r"\d+", proc.lines("bufcache")[0])]
    before = cache()
    lines = proc.lines("flash 0x1000 32")
    assert len(lines) == 2 and lines[0].startswith("00001000 ")
    assert proc.lines("flash 0x1000 32") == lines
    after = cache()
    assert after[0] == before[0] + 1 and after[2] == 0
    assert after[4] == before[4] + 1 and after[3] == before[3] + 3
    assert len(proc.lines("flash 0x80000")) == 1


@pytest.mark.parametrize("memory,off", [("8M", True), ("64M", False)])
def test_grouping_off_is_said(boot, memory, off):
    log = boot(memory=memory).expect_prompt()
    released = int(re.search(r"released (\d+) pages", log).group(1))
    assert (released < 4 * 512) == off
    assert ("grouping pages by mobility is off" in log) == off

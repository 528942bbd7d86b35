# SPDX-License-Identifier: BSD-2-Clause
"""The console as a user meets it: every command, every error, editing, history, completion."""
import re

import pytest

import parse

UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
HOME, END, DELETE = "\x1b[H", "\x1b[F", "\x1b[3~"


def picture(console):
    console.lines("drain")
    return console.lines("buddyinfo")


def test_figures_agree(console):
    console.lines("drain")
    info = parse.meminfo(console.lines("meminfo"))
    zones = parse.zoneinfo(console.lines("zoneinfo"))
    buddy = parse.buddyinfo(console.lines("buddyinfo"))
    assert set(zones) == {"DMA32", "Normal"} and set(buddy) <= set(zones)
    assert info["MemTotal"] == 4 * sum(zone["managed"] for zone in zones.values())
    assert info["MemFree"] == 4 * sum(zone["free"] for zone in zones.values())
    for name, blocks in buddy.items():
        assert zones[name]["free"] == sum(n << order for order, n in enumerate(blocks))
        assert zones[name]["cached"] == 0


@pytest.mark.parametrize("order", range(11))
def test_alloc_and_free(console, order):
    before = picture(console)
    line = console.lines(f"alloc {order}")[0]
    address = re.fullmatch(rf"(0x[0-9a-f]+) order {order} zone DMA32", line).group(1)
    assert int(address, 16) % (4096 << order) == 0
    page = "\n".join(console.lines(f"page {address}"))
    assert re.search(rf"order {order} head {address} refs 1", page) and "allocated" in page
    now = parse.free_pages(parse.buddyinfo(picture(console)))
    assert now == parse.free_pages(parse.buddyinfo(before)) - (1 << order)
    assert console.lines(f"free {address}") == []
    assert picture(console) == before


def test_alloc_with_flags(console):
    before = picture(console)
    address = console.lines("alloc 3 GFP_KERNEL|__GFP_ZERO|__GFP_COMP")[0].split()[0]
    assert "compound" in "\n".join(console.lines(f"page {address}"))
    tail = f"{int(address, 16) + 0x5000:#x}"
    assert f"head {address}" in "\n".join(console.lines(f"page {tail}"))
    # a compound block is freed by its head
    assert console.lines(f"free {tail} 3") == [f"free: {tail}: is inside the block of order 3 at {address}"]
    assert console.lines(f"free {address} 3") == []
    assert picture(console) == before


def test_pcp_and_drain(console):
    console.lines("drain")
    address = console.lines("alloc 0")[0].split()[0]
    assert console.lines(f"free {address}") == []
    rows = [line.split() for line in console.lines("pcp")]
    assert rows[0] == ["cpu", "zone", "type", "order", "count", "high", "batch", "capacity"]
    cached = sum(int(row[4]) << int(row[3]) for row in rows[1:])
    assert cached > 0
    assert console.lines("drain") == [f"{cached} pages drained"]
    assert all(int(row.split()[4]) == 0 for row in console.lines("pcp")[1:])


def test_range(console):
    """A range at an address and anywhere; `free` takes it back as a whole, and says what it is else."""
    anywhere = re.fullmatch(r"0x([0-9a-f]+) pages 1500", console.lines("range any 1500")[0])
    start = int(anywhere[1], 16)
    inside = f"{start + 4096 * 700:#x}"
    assert "part of another range" in " ".join(console.lines(f"range {inside} 1"))
    assert console.lines(f"free {inside}") == [f"free: {inside}: is part of a range, which is freed as a whole by its first page"]
    assert console.lines(f"free {start:#x}") == []
    assert console.lines(f"free {start:#x}") == [f"free: {start:#x}: is free already (double free)"]
    assert console.lines(f"range {start + 4096 * 5:#x} 1300") == [f"{start + 4096 * 5:#x} pages 1300"]
    assert console.lines(f"free {start + 4096 * 5:#x}") == []
    assert console.lines("range 0x1001 1")[0].startswith("range: '0x1001' is not the address of a page")
    assert console.lines("range any 0") == ["range: '0' is not a number of pages"]


def scanned(console):
    return int(re.search(r"compact_migrate_scanned (\d+)", "\n".join(console.lines("vmstat")))[1])


def test_compact(console):
    assert re.fullmatch(r"\d+ blocks moved, \d+ pages; 0 could not; \d+ looked at", console.lines("compact")[0])
    before = scanned(console)
    assert console.lines("sysctl vm.compact_memory=1") == ["vm.compact_memory = 0"] and scanned(console) > before
    assert console.lines("sysctl vm.compact_memory=2") == ["sysctl: vm.compact_memory: '2' is not a number, 1 to 1"]


def test_movable(console):
    """A block of the console's own moves out of a range, its contents with it; `free` takes it where it is now."""
    address = re.fullmatch(r"(0x[0-9a-f]+) order 2 zone DMA32 movable", console.lines("alloc 2 movable")[0])[1]
    assert console.lines("alloc list") == [f"{address} order 2 moved 0 times"]
    assert console.lines(f"range {address} 4") == [f"{address} pages 4"]
    now, moved = re.fullmatch(r"(0x[0-9a-f]+) order 2 moved (\d+) times", console.lines("alloc list")[0]).groups()
    assert now != address and moved == "1"
    assert console.lines(f"free {address}") == [] and console.lines(f"free {address}")[0].endswith("is free already (double free)")
    console.lines(f"mw {now} 1")
    assert console.lines(f"free {now}") == [f"free: {now}: its contents have changed"]
    assert console.lines("alloc list") == []
    assert console.lines("alloc 9 movable") == ["alloc: refused: movable blocks are of orders 0 to 8"]
    address = console.lines("alloc 2 movable")[0].split()[0]  # with its order it is the same block
    assert console.lines(f"free {address} 1") == [f"free: {address}: the block's order is 2, not 1"]
    assert console.lines("alloc list") == [f"{address} order 2 moved 0 times"]
    assert console.lines(f"free {address} 2") == [] and console.lines("alloc list") == []
    assert console.lines(f"free {address} 2")[0].endswith("is free already (double free)")


def test_balance(boot):
    """The console waits for a key: meanwhile what a shrinker has is given back, as a request has found no zone above its low mark."""
    board = boot()
    board.expect_prompt()
    board.lines("flash 0x1000 32")  # a buffer that nobody holds

    def counters():
        return {name: int(value) for name, value in (line.split() for line in board.lines("vmstat"))}

    def buffers():
        return int(re.search(r"\d+", board.lines("bufcache")[0])[0])

    assert counters()["pageoutrun"] == 0 and buffers() == 1
    free = int(re.search(r"pages free +(\d+)", "\n".join(board.lines("zoneinfo")))[1])
    board.lines(f"sysctl vm.min_free_kbytes={free * 4 * 9 // 10}")  # free is between min and low, and nobody asks
    assert counters()["pageoutrun"] == 0 and buffers() == 1
    board.lines("alloc 0 __GFP_DIRECT_RECLAIM")  # does not want it
    assert counters()["pageoutrun"] == 0 and buffers() == 1
    board.lines("drain")  # else a cached page serves it
    board.lines("alloc 0")
    after = counters()
    assert after["pageoutrun"] == 1 and after["pgsteal_kswapd"] == 1 and after["allocstall"] == 0 and buffers() == 0


def test_fragmentation_indexes(boot):
    """Linux's formulas (mm/vmstat.c, Documentation/filesystems/proc) over what buddyinfo says, before and after memory is cut up."""
    board = boot()
    board.expect_prompt()
    board.lines("drain")
    seen = set()
    for held in range(2):
        for line, index, share in zip(*(board.lines(command) for command in ("buddyinfo", "extfrag_index", "unusable_index"))):
            free = [int(word) for word in line.split()[4:]]
            pages, blocks = sum(n << order for order, n in enumerate(free)), sum(free)
            for order, (value, unusable) in enumerate(zip(index.split()[4:], share.split()[4:])):
                suitable = sum(n << (o - order) for o, n in enumerate(free) if o >= order)
                expected = 0 if not blocks else -1000 if suitable else 1000 - (1000 + pages * 1000 // (1 << order)) // blocks
                assert round(float(value) * 1000) == expected
                assert round(float(unusable) * 1000) == ((pages - (suitable << order)) * 1000 // pages if pages else 1000)
                seen |= {"served" if suitable else "cut up"}
        while not held and "refused" not in (board.lines("alloc 10 GFP_KERNEL|__GFP_NOWARN") or [""])[0]:
            pass
    assert seen == {"served", "cut up"}


def test_caches_off_and_on(console):
    high = [line.split()[5] for line in console.lines("pcp")[1:]]
    assert max(int(n) for n in high) > 0
    setting = next(line for line in console.lines("sysctl") if "percpu_pagelist" in line)
    value = re.search(r"(\d+)$", setting).group(1)
    console.lines("sysctl vm.percpu_pagelist=0")
    assert all(line.split()[5] == "0" for line in console.lines("pcp")[1:])
    address = console.lines("alloc 0")[0].split()[0]
    console.lines(f"free {address}")
    assert all(line.split()[4] == "0" for line in console.lines("pcp")[1:])
    console.lines(f"sysctl vm.percpu_pagelist={value}")
    assert [line.split()[5] for line in console.lines("pcp")[1:]] == high


def named(setup, text):
    """The board's addresses and names in place of {words}."""
    for name, value in {"base": setup.ram_base, "load": setup.load, "free": setup.place(112 << 20),
                        "free_odd": setup.place(112 << 20) + 1}.items():
        text = text.replace("{%s:#x}" % name, f"{value:#x}")
    return text.replace("{uart}", setup.uart)


SHOWN = {
    "help": r"(?m)^buddyinfo .*(?s:.)*^zonelist ",
    "help alloc": r"alloc <order> \[gfp\]",
    "help disk": r"usage: disk (?s:.)*\ndisk \[number\] read <sector> \[count\]\r?\n",
    "pagetypeinfo": r"Unmovable(?s:.)*Movable(?s:.)*Reclaimable",
    "vmstat": r"(?m)^\w+ \d+$",
    "zonelist": r"DMA32",
    "gfp GFP_KERNEL": r"0x110 ",
    "gfp 0xa0": r"__GFP_MOVABLE.*zone DMA32 type Movable",
    "devices": r"{uart}",
    "dma": r"bounce pages: on(?s:.)*{uart}",
    "cpus": r"boot",
    "dmesg": r"released \d+ pages",
    "version": r"Quarry .* at {load:#x}",
    "sysctl": r"percpu_pagelist",
    "page {load:#x}": r"reserved",
}


@pytest.mark.parametrize("command", SHOWN)
def test_command_shows(console, setup, command):
    assert re.search(named(setup, SHOWN[command]), console.cmd(named(setup, command)))


ERRORS = [
    "nosuchcommand", "alloc", "alloc x", "alloc 11", "alloc -1", "alloc 99999999999999999999",
    "alloc 0x", "alloc 0 GFP_NOSUCH", "alloc 0 0x1", "alloc 0 __GFP_MOVABLE|__GFP_RECLAIMABLE",
    "alloc 1 2 3 4", "free", "free x", "free 0", "free {base:#x}", "free {load:#x}",
    "free 0x8000000", "free 0xffffffffffffffff", "free {free:#x}", "free {free_odd:#x}",
    "free 0x10000000000000000", "page", "page x", "page 0x1000", "gfp", "gfp nonsense", "gfp 0x60",
    "sysctl vm.nosuch=1", "sysctl vm.percpu_pagelist=x", "sysctl vm.percpu_pagelist=",
    "devices all", "dma bounce", "dma bounce maybe", "dma off",
    "test nosuch", "help nosuch", "drain now", "a b c d e f g h i j k l m n o p q r",
]


@pytest.mark.parametrize("line", ERRORS)
def test_error_is_one_line_and_changes_nothing(console, setup, line):
    before = console.lines("buddyinfo"), console.lines("pcp")
    printed = console.lines(named(setup, line))
    assert len(printed) == 1, printed
    assert (console.lines("buddyinfo"), console.lines("pcp")) == before


def test_help_fits(console):
    """A command a line, of 80 columns at most; what is left out is in the command's own help, with a line to type."""
    lines = console.lines("help")
    assert len(lines) > 35 and all(len(line) <= 80 for line in lines), lines
    for name in (line.split()[0] for line in lines if re.match("[a-z]", line)):
        told = console.lines(f"help {name}")
        assert told[0].startswith(f"usage: {name}"), told
        assert all(len(line) <= 80 for line in told), told
        examples = [line for line in told if line.startswith("example: ")]
        assert len(examples) == 1 and re.search(rf"\b{name}\b", examples[0]), told


# What only shows, or takes and gives back: its example is one.
EXAMPLES = ["alloc", "cpus", "devices", "fail", "gfp", "maps", "meminfo", "memblock", "pagetypeinfo", "pcp", "rng",
            "sysctl", "trace", "vmstat", "why", "zoneinfo"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_can_be_typed(console, name):
    example = next(line for line in console.lines(f"help {name}") if line.startswith("example: "))
    before = console.lines("sysctl")
    printed = console.lines(example.removeprefix("example: "))
    assert printed and not [line for line in printed if "usage" in line or "unknown" in line], printed
    if name == "alloc":
        console.lines(f"free {printed[0].split()[0]}")
    console.lines("fail off")
    for line in before:
        console.lines("sysctl " + line.replace(" = ", "="))
    assert console.lines("sysctl") == before


def test_grep(console):
    every = console.lines("vmstat")
    assert console.lines("vmstat | grep pcp") == [line for line in every if "pcp" in line] != []
    assert console.lines("vmstat | grep -v _ | grep 0") == [line for line in every if "_" not in line and "0" in line] != []
    assert console.lines("vmstat | grep nosuchcounter") == []
    assert console.lines("gfp GFP_KERNEL|__GFP_ZERO | grep ZERO")[0].startswith("0x310 ")
    for line in ("meminfo |", "meminfo | grep", "meminfo | sort", "meminfo | grep a b", "meminfo | grep -v",
                 "meminfo" + " | grep a" * 5):
        assert len(console.lines(line)) == 1 and "| grep [-v] <word>" in console.lines(line)[0], line


def test_words_of_the_shell(console):
    assert console.lines("?") == console.lines("help")
    assert console.lines("# drain; drain") == [] and len(console.lines("drain ; # drain")) == 1
    assert "did you mean 'meminfo'" in console.lines("memifno")[0]
    assert "did you mean 'buddyinfo'" in console.lines("help budyinfo")[0]
    assert "'help' lists" in console.lines("nosuchcommand")[0]
    console.lines("gfp 0x100")
    assert [line.split(None, 1) for line in console.lines("history")[-2:]] == [["2", "gfp 0x100"], ["1", "history"]]
    assert console.keys("\x12gfp 0x1") == console.lines("gfp 0x100")
    assert console.lines("clear") == []  # no terminal has answered


def test_plain_for_scripts(console):
    """Nobody answers the question: Linux's widths, no pager, no colour, and no more questions."""
    lines = console.lines("buddyinfo")
    assert len(lines[0]) == 22 + 11 * 7
    assert len(console.lines("vmstat")) > 30
    assert "\x1b" not in console.cmd("vmstat; help; buddyinfo")


def test_ctrl_c_ends_a_suite(console):
    console.send("test\r")
    console.expect(r"(?m)^ok 2 ")
    console.send("meminfo\r\x03")
    said = console.expect_prompt()
    assert re.search(r"(?m)^Bail out! Ctrl-C, before \w+\.\w+$", said) and re.search(r"(?m)^# quarry: passed=\d+ failed=0 ", said)
    assert "MemTotal" not in said  # what was typed ahead is dropped
    assert console.lines("drain") != []


def test_ctrl_c_ends_a_benchmark(console):
    console.send("bench\r")
    console.expect(r"bench: B1 ")
    console.send("\x03")
    said = console.expect_prompt()
    assert "bench: stopped by Ctrl-C" in said and " B8 " not in said
    assert len(console.lines("bench B8 B8 | grep make")) == 1  # no counting machine: said once


def test_free_errors_name_the_cause(console, setup):
    address = int(console.lines("alloc 4")[0].split()[0], 16)
    assert "order" in console.lines(f"free {address:#x} 3")[0]
    assert "inside" in console.lines(f"free {address + 4096:#x}")[0]
    assert "not the address of a page" in console.lines(f"free {address + 1:#x}")[0]
    assert console.lines(f"free {address:#x} 4") == []
    assert "double free" in console.lines(f"free {address:#x} 4")[0]
    assert "reserved" in console.lines(f"free {setup.load:#x}")[0]
    assert "no such memory" in console.lines("free 0x1000")[0]


def test_line_too_long(console):
    before = console.lines("buddyinfo")
    printed = console.keys("alloc " + "0" * 400)
    assert any("too long" in line for line in printed), printed
    assert console.lines("buddyinfo") == before
    assert console.lines("drain") != []


def test_several_commands_on_a_line(console):
    printed = console.lines("drain; nosuch ; ; drain")
    assert len(printed) == 3 and "unknown" in printed[1]


@pytest.mark.parametrize("keys", [
    "buddyinfoX\x7f",
    "buddyinfoXY\x08\x08",
    "bddyinfo" + LEFT * 7 + "u",
    "uddyinfo" + HOME + "b",
    "uddyinfo\x01b",
    "buddyinf" + HOME + RIGHT + END + "o",
    "buddyinf\x01\x05o",
    "xbuddyinfo" + HOME + DELETE,
    "garbage\x15buddyinfo",
    "buddyinfo garbage\x17\x7f",
    "buddyinfo -garbage" + LEFT * 9 + "\x0b",
    "garbage\x03buddyinfo",
    "budd\t",
    "  buddyinfo  ",
])
def test_editing(console, keys):
    expected = console.lines("buddyinfo")
    console.send(keys + "\r")
    # Ctrl-C and TAB may draw further prompts
    printed = console.expect_prompt()
    while "Node 0" not in printed:
        printed = console.expect_prompt()
    assert [line for line in printed.split("\n") if line.startswith("Node 0")] == expected


def test_history(console):
    console.lines("drain")  # what cases before this one left in the caches
    expected = console.lines("buddyinfo")
    console.lines("meminfo")
    assert console.keys(UP + UP) == expected
    console.lines("drain")
    assert console.keys(UP + UP + DOWN)[0].endswith("pages drained")
    assert console.keys(UP + "\x15" + "buddyinfo") == expected


def test_completion_lists_what_is_possible(console):
    console.send("zone\t")
    console.expect(r"zoneinfo\s+zonelist")
    console.expect_prompt()
    assert "  pages free" in "\n".join(console.keys("i\t"))


def test_completion_of_arguments(console):
    before = picture(console)
    assert "bounce pages: on" in console.keys("dma bou\t on")
    console.send("dma \t")
    console.expect(r"bounce\s+on\s+off")
    console.expect_prompt()
    console.keys("\x15")
    console.send("alloc 2 GFP_K\t\r")
    address = re.search(r"(0x[0-9a-f]+) order 2", console.expect_prompt()).group(1)
    console.lines(f"free {address}")
    assert picture(console) == before


def test_map_in_plain_text(console):
    """Without a terminal: one picture, whose figures are meminfo's."""
    console.lines("drain")
    lines = console.lines("map")
    info = parse.meminfo(console.lines("meminfo"))
    figures = dict(zip(*[iter(re.search(r"pages: (.*)", "\n".join(lines))[1].split())] * 2))
    assert int(figures["free"]) * 4 == info["MemFree"]
    assert (int(figures["used"]) + int(figures["free"])) * 4 == info["MemTotal"]
    rows = [line.split(" ", 1)[1] for line in lines if line.startswith("0x00")]
    assert len(rows) == 16 and {len(row) for row in rows} == {64}
    assert "\x1b" not in "".join(lines) and all(len(line) <= 80 for line in lines)
    for what in ("DMA32 type", "order", "owner", "age"):
        assert console.lines(f"map {what}")[0].startswith(f"map {what.split()[-1]}: ")
    assert console.lines("map -w 1") == ["map: -w wants a terminal of 80 columns"]
    assert console.lines("map Normal") == ["map: zone Normal has no memory"]
    assert len(console.lines("map -w 0")) == 1 and console.lines("map sideways")[0].startswith("usage: map ")

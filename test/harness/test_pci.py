# SPDX-License-Identifier: BSD-2-Clause
"""
PCI: what is on the buses and where it is put, on machines with many functions, with bridges, with too little room; and
QEMU's edu device, which reads and writes memory as far as its mask reaches.
"""
import re
import subprocess

import pytest

import ktap
from board import MIB

GIB = 1024 * MIB

# Windows for BARs: below 4 GiB, and above.
WINDOWS = {"riscv64": ((0x40000000, 1 * GIB), (0x400000000, 16 * GIB)),
           "arm64": ((0x10000000, 0x2eff0000), (0x8000000000, 512 * GIB))}
EDU = ("-device", "edu,dma_mask=0xffffffff")
BEHIND = ("-device", "pcie-root-port,id=rp,chassis=1,slot=1", "-device", "edu,dma_mask=0xffffffff,bus=rp")
# Its interrupt wire is turned by the slots on the way up.
DEEP = ("-device", "pcie-root-port,id=rp,chassis=1,slot=1", "-device", "pcie-pci-bridge,id=old,bus=rp",
        "-device", "edu,dma_mask=0xffffffff,bus=old,addr=6")
PLACES = {"root": (EDU, "00:01.0"), "behind": (BEHIND, "01:00.0"), "deep": (DEEP, "02:06.0")}

# Cases that need memory out of the device's reach, and those that need memory within.
FAR = {"edu.bounced", "edu.refused"}
DMA = FAR | {"edu.dma32", "edu.timeout", "edu.gone", "edu.removed"}


def run(board, subresults, suite, skipped=()):
    """Run a suite; exactly these cases are skipped."""
    results = ktap.check(board.cmd(f"test {suite}", timeout=400))
    assert {r.name for r in results if r.passed is None} == set(skipped)
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])


def shut_down(board):
    """All drivers leave, the free blocks are those at boot, and all drivers come back."""
    assert board.lines("shutdown", timeout=60)[-1] == "shutdown: without drivers buddyinfo is the boot picture"


def functions(board):
    """What `pci` lists: {name: {id, class, driver, usable, bus, bars: {n: (size, kind, address)}}}."""
    found, last = {}, None
    for line in board.lines("pci")[1:]:
        head = re.match(r"(\w\w:\w\w\.\w) +(\w{4}:\w{4}) (\w{6}) (\S+)( not usable)?$", line)
        bar = re.match(r" +BAR(\d) (0x\w+) bytes of (.*?)(?: at (0x\w+)|, not \w+)$", line)
        bridge = re.match(r" +bridge to bus (\w\w)$", line)
        if head:
            last = found[head[1]] = {"id": head[2], "class": head[3], "driver": head[4],
                                     "usable": not head[5], "bars": {}}
        elif bridge:
            last["bus"] = bridge[1]
        else:
            assert bar, line
            last["bars"][int(bar[1])] = (int(bar[2], 16), bar[3], int(bar[4], 16) if bar[4] else None)
    return found


def placed(found):
    """The BARs that have an address: [(address, size, kind)], in order."""
    return sorted((address, size, kind) for function in found.values()
                  for size, kind, address in function["bars"].values() if address is not None)


def check_placed(found, windows):
    bars = placed(found)
    for address, size, _ in bars:
        assert address % size == 0
        assert any(base <= address and address + size <= base + length for base, length in windows)
    for (address, size, _), (following, _, _) in zip(bars, bars[1:]):
        assert address + size <= following


@pytest.mark.parametrize("memory", ["1G", "8G"])
@pytest.mark.parametrize("place", PLACES)
def test_edu(boot, subresults, memory, place):
    devices, name = PLACES[place]
    board = boot(memory=memory, extra=devices, append="edu mask 32")
    board.expect_prompt()
    board.expect_prompt()
    found = functions(board)
    edu = found[name]
    assert edu["id"] == "1234:11e8" and edu["driver"] == "edu" and edu["bars"][0][0] == MIB
    run(board, subresults, "edu", skipped=() if memory == "8G" else FAR)
    run(board, subresults, "pci")
    assert functions(board) == found
    lines = board.lines("edu dma GFP_DMA32")
    assert len(lines) == 2 and "bounced" not in lines[0], lines
    lines = board.lines("edu dma")
    assert len(lines) == 2 and lines[0].endswith("bounced") == (memory == "8G"), lines
    shut_down(board)
    assert functions(board) == found
    assert board.lines("edu mask 32") == ["edu: 32 address bits"]
    assert len(board.lines("edu dma")) == 2
    # QEMU's own complaint when the device is given an address that it does not drive
    assert "clamp" not in board.transcript.getvalue()


def test_edu_reaches_no_memory(boot, subresults):
    """The device as QEMU has it without options: 28 address bits, and no memory is so low."""
    board = boot(memory="1G", extra=("-device", "edu"))
    assert "it reaches no memory" in board.expect_prompt()
    run(board, subresults, "edu", skipped=DMA)
    assert board.lines("edu")[0] == "edu: answers, 28 address bits, reaches no memory ('edu mask')"
    assert board.lines("edu dma GFP_DMA32") == [
        "edu: no memory is within its reach of 28 address bits: 'edu mask'"]
    # said to drive more lines than it does: that is seen, and what it may be
    assert board.lines("edu mask 32") == ["edu: 32 address bits"]
    assert board.lines("edu dma")[-1].endswith("has the device 32 address lines? (QEMU: -device edu,dma_mask=)")
    assert board.lines("edu mask 28")[0].endswith("I/O error")
    assert board.lines("edu factorial 12") == ["edu: 12! modulo 2^32 is 479001600"]
    # QEMU's complaint, one a transfer; a newer one says it only when asked for its log
    assert board.transcript.getvalue().count("clamp") in (0, 2)


@pytest.mark.parametrize("count", [60, 80])
def test_too_many(boot, subresults, count):
    """More functions than there is room for: one line, and what was found works."""
    extra = ["-device", "pci-bridge,id=b1,chassis_nr=1", "-device", "pci-bridge,id=b2,chassis_nr=2"]
    for i in range(count):
        extra += ["-device", f"edu,bus={['pcie.0', 'b1', 'b2'][i // 28]},addr={i % 28 + 4:x}.0"]
    board = boot(memory="256M", extra=extra)
    log = board.expect_prompt()
    found = functions(board)
    lost = re.findall(r"more than (\d+) functions: the rest is not used", log)
    assert lost == ([str(len(found))] if count > 60 else [])
    assert len(found) == (int(lost[0]) if lost else count + 3)
    run(board, subresults, "pci")
    run(board, subresults, "edu.interrupts")
    run(board, subresults, "edu.answers")


def test_edu_arguments(boot):
    board = boot(extra=EDU)
    board.expect_prompt()
    for line in ("edu mask 0", "edu mask 65", "edu mask x", "edu factorial -1", "edu factorial 1001",
                 "edu dma GFP_NOSUCH", "edu nosuch", "edu mask", "edu dma GFP_DMA32 1", "pci 1"):
        assert len(board.lines(line)) == 1, line
    assert board.lines("edu")[0].startswith("edu: answers, 28 address bits")


def test_without_edu(boot, subresults):
    board = boot()
    board.expect_prompt()
    assert list(functions(board)) == ["00:00.0"]
    for line in ("edu", "edu mask 32", "edu dma", "edu factorial 3"):
        assert board.lines(line) == ["edu: this machine has no edu device (make run EDU=1)"]
    results = ktap.check(board.cmd("test edu"))
    assert results and all(r.passed is None for r in results)
    run(board, subresults, "pci")


# Three levels of bridges, edu devices that share an interrupt wire, BARs of all kinds.
MANY = ("-device", "pcie-root-port,id=port1,chassis=1,slot=1", "-device", "edu,dma_mask=0xffffffff,bus=port1",
        "-device", "pcie-root-port,id=port2,chassis=2,slot=2", "-device", "pcie-pci-bridge,id=old,bus=port2",
        "-device", "edu,bus=old,addr=3", "-device", "edu,bus=old,addr=7",
        "-device", "pci-bridge,id=older,chassis_nr=9,bus=old,addr=4", "-device", "edu,bus=older,addr=1",
        "-device", "qemu-xhci", "-device", "virtio-rng-pci",
        "-object", "memory-backend-ram,size=256M,id=big", "-device", "ivshmem-plain,memdev=big",
        "-device", "pcie-root-port,id=port3,chassis=3,slot=3",
        "-object", "memory-backend-ram,size=128M,id=large", "-device", "ivshmem-plain,memdev=large,bus=port3",
        "-device", "virtio-rng-pci,addr=1e", "-device", "edu,addr=1f.0,multifunction=on", "-device", "edu,addr=1f.7")


def test_many(boot, setup, subresults):
    board = boot(extra=MANY, append="edu mask 32")
    board.expect_prompt()
    board.expect_prompt()
    found = functions(board)
    windows = WINDOWS[setup.isa]
    check_placed(found, windows)
    assert [f["bus"] for f in found.values() if "bus" in f] == ["01", "02", "05", "03", "04"]
    assert sum(f["driver"] == "edu" for f in found.values()) == 6
    assert all(f["usable"] for f in found.values())
    assert {"00:1f.0", "00:1f.7", "01:00.0", "03:03.0", "03:07.0", "04:01.0", "05:00.0"} < set(found)
    high = [(address, size) for address, size, _ in placed(found) if address >= windows[1][0]]
    assert sorted(size for _, size in high) == [128 * MIB, 256 * MIB]
    run(board, subresults, "pci")
    shut_down(board)
    # the first is edu at 00:1f.0, which reaches nothing; its wire is that of others
    for case in ("answers", "interrupts", "out_of_reach", "interrupt_for_ever"):
        run(board, subresults, f"edu.{case}")
    run(board, subresults, "pci")


def no_room(boot, setup, subresults, size, options=()):
    """A BAR that no window has room for costs one line and that function, no other."""
    board = boot(memory="1G", append="edu mask 32", extra=[
        *options, "-object", f"memory-backend-ram,size={size},reserve=off,id=huge",
        "-device", "ivshmem-plain,memdev=huge", *EDU])
    log = board.expect_prompt()
    board.expect_prompt()
    assert len(re.findall(r"pci 00:01\.0: BAR 2: no room for 0x\w+ bytes: not usable", log)) == 1
    found = functions(board)
    assert not found["00:01.0"]["usable"] and found["00:01.0"]["driver"] == "-"
    assert found["00:01.0"]["bars"][2][2] is None
    check_placed(found, WINDOWS[setup.isa])
    run(board, subresults, "edu", skipped=FAR)
    run(board, subresults, "pci")


def test_no_room(boot, setup, subresults):
    no_room(boot, setup, subresults, {"riscv64": "64G", "arm64": "1T"}[setup.isa])


def test_no_room_without_high_memory(boot, setup, subresults):
    """With highmem=off configuration space is below 4 GiB too, and there is no window above."""
    no_room(boot, setup, subresults, "512M", ("-machine", "highmem=off"))


test_no_room_without_high_memory.boards = ["qemu-virt-arm64"]

# What is wrong with the host bridge's node, how the source of the tree is changed, what the log says.
BROKEN = {
    "bus-range": (r"bus-range = <[^>]*>", "bus-range = <5 4>", "pci-ecam .*: not usable: "),
    "bus-range-size": (r"bus-range = <[^>]*>", "bus-range = <0>", "pci-ecam .*: not usable: "),
    "ranges": (r"(pci.*?)ranges = <0x1000000 [^>]*>", r"\1ranges = <0x2000000 0 0 0>", "`ranges` cannot be used"),
    "interrupt-map": (r"interrupt-map = <[^>]*>", "interrupt-map = <1 2 3 4 77 6 7 8>", "no interrupt .*polling"),
    "no-interrupt-map": (r"interrupt-map = <[^>]*>;", "", "no interrupt .*polling"),
    "size-cells": (r"#size-cells = <0x02>", "#size-cells = <0x01>", "`ranges` cannot be used"),
}


def boot_with_node(boot, setup, name, memory, edit):
    """A board with an edu device whose tree has another node for the host bridge: edit(its source)."""
    base = setup.scratch / f"pci-{name}-{setup.isa}"
    subprocess.run([*setup.qemu(), "-machine", f"dumpdtb={base}.raw.dtb", "-m", memory, "-display", "none"],
                   check=True, capture_output=True)
    source = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", f"{base}.raw.dtb"], check=True,
                            capture_output=True, text=True).stdout
    start = re.search(r"pcie?@", source).start()
    end = source.index("};", start)
    subprocess.run(["dtc", "-q", "-f", "-I", "dts", "-O", "dtb", "-o", f"{base}.dtb", "-"], check=True,
                   input=source[:start] + edit(source[start:end]) + source[end:], text=True)
    options = setup.with_fdt(f"{base}.dtb", memory)
    options["extra"] = [*options["extra"], *EDU]
    return boot(memory=memory, **options)


# Nodes that say what a function on the bus, or a device behind its transport, would be called.
FUNCTIONS = ('"virtio,pci-iommu", "pci1af4,1057"', '"pci1af4,1041"', '"pci1234,11e8"', '"virtio,device2"',
             '"virtio,device4"')


def test_nodes_of_functions(boot, setup, subresults):
    """Firmware writes nodes for functions too: drivers of a bus are not offered them, and the bus is searched as ever."""
    board = boot_with_node(boot, setup, "functions", "1G", lambda node: node + "".join(
        f"named@{n} {{ compatible = {name}; reg = <{n << 11} 0 0 0 0>; }};" for n, name in enumerate(FUNCTIONS, 1)))
    assert "named@" not in board.expect_prompt()
    assert not [line for line in board.lines("devices") if "named@" in line]
    run(board, subresults, "edu", skipped=DMA)
    shut_down(board)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_node(boot, setup, subresults, name):
    pattern, replacement, line = BROKEN[name]

    def edit(node):
        node, count = re.subn(pattern, replacement, node, count=1, flags=re.S)
        assert count == 1
        return node

    board = boot_with_node(boot, setup, name, "128M", edit)
    log = board.expect_prompt()
    assert len(re.findall(line, log)) == 1, log
    if "interrupt" in name:  # it works without
        assert board.lines("edu mask 32") == ["edu: 32 address bits"]
        run(board, subresults, "edu", skipped=FAR | {"edu.interrupts", "edu.interrupt_for_ever"})
    else:
        assert board.lines("pci") == ["pci: this board has no host bridge that a driver knows"]


# Windows of a host bridge with `dma-ranges`: first address, from the start of RAM, and size; what `edu mask`
# says then. Pages come from the end of RAM, and the search for others is bounded (drivers/dma/dma.h).
DMA_RANGES = {
    "end": (64 * MIB, 64 * MIB, "edu: 32 address bits"),
    "middle": (32 * MIB, 4 * MIB, "edu: 32 address bits"),
    "none": (-16 * MIB, 16 * MIB, "edu: no memory is within its reach now: I/O error"),
}


@pytest.mark.parametrize("name", DMA_RANGES)
def test_dma_ranges(boot, setup, subresults, name):
    """What a host bridge lets through is what the devices behind it reach."""
    offset, size, says = DMA_RANGES[name]
    base = setup.place(offset)
    board = boot_with_node(boot, setup, f"dma-{name}", "128M", lambda node: node + (
        f"dma-ranges = <0x2000000 0 {base:#x} 0 {base:#x} 0 {size:#x}>;"))
    board.expect_prompt()
    assert board.lines("edu mask 32") == [says]
    if name != "none":
        lines = board.lines("edu dma")
        page, seen = (int(word, 16) for word in re.findall(r"0x\w+", lines[0]))
        assert base <= seen < base + size and (page == seen) == ("bounced" not in lines[0])
        run(board, subresults, "edu.dma32")
    else:
        run(board, subresults, "edu", skipped=DMA)
        assert re.fullmatch(r"edu: no memory is within its reach of \d+ address bits: 'edu mask'|"
                            r"edu: to the device: .*", *board.lines("edu dma"))
    shut_down(board)


def test_not_coherent(boot, setup, subresults):
    """Devices that do not look into the CPU's caches: arm64 can do without; RISC-V here has no instructions for it."""
    board = boot_with_node(boot, setup, "not-coherent", "1G", lambda node: node.replace(
        "dma-coherent;", "dma-noncoherent;"))
    board.expect_prompt()
    works = setup.isa == "arm64"
    assert (board.lines("edu mask 32") == ["edu: 32 address bits"]) == works
    run(board, subresults, "edu", skipped=FAR if works else DMA)
    shut_down(board)

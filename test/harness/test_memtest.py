# SPDX-License-Identifier: BSD-2-Clause
"""
memtest on memory that is bad: the machine's RAM is a file, and while it runs, bits of that file are held at 0 or 1. Each is found and
no other, its page stays out of whatever follows, and the printed node keeps it out from the next start on.
"""
import mmap
import os
import re
import threading

import ktap
import parse
from board import MIB, Board

MEMORY = 64  # MiB; arm64's tree lies in the middle
# (offset in RAM, bit of that byte, the value it is held at)
FAULTS = [(0x2800ff8, 7, 0), (0x2804321, 4, 1), (0x2c00000, 0, 0), (0x2c00fff, 7, 1), (0x2f00abc, 2, 0)]


class BadMemory:
    """A file that backs RAM, in which some bits are held, as fast as this thread can."""

    def __init__(self, path, faults):
        with open(path, "wb") as image:
            image.truncate(MEMORY * MIB)
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), MEMORY * MIB)
        self.faults = [(offset, 1 << bit, value) for offset, bit, value in faults]
        self.going = True
        self.thread = threading.Thread(target=self.hold)
        self.thread.start()

    def hold(self):
        while self.going:
            for _ in range(200):
                for offset, mask, value in self.faults:
                    byte = self.map[offset]
                    if bool(byte & mask) != bool(value):
                        self.map[offset] = byte ^ mask

    def close(self):
        self.going = False
        self.thread.join()
        self.map.close()
        self.file.close()


def start(setup, path):
    board = Board.__new__(Board)
    board.spawn([*setup.qemu(), "-m", f"{MEMORY}M", "-smp", "2", "-object",
                 f"memory-backend-file,id=ram,size={MEMORY}M,mem-path={path},share=on", "-machine", "memory-backend=ram",
                 "-kernel", str(setup.image), "-display", "none", "-monitor", "none",
                 "-chardev", "stdio,id=con,signal=off", "-serial", "chardev:con"])
    return board


def test_each_bad_bit_is_found(setup, subresults):
    faults = FAULTS
    path = setup.scratch / f"bad-{setup.isa}-{os.getpid()}.ram"
    memory = BadMemory(path, faults)
    board = start(setup, path)
    try:
        board.expect_prompt()
        before = parse.free_pages(parse.buddyinfo(board.lines("drain; buddyinfo")[1:]))
        base = setup.ram_base
        expected = {base + (offset & ~7): 1 << bit + 8 * (offset & 7) for offset, bit, _ in faults}
        pages, words = {base + (offset & ~0xfff) for offset, _, _ in faults}, {}
        for _ in range(8):  # a busy host lets go of a bit for longer than a pattern lasts: then it was none
            said = board.lines(f"memtest {base + 0x2800000:#x}-{base + 0x2ffffff:#x}", timeout=300)
            found = {int(m[1], 16): int(m[2], 16) for m in re.finditer(
                r"memtest: 0x([0-9a-f]+): bits 0x([0-9a-f]{16}) wrong", "\n".join(said))}
            assert found.items() <= expected.items() and not found.keys() & words.keys()
            assert not found or re.search(rf"s, {len(found)} bad words on {len({at >> 12 for at in found})} pages, which", said[-1])
            words |= found
            if words == expected:
                break
        assert words == expected
        memory.faults = []
        listed = board.lines("badpages")
        assert {int(line.split()[-1], 16) for line in listed if line.startswith("bad page ")} == pages
        nodes = {int(m[1], 16): [int(cell, 16) for cell in m[2].split()] for m in re.finditer(
            r"bad-memory@([0-9a-f]+) \{\s*reg = <(.*?)>;", "\n".join(listed))}
        assert all(cells == [0, at, 0, 0x1000] for at, cells in nodes.items()) and set(nodes) == pages
        assert board.lines("meminfo | grep HardwareCorrupted")[0].split()[1] == str(4 * len(pages))
        # and out they stay
        subresults([(r.name, r.passed, r.text) for r in ktap.check(board.cmd("test coalesce", timeout=300))])
        assert "0 mismatches, buddyinfo as before" in board.cmd("stress ops=20000", timeout=300)
        for page in pages:
            assert "bad memory, never handed out" in board.lines(f"page {page:#x}")[1]
            assert "is bad memory" in board.lines(f"free {page:#x}")[0]
        assert parse.free_pages(parse.buddyinfo(board.lines("drain; buddyinfo")[1:])) == before - len(pages)
        assert "no bad words" in board.lines(f"memtest {base + 0x2800000:#x}-{base + 0x28fffff:#x}", timeout=300)[-1]
        good = base + 0x3100000
        assert board.lines(f"soft_offline {good:#x}") == [f"soft_offline: page {good:#x} is kept out"]
        assert "kept out already" in board.lines(f"soft_offline {good + 5:#x}")[0]
        assert "reserved" in board.lines(f"soft_offline {setup.load:#x}")[0] and "no such" in board.lines("soft_offline 0x1000")[0]
        taken = board.lines("alloc 0")[0].split()[0]
        assert "is in use" in board.lines(f"soft_offline {taken}")[0]
        board.lines(f"free {taken}")
        board.send("memtest seconds=100\r")
        board.expect("Ctrl-C ends it")
        board.send("\x03")
        assert "stopped by Ctrl-C" in board.expect_prompt()
    finally:
        board.close()
        memory.close()
        path.unlink()


def test_memory_by_hand(console, setup):
    """U-Boot's md, mw, cmp and crc32; what traps is said, and the console goes on."""
    at = int(console.lines("alloc 0")[0].split()[0], 16)
    assert console.lines(f"mw.q {at:x} 1122334455667788 2") == []
    assert console.lines(f"md.q {at:x} 2") == [f"{at:08x}: 1122334455667788 1122334455667788    .wfUD3\"..wfUD3\"."]
    assert console.lines(f"md.b 0x{at:x} 3") == [f"{at:08x}: 88 77 66" + " " * 39 + "    .wf"]
    assert console.lines(f"md.w {at:x} 9")[1].startswith(f"{at + 16:08x}: ")
    assert console.lines(f"mw.b {at + 9:x} 0") == []
    assert console.lines(f"cmp.b {at:x} {at + 8:x} 8") == [
        f"byte at {at + 1:#x} (0x77) != byte at {at + 9:#x} (0x0)", "Total of 1 byte(s) were the same"]
    assert console.lines(f"cmp {at:x} {at:x} 4") == ["Total of 4 word(s) were the same"]
    console.lines(f"mw.l {at:x} 34333231 1; mw.l {at + 4:x} 38373635; mw.b {at + 8:x} 39")
    assert console.lines(f"crc32 {at:x} 9 {at + 16:x}") == [f"crc32 for {at:08x} ... {at + 8:08x} ==> cbf43926"]
    assert console.lines(f"md.l {at + 16:x} 1")[0].split()[1] == "cbf43926"
    for line in ("md 8", "mw 8 0", "cmp 8 8 1", "crc32 8 1", f"mw.l {setup.load:x} 0"):
        assert len(console.lines(line)) == 1 and re.search("cannot be (read|written)", console.lines(line)[0]), line
    for line in ("md.x 0", "md zz", "mw", "cmp 1 2", "crc32 0", f"md.l {at + 1:x}", f"mw.b {at:x} 100", "md 0x", "alloc.b 0"):
        assert len(console.lines(line)) == 1, line
    console.lines(f"free {at:#x}")

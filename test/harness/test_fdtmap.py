# SPDX-License-Identifier: BSD-2-Clause
"""build/host/fdtmap, and so the firmware's early device-tree code, against trees made by dtc.

Each test/host/boot/dts/*.dts says in `// expect:` lines what fdtmap prints, in `// log:` lines what it
says on stderr besides, and in an `// error:` line why it fails. Independently of that, every map
is compared with one worked out here, from the same blob, by a reader that shares no code with it.
"""

import re
import struct
import subprocess
from pathlib import Path

import pytest

import consoles

ROOT = Path(__file__).resolve().parents[2]
FDTMAP = ROOT / "build" / "host" / "fdtmap"
TREES = sorted((ROOT / "test" / "host" / "boot" / "dts").glob("*.dts"))
PAGE = 4096
PHYS_LIMIT = 1 << 52
REGION_BYTES = 24


def dtc(source, blob):
    """Compile a tree; `source` is a path or the text itself."""
    text = source.read_text() if isinstance(source, Path) else source
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", blob, "-"], input=text, text=True,
                   check=True, stderr=subprocess.DEVNULL)
    return blob


def fdtmap(blob):
    return subprocess.run([FDTMAP, blob], capture_output=True, text=True, timeout=60)


def regions(output):
    """What fdtmap printed, as (type, base, end, flags)."""
    out = []
    for line in output.splitlines():
        m = re.fullmatch(r"(memory|reserved) 0x([0-9a-f]+) 0x([0-9a-f]+) (-|[a-z,]+)", line)
        assert m, f"not a region: {line!r}"
        out.append((m[1], int(m[2], 16), int(m[3], 16), m[4]))
    return out


# ---- the oracle ----


class Node:
    def __init__(self, name):
        self.name, self.props, self.children = name, {}, []

    def child(self, name):
        return next((c for c in self.children if c.name == name), None)

    def okay(self):
        return self.props.get("status", b"okay\0") in (b"okay\0", b"ok\0")

    def cells(self):
        one = lambda name, default: (  # noqa: E731
            int.from_bytes(self.props[name], "big") if name in self.props else default)
        return one("#address-cells", 2), one("#size-cells", 1)


def read_tree(blob):
    """The root node and the memory reservations of a blob (devicetree specification, chapter 5)."""
    head = struct.unpack(">10I", blob[:40])
    at, strings, rsv = head[2], head[3], head[4]
    reserve = []
    while True:
        base, size = struct.unpack_from(">QQ", blob, rsv)
        if size == 0:
            break
        reserve.append((base, size))
        rsv += 16
    stack = [Node(None)]
    while True:
        (tag,) = struct.unpack_from(">I", blob, at)
        at += 4
        if tag == 1:
            end = blob.index(b"\0", at)
            node = Node(blob[at:end].decode())
            stack[-1].children.append(node)
            stack.append(node)
            at = (end + 4) & ~3
        elif tag == 2:
            stack.pop()
        elif tag == 3:
            length, name = struct.unpack_from(">II", blob, at)
            name = blob[strings + name:blob.index(b"\0", strings + name)].decode()
            stack[-1].props[name] = blob[at + 8:at + 8 + length]
            at = (at + 8 + length + 3) & ~3
        elif tag == 9:
            return stack[0].children[0], reserve


def pairs(data, cells):
    """The whole pairs of a list; what is left after them is nothing."""
    a, s = 4 * cells[0], 4 * cells[1]
    for i in range(0, len(data) - len(data) % (a + s), a + s):
        yield int.from_bytes(data[i:i + a], "big"), int.from_bytes(data[i + a:i + a + s], "big")


def clip(base, size):
    return min(base, PHYS_LIMIT), min(base + size, PHYS_LIMIT)


def oracle(blob):
    """Spans of memory, hotpluggable memory, no-map and static reservations, rounded to pages."""
    root, reserve = read_tree(blob)
    chosen = root.child("chosen") or Node("chosen")
    spans = {"memory": [], "hotplug": [], "nomap": [], "reserved": []}
    usable = [(0, PHYS_LIMIT)]
    if "linux,usable-memory-range" in chosen.props:
        usable = [clip(*p) for p in pairs(chosen.props["linux,usable-memory-range"], root.cells())]
    for node in root.children:
        named = node.name.split("@")[0] == "memory" and "compatible" not in node.props
        if node.props.get("device_type", b"memory\0" if named else b"") != b"memory\0":
            continue
        reg = node.props.get("linux,usable-memory", node.props.get("reg", b""))
        for base, size in pairs(reg, root.cells()) if node.okay() else ():
            for low, high in usable:
                span = max(clip(base, size)[0], low), min(clip(base, size)[1], high)
                spans["memory"].append(span)
                if "hotpluggable" in node.props:
                    spans["hotplug"].append(span)
    spans["reserved"] += [clip(*p) for p in reserve]
    parent = root.child("reserved-memory")
    readable = parent and all(1 <= n <= 4 for n in parent.cells())
    for node in parent.children if readable else ():
        reg = node.props.get("reg", b"")
        if not node.okay() or len(reg) % (4 * sum(parent.cells())):
            continue
        for p in pairs(reg, parent.cells()):
            spans["reserved"].append(clip(*p))
            if "no-map" in node.props:
                spans["nomap"].append(clip(*p))
    initrd = [chosen.props.get(f"linux,initrd-{e}", b"") for e in ("start", "end")]
    if all(len(value) in (4, 8, 12, 16) for value in initrd):
        initrd = [int.from_bytes(value, "big") for value in initrd]
        if initrd[0] < initrd[1]:
            spans["reserved"].append(tuple(initrd))
    for name in ("linux,elfcorehdr", "linux,ima-kexec-buffer"):
        spans["reserved"] += [clip(*p) for p in pairs(chosen.props.get(name, b""), root.cells())][:1]
    out = {}
    for kind, list_of in spans.items():
        inward = kind in ("memory", "hotplug")
        out[kind] = union(list_of if inward else [
            (low // PAGE * PAGE, -(-high // PAGE) * PAGE) for low, high in list_of if low < high])
        if inward:
            out[kind] = [(-(-low // PAGE) * PAGE, high // PAGE * PAGE) for low, high in out[kind]]
            out[kind] = [(low, high) for low, high in out[kind] if low < high]
    return out


def union(spans):
    out = []
    for low, high in sorted(s for s in spans if s[0] < s[1]):
        if out and low <= out[-1][1]:
            out[-1] = out[-1][0], max(out[-1][1], high)
        else:
            out.append((low, high))
    return out


def intersect(one, other):
    return union([(max(a, c), min(b, d)) for a, b in one for c, d in other])


def check_against_oracle(printed, blob, extra=()):
    """`extra` spans are reserved that no static reservation asks for."""
    want = oracle(Path(blob).read_bytes())
    spans = lambda kind, flag="": union(  # noqa: E731
        [(b, e) for k, b, e, f in printed if k == kind and flag in f])
    assert spans("memory") == want["memory"]
    assert spans("memory", "hotplug") == want["hotplug"]
    assert spans("reserved") == union(want["reserved"] + list(extra))
    nomap = intersect(want["memory"], want["nomap"])
    placed = [(b, e) for b, e in extra if intersect([(b, e)], spans("memory", "nomap"))]
    assert spans("memory", "nomap") == union(nomap + placed)


# ---- the trees in test/host/boot/dts ----


@pytest.mark.parametrize("tree", TREES, ids=lambda path: path.stem)
def test_tree(tree, tmp_path):
    said = re.findall(r"^// (expect|log|error): (.*)$", tree.read_text(), re.M)
    want = {kind: [text for k, text in said if k == kind] for kind in ("expect", "log", "error")}
    assert said, "the tree says nothing about what it is to give"
    blob = dtc(tree, tmp_path / "tree.dtb")
    run = fdtmap(blob)
    lines = run.stderr.splitlines()

    assert run.stdout.splitlines() == want["expect"]
    assert run.returncode == (1 if want["error"] else 0)
    assert all(line.startswith(f"fdtmap: {blob}: ") for line in lines)
    lines = [line.split(": ", 2)[2] for line in lines]
    if want["error"]:
        assert lines[-1].startswith(want["error"][0])
        lines.pop()
    # Every line is expected, and every expected line is there.
    assert sorted(lines) == sorted(want["log"])
    if not want["error"]:
        placed = re.findall(r"0x([0-9a-f]+) bytes placed at 0x([0-9a-f]+)", run.stderr)
        extra = [(int(at, 16), int(at, 16) + int(size, 16)) for size, at in placed]
        check_against_oracle(regions(run.stdout), blob, extra)


def test_every_kind_of_tree_is_there():
    assert len(TREES) >= 30
    assert sum("// error:" in tree.read_text() for tree in TREES) >= 8
    assert sum("// log:" in tree.read_text() for tree in TREES) >= 20


# ---- more regions than the static arrays hold ----


def many(banks=(), reserved=(), nomap=False, memreserve=()):
    pair = lambda base, size: (  # noqa: E731
        f"<{base >> 32:#x} {base & 0xffffffff:#x} {size >> 32:#x} {size & 0xffffffff:#x}>")
    text = "/dts-v1/;\n"
    text += "".join(f"/memreserve/ {base:#x} {size:#x};\n" for base, size in memreserve)
    text += "/ { #address-cells = <2>; #size-cells = <2>;\n"
    text += "memory@0 { device_type = \"memory\"; reg = %s; };\n" % ", ".join(
        pair(*b) for b in banks)
    text += "reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;\n"
    for base, size in reserved:
        text += f"r@{base:x} {{ {'no-map; ' if nomap else ''}reg = {pair(base, size)}; }};\n"
    return text + "}; };\n"


def array(regions_needed):
    """Bytes of the array that holds so many regions: 128, doubled as often as needed."""
    room = 128
    while room < regions_needed:
        room *= 2
    return -(-room * REGION_BYTES // PAGE) * PAGE if room > 128 else 0


MANY = {
    "banks": dict(banks=[(0x80000000 + i * 0x200000, 0x100000) for i in range(300)]),
    "tiny-banks": dict(  # only the last could hold an array
        banks=[(0x80000000 + i * 0x2000, 0x1000) for i in range(200)] + [(0x90000000, 0x100000)]),
    "reserved": dict(banks=[(0x80000000, 0x10000000)],
                     reserved=[(0x80000000 + i * 0x2000, 0x1000) for i in range(300)]),
    "nomap": dict(banks=[(0x80000000, 0x10000000)], nomap=True,
                  reserved=[(0x80000000 + i * 0x2000, 0x1000) for i in range(200)]),
    "memreserve": dict(banks=[(0x80000000, 0x10000000)],
                       memreserve=[(0x80000000 + i * 0x4000, 0x1000) for i in range(1000)]),
    "top-reserved": dict(  # the place an array would take is reserved by the very last entry
        banks=[(0x80000000, 0x10000000)],
        reserved=[(0x80000000 + i * 0x2000, 0x1000) for i in range(250)] +
        [(0x88000000, 0x8000000)]),
    "all-of-them": dict(
        banks=[(0x80000000 + i * 0x200000, 0x100000) for i in range(500)], nomap=True,
        reserved=[(0x80000000 + i * 0x200000, 0x1000) for i in range(400)],
        memreserve=[(0x80080000 + i * 0x200000, 0x1000) for i in range(400)]),
    "descending": dict(
        banks=[(0x80000000 + i * 0x200000, 0x100000) for i in reversed(range(200))],
        reserved=[(0x80000000 + i * 0x200000, 0x1000) for i in reversed(range(200))]),
}


@pytest.mark.parametrize("name", MANY)
def test_many_regions(name, tmp_path):
    blob = dtc(many(**MANY[name]), tmp_path / "many.dtb")
    run = fdtmap(blob)
    assert (run.returncode, run.stderr) == (0, "")
    printed = regions(run.stdout)
    want = oracle(blob.read_bytes())

    # What is reserved beyond the tree is the arrays: in free memory, and of exactly their size.
    extra = []
    for kind, low, high, _ in printed:
        if kind != "reserved":
            continue
        at = low
        for a, b in want["reserved"] + [(high, high)]:
            if a > at and a <= high:
                extra.append((at, a))
            if low <= a <= high:
                at = max(at, b)
    extra = [(low, high) for low, high in extra if low < high]
    assert not intersect(extra, want["reserved"])
    assert not intersect(extra, want["nomap"])
    assert intersect(extra, want["memory"]) == union(extra)
    most = {kind: sum(k == kind for k, *_ in printed) for kind in ("memory", "reserved")}
    assert sum(high - low for low, high in extra) == array(most["memory"]) + array(
        most["reserved"])
    assert extra
    check_against_oracle(printed, blob, extra)


def test_more_regions_than_anyone_has(tmp_path):
    blob = dtc(many(banks=[(0x80000000, 0x10000000)],
                    memreserve=[(0x80000000 + i * 0x2000, 0x1000) for i in range(4097)]),
               tmp_path / "many.dtb")
    run = fdtmap(blob)
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr == f"fdtmap: {blob}: more than 4096 reservations: refused\n"


def test_no_room_for_the_arrays(tmp_path):
    blob = dtc(many(banks=[(0x80000000 + i * 0x2000, 0x1000) for i in range(200)]),
               tmp_path / "many.dtb")
    run = fdtmap(blob)
    assert run.returncode == 1
    # a page holds 170
    assert run.stderr == (f"fdtmap: {blob}: memory at 0x80154000: more than 128 regions, and no "
                          "free memory to list them in\n")


def test_too_many_dynamic(tmp_path):
    nodes = "".join(f"d{i} {{ size = <0x1000>; }};\n" for i in range(66))
    blob = dtc("/dts-v1/; / { #address-cells = <1>; #size-cells = <1>;\n"
               "memory { device_type = \"memory\"; reg = <0x80000000 0x10000000>; };\n"
               "reserved-memory { #address-cells = <1>; #size-cells = <1>; ranges;\n"
               f"{nodes} }}; }};", tmp_path / "many.dtb")
    run = fdtmap(blob)
    assert run.returncode == 0
    assert run.stdout.splitlines() == ["memory 0x80000000 0x90000000 -",
                                       "reserved 0x8ffc0000 0x90000000 -"]
    lines = [line.split(": ", 2)[2] for line in run.stderr.splitlines()]
    assert len(lines) == 23
    assert lines[:20] == [f"/reserved-memory/d{i}: 0x1000 bytes placed at {0x8ffff000 - i * 4096:#x}"
                          for i in range(20)]
    assert lines[20:22] == [f"/reserved-memory/d{i}: more than 64 dynamic reservations: not reserved"
                            for i in (64, 65)]
    assert lines[22] == "44 more dynamic reservations"


# ---- blobs that are damaged ----


def refused(blob, data, why):
    blob.write_bytes(data)
    run = fdtmap(blob)
    assert run.returncode == 1
    assert run.stdout == ""
    assert len(run.stderr.splitlines()) == 1
    assert re.fullmatch(rf"fdtmap: {re.escape(str(blob))}: {why}\n", run.stderr), run.stderr


@pytest.fixture
def good(tmp_path):
    return dtc(ROOT / "test" / "host" / "boot" / "dts" / "reserved-kinds.dts",
               tmp_path / "good.dtb").read_bytes()


def test_truncated(good, tmp_path):
    for size in (0, 1, 4, 35):
        refused(tmp_path / "b", good[:size],
                f"truncated device tree: {size} bytes cannot hold a header")
    for size in (36, 40, len(good) // 2, len(good) - 1):
        refused(tmp_path / "b", good[:size],
                f"truncated device tree: totalsize {len(good)}, but only {size} bytes")


def test_not_a_tree(good, tmp_path):
    refused(tmp_path / "b", b"\x7fELF" + good[4:],
            "not a device tree: magic 0x7f454c46, expected 0xd00dfeed")
    refused(tmp_path / "b", bytes(100), "not a device tree: magic 0x00000000, .*")
    refused(tmp_path / "b", b"\xed\xfe\x0d\xd0" + good[4:],
            "not a device tree: magic 0xedfe0dd0, .*")


def test_oversized(good, tmp_path):
    big = 2 * 1024 * 1024 + 1
    header = good[:4] + struct.pack(">I", big) + good[8:]
    refused(tmp_path / "b", header, f"oversized device tree: totalsize {big}, at most .* bytes")
    refused(tmp_path / "b", header + bytes(big), "oversized device tree: .*")
    # Exactly at the limit is fine: the rest is padding.
    (tmp_path / "b").write_bytes(
        good[:4] + struct.pack(">I", big - 1) + good[8:] + bytes(big - 1 - len(good)))
    assert fdtmap(tmp_path / "b").returncode == 0


def patched(data, at, value):
    return data[:at] + struct.pack(">I", value) + data[at + 4:]


def test_bad_header(good, tmp_path):
    blob = tmp_path / "b"
    bad = r"corrupt device tree: bad header \(FDT_ERR_[A-Z]+\)"
    refused(blob, patched(good, 4, 39), bad)
    for at, value in ((8, len(good) + 4), (8, 0xfffffff0), (12, 0), (12, 0xffffffff),
                      (16, 0xfffffff8), (20, 1), (24, 18), (32, 0xffffffff), (36, len(good))):
        refused(blob, patched(good, at, value), bad)
    refused(blob, patched(good, 16, 44), "corrupt device tree: a block is misaligned")
    refused(blob, patched(good, 8, struct.unpack_from(">I", good, 8)[0] + 2),
            r"corrupt device tree: (a block is misaligned|bad header .*)")
    # The reservation block runs on to the end of the blob.
    start, size = struct.unpack_from(">I", good, 16)[0], len(good)
    refused(blob, good[:start] + b"\1" * (size - start),
            r"corrupt device tree: the memory reservation block does not end")


def test_bad_structure(good, tmp_path):
    blob = tmp_path / "b"
    start, length = struct.unpack_from(">I", good, 8)[0], struct.unpack_from(">I", good, 36)[0]
    end = start + length - 4
    at = lambda text: f"corrupt device tree: {text} at structure offset 0x[0-9a-f]+"  # noqa: E731
    refused(blob, patched(good, start, 0x12345678), at("a bad tag or length"))
    refused(blob, patched(good, end, 4), at("the structure block ends early"))
    refused(blob, patched(good, end - 4, 4), at("the tree ends inside a node"))
    refused(blob, patched(good, start, 4), at("a bad tag or length"))
    refused(blob, patched(patched(good, start, 4), start + 4, 4), at("a property out of place"))
    refused(blob, patched(good, end, 2), at("a node ends that never began"))
    # The first property of the root: length, name.
    assert struct.unpack_from(">I", good, start + 8)[0] == 3
    refused(blob, patched(good, start + 12, 0x7fffffff), at("a bad tag or length"))
    refused(blob, patched(good, start + 12, 0xfffffffc), at("a bad tag or length"))
    refused(blob, patched(good, start + 16, 0x00ffffff), at("a property without a name"))
    # A property where the root could only end: after its last subnode.
    tail = struct.pack(">6I", 2, 3, 0, 0, 2, 9)
    longer = good[:end - 8] + tail + good[end + 4:]
    grown = len(longer) - len(good)
    for field in (4, 12, 36):
        longer = patched(longer, field, struct.unpack_from(">I", good, field)[0] + grown)
    refused(blob, longer, at("a property out of place"))
    # A second root.
    tail = struct.pack(">6I", 2, 2, 1, 0, 2, 9)
    longer = good[:end - 8] + tail + good[end + 4:]
    for field in (4, 12, 36):
        longer = patched(longer, field, struct.unpack_from(">I", good, field)[0] + grown)
    refused(blob, longer, at("a second root node"))


def test_no_file(tmp_path):
    run = fdtmap(tmp_path / "none.dtb")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == f"fdtmap: {tmp_path}/none.dtb: cannot open the file\n"
    run = subprocess.run([FDTMAP], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (2, "usage: fdtmap [--console] FILE.dtb\n")


# ---- the console ----


def console(blob):
    return subprocess.run([FDTMAP, "--console", blob], capture_output=True, text=True, timeout=60)


UARTS = """/dts-v1/; / { #address-cells = <1>; #size-cells = <1>;
chosen { %s };
soc { #address-cells = <1>; #size-cells = <1>; ranges = <0 0x10000000 0x1000000>;
a: serial@1000 { compatible = "acme,uart"; reg = <0x1000 0x100>; };
b: serial@2000 { compatible = "acme,uart2", "snps,dw-apb-uart"; reg = <0x2000 0x100>; reg-shift = <2>; reg-io-width = <4>; };
c: serial@3000 { compatible = "snps,dw-apb-uart"; reg = <0x3000 0x10>; reg-shift = <2>; };
d: serial@4000 { compatible = "arm,pl011"; reg = <0x4000 0x1000>; };
}; htif { compatible = "ucb,htif0"; }; };
"""


@pytest.mark.parametrize("chosen,said", [
    ('stdout-path = "/soc/serial@2000:115200n8";', "dw-apb-uart 0x10002000 /soc/serial@2000"),
    ('stdout-path = "/soc/serial@4000";', "pl011 0x10004000 /soc/serial@4000"),
    ('linux,stdout-path = "/soc/serial@4000";', "pl011 0x10004000 /soc/serial@4000"),
    ('stdout-path = "/htif";', "sbi - /htif"),
    ("", "dw-apb-uart 0x10002000 /soc/serial@2000"),
    ('stdout-path = "/soc/serial@1000";',
     'no console: /soc/serial@1000: no UART that is known (compatible "acme,uart")'),
    ('stdout-path = "/soc/serial@3000";',
     'no console: /soc/serial@3000: its registers cannot lie as it says (compatible "snps,dw-apb-uart")')])
def test_console(chosen, said, tmp_path):
    blob = dtc(UARTS % chosen, tmp_path / "uarts.dtb")
    run = console(blob)
    wrong = said.startswith("no console")
    assert run.returncode == wrong
    assert (run.stdout, run.stderr) == (("", f"fdtmap: {blob}: {said}\n") if wrong else (said + "\n", ""))


def test_console_of_a_tree_without(tmp_path):
    blob = dtc("/dts-v1/; / { };", tmp_path / "none.dtb")
    run = console(blob)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == f"fdtmap: {blob}: no console: stdout-path and serial0 name none, and no UART is enabled that is known\n"
    (tmp_path / "bad").write_bytes(bytes(100))
    assert console(tmp_path / "bad").returncode == 1


# UARTs that nothing here knows: a mailbox to another processor, and one whose bits mean what firmware has chosen.
UNKNOWN = {"nvidia,tegra194-tcu", "nvidia,tegra234-tcu", "nxp,s32g2-linflexuart", "nxp,s32g3-linflexuart", "fsl,s32v234-linflexuart"}


def test_trees_of_linux_that_do_not_compile(tmp_path):
    """The tools are looked for first; and where not one tree compiles, the next make tries again."""
    said = subprocess.run(["make", "-n", "linux-dtbs", f"LINUX_DTS_DIR={tmp_path}"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert re.search(r"LINUX_DTS='linux-dtbs'[^;]*mk/deps\.sh check build +tree\b", said.stdout), said.stdout
    source = tmp_path / "arch/arm64/boot/dts/vendor/board.dts"
    source.parent.mkdir(parents=True)
    (tmp_path / "arch/riscv/boot/dts").mkdir(parents=True)
    (tmp_path / ".unpacked").touch()
    for text, good in (("no tree\n", False), ("/dts-v1/; / { };\n", True)):
        source.write_text(text)
        done = subprocess.run(["make", "-s", "linux-dtbs", f"LINUX_DTS_DIR={tmp_path}"], cwd=ROOT, check=False, capture_output=True, text=True)
        assert (done.returncode == 0, (tmp_path / "dtb/.compiled").exists()) == (good, good), done
        assert ("not one of them compiled" in done.stderr) != good, done.stderr


def test_consoles_of_linux():
    """Of all arm64 and riscv64 trees of Linux 95 % and more name a UART that is known; `make consoles` lists them."""
    subprocess.run(["make", "-s", "linux-dtbs"], cwd=ROOT, check=True, capture_output=True)
    found = consoles.survey(FDTMAP, ROOT / "build/third_party/linux-dts/dtb")
    why_not = {tree: why for tree, (kind, why) in found.items() if not kind}
    assert len(found) > 700
    assert len(why_not) <= 0.05 * len(found), why_not
    unknown = {tree: re.search(r'compatible "(.*)"', why)[1] for tree, why in why_not.items() if "no UART that is" in why}
    assert sorted(name for name in unknown.items() if name[1] not in UNKNOWN) == []

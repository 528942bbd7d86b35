# SPDX-License-Identifier: BSD-2-Clause
"""
`make new-board`: what it says of a tree is what a board that has it binds, and the folder that it writes starts.
"""
import os
import re
import shutil
import subprocess
import sys

import pytest

import boards
from board import ROOT
from test_fdtmap import FDTMAP, dtc

sys.path.insert(0, str(ROOT / "mk"))
import new_board  # noqa: E402  pylint: disable=wrong-import-position

TREE = """/dts-v1/;
/ { #address-cells = <1>; #size-cells = <1>; model = "Acme A1"; compatible = "acme,a1";
  chosen { stdout-path = "/soc/serial@2000"; };
  cpus { #address-cells = <1>; #size-cells = <0>;
    cpu@0 { device_type = "cpu"; compatible = "arm,cortex-a53"; reg = <0>; enable-method = "spin-table"; };
    cpu@1 { device_type = "cpu"; compatible = "arm,cortex-a53"; reg = <1>; enable-method = "spin-table"; };
  };
  memory@40000000 { device_type = "memory"; reg = <0x40000000 0x8000000>; };
  soc { #address-cells = <1>; #size-cells = <1>; compatible = "simple-bus"; ranges;
    interrupt-controller@1000 { compatible = "acme,intc"; interrupt-controller; #interrupt-cells = <1>; reg = <0x1000 0x1000>; };
    serial@2000 { compatible = "acme,uart", "arm,pl011"; reg = <0x2000 0x1000>; };
    serial@3000 { compatible = "arm,pl011"; reg = <0x3000 0x1000>; status = "disabled"; };
    serial@6000 { compatible = "cdns,uart-r1p8"; reg = <0x6000 0x1000>; };
    gpio@7000 { compatible = "arm,pl061", "arm,primecell"; reg = <0x7000 0x1000>; };
    interrupt-controller@8000 { compatible = "riscv,plic0"; interrupt-controller; #interrupt-cells = <1>; reg = <0x8000 0x1000>; };
    dma@4000 { compatible = "acme,dma"; reg = <0x4000 0x1000>; };
    dma@5000 { compatible = "acme,dma"; reg = <0x5000 0x1000>; };
  };
};
"""
REPORT = """Acme A1 (acme,a1), arm64
memory:
    memory 0x40000000 0x48000000 -
console:
    pl011 0x2000 /soc/serial@2000
CPUs: 1 of 2, spin-table without cpu-release-addr; known: PSCI, spin-table, or entry at EL3
timer: none; known: arm,armv8-timer, arm,armv7-timer
power: nothing that switches it off is known
supported, and by which driver:
    pl011          /soc/serial@2000
UARTs that are known, and not used because they are not the console:
    /soc/serial@6000
no driver for these interrupt controllers; what interrupts through them is polled, or has no driver that can:
    acme,intc                    /soc/interrupt-controller@1000
    riscv,plic0                  /soc/interrupt-controller@8000
no driver, and left alone:
      2 x acme,dma
      1 x arm,pl061
"""


@pytest.fixture(scope="module", autouse=True)
def tool():
    """What make builds first says so, which is no complaint."""
    boards.build("fdtmap")


@pytest.fixture
def name():
    """A board that is gone after the test."""
    board = f"new-board-{os.getpid()}"
    yield board
    shutil.rmtree(ROOT / "boards" / board, ignore_errors=True)


@pytest.mark.parametrize("given", boards.WITH_TREES)
def test_supported_is_what_the_board_binds(given, request):
    machine = boards.Machine(given)
    if not machine.emulated() or not machine.image().exists():
        pytest.skip(f"{given} cannot be started here")
    board = machine.start()
    try:
        board.expect_prompt()
        lines = [line.split() for line in boards.typed(board, "devices")]
    finally:
        board.close()
        request.node.add_report_section("call", "console", board.transcript.getvalue()[-5000:])
    bound = {line[-1] for line in lines if len(line) > 3 and line[-1].startswith("/")}
    blob = ROOT / machine.known["DTB"]
    nodes, consoles = new_board.read_tree(blob.read_bytes()), new_board.fdtmap(FDTMAP, "--console", blob)
    isa = new_board.isa_of(nodes)
    others = boards.make_variables(given, *(f"DRIVERS_{other}" for other in new_board.QEMU if other != isa)).values()
    known = new_board.drivers_of(isa, " ".join(others).split())
    said = {node.path for node, _ in new_board.supported(nodes, known, new_board.path_of(consoles))}
    # what is in no tree, or no device there: firmware's services and the CPU's timer
    assert said == {path for path in bound if path not in ("/", "/psci", "/timer") and not path.startswith("/cpus/")}


def test_report_and_folder(name, tmp_path):
    blob = dtc(TREE, tmp_path / "a1.dtb")
    said = boards.build("new-board", f"DTB={blob}", f"NAME={name}")
    assert said == REPORT + f"wrote boards/{name}: README.md, board.mk, {name}.dts\n"
    known = boards.make_variables(name, "ISA", "QEMU", "RAM_LOAD", "DTB", "OUT")
    assert (known["ISA"], known["QEMU"], known["RAM_LOAD"]) == ("arm64", "", "0x40200000")
    assert boards.build("dtb", f"BOARD={name}").endswith(f"{name}.dtb\n")
    assert (ROOT / known["DTB"]).read_bytes() == blob.read_bytes()
    assert all(f"    {line}\n" in (ROOT / "boards" / name / "README.md").read_text() for line in REPORT.splitlines())


LOOK = ["/usr/bin/python3", "mk/new_board.py", f"--fdtmap={FDTMAP}"]  # what make runs


def board_files():
    """Without the folders of cases that run at the same time."""
    return sorted(path for path in (ROOT / "boards").rglob("*") if "boards/new-board-" not in str(path))


def refused(command, *arguments):
    """The one line that says why, and nothing is written; make's own line that it failed is not counted."""
    with boards.alone():
        before = board_files()
        run = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        assert run.returncode and not run.stdout and board_files() == before
    said = [line for line in run.stderr.splitlines() if not re.match(r"make(\[\d+\])?: \*\*\* \[", line)]
    assert len(said) == 1, run.stderr
    return said[0]


SHAKTI = "DTS=boards/shakti-c/shakti-c.dts"


@pytest.mark.parametrize("arguments,said", [
    ([], "which tree?"),
    (["DTB=nowhere.dtb"], "there is no file 'nowhere.dtb'"),
    (["DTB=two words.dtb"], "a device tree's path may have no blanks"),
    (["DTB=README.md"], "not a device tree: magic"),
    (["DTB=docs/../test"], "cannot read the file"),
    ([SHAKTI, "NAME=spike"], "boards/spike is there already"),
    ([SHAKTI, "NAME=../up"], "NAME=../up is no name of a folder"),
    ([SHAKTI, "NAME=/tmp/up"], "is no name of a folder"),
    ([SHAKTI, "NAME=.."], "is no name of a folder"),
    ([SHAKTI, "NAME=-x"], "is no name of a folder"),
    ([SHAKTI, "NAME=it's"], "is no name of a folder"),
    ([SHAKTI, "NAME=two words"], "is no name of a folder"),
    ([SHAKTI, "NAME=$(shell echo up)"], "NAME=$(shell echo up) is no name of a folder"),
    ([SHAKTI, "NAME=zzz", "MACHINE=virt; true"], "is no machine of QEMU's"),
])
def test_what_cannot_be_is_one_line(arguments, said):
    assert said in refused(["make", "-s", "new-board"], *arguments)


def odd(change):
    """The tree, changed; change: what is replaced by what, or a function of its bytes."""
    def made(path):
        blob = dtc(TREE if callable(change) else TREE.replace(*change), path)
        if callable(change):
            blob.write_bytes(change(blob.read_bytes()))
        return blob
    return made


def at_structure(blob, offset, word):
    """A word of the structure block replaced."""
    start = int.from_bytes(blob[8:12], "big") + offset
    return blob[:start] + word.to_bytes(4, "big") + blob[start + 4:]


@pytest.mark.parametrize("change,said", [
    (lambda blob: b"", "truncated device tree: 0 bytes"),
    (lambda blob: blob[:16], "truncated device tree: 16 bytes"),
    (lambda blob: blob[:300], "truncated device tree: totalsize"),
    (lambda blob: blob[:8] + b"\x7f\xff\xff\xff" + blob[12:], "corrupt device tree: bad header"),
    (lambda blob: at_structure(blob, 0, 2), "corrupt device tree: a node ends that never began"),
    (lambda blob: at_structure(blob, 0, 3), "corrupt device tree: a property out of place"),
    (lambda blob: at_structure(blob, 0, 9), "corrupt device tree: the tree ends inside a node"),
    (("arm,cortex-a53", "arm,cortex-a9"), "its CPUs are neither riscv64 nor arm64"),
    (('device_type = "cpu";', ""), "it names no CPU"),
])
def test_tree_that_cannot_be_used_is_one_line(change, said, tmp_path):
    blob = odd(change)(tmp_path / "odd.dtb")
    assert f"new-board: {blob}: {said}" in refused(LOOK, str(blob), "--name=zzz")


@pytest.mark.parametrize("change,said", [
    (('chosen { stdout-path = "/soc/serial@2000"; };', ""), ["console:", "    pl011 0x2000 /soc/serial@2000"]),
    (("compatible = \"acme,uart\", \"arm,pl011\"; reg", 'compatible = "acme,uart"; reg'),
     ["console:", "    ! no console: /soc/serial@2000: no UART that is known (compatible \"acme,uart\")"]),
    (('device_type = "memory";', 'device_type = "memory"; status = "disabled";'),
     ["memory:", "    none: its loader has to fill it in", "    ! no usable memory: no enabled memory node has a reg with a size"]),
    (("#address-cells = <1>; #size-cells = <1>; model", "#address-cells = <9>; #size-cells = <1>; model"),
     ["memory:", "    none: its loader has to fill it in", "    ! /: #address-cells must be 1 to 4"]),
    (('"spin-table";', '"spin-table"; cpu-release-addr = <0 0xd8>;'), ["CPUs: 2 of 2, by spin-table"]),
    (('"spin-table";', '"acme,smp";'), ["CPUs: 1 of 2, enable-method acme,smp; known: PSCI, spin-table, or entry at EL3"]),
    (('enable-method = "spin-table";', ""), ["CPUs: 1 of 2, enable-method missing; known: PSCI, spin-table, or entry at EL3"]),
    (("  soc {", '  psci { compatible = "arm,psci-1.0"; method = "smc"; };\n  soc {'),
     ["CPUs: 1 of 2, spin-table without cpu-release-addr; known: PSCI, spin-table, or entry at EL3", "timer: none; known: arm,armv8-timer, arm,armv7-timer",
      "power: PSCI"]),
    (("  soc {", '  timer { compatible = "arm,armv7-timer"; };\n  soc {'), ["timer: arm,armv7-timer"]),
    (('"Acme A1"', '"Acme\\n$(shell touch zzz) A1"'), ["Acme?$(shell touch zzz) A1 (acme,a1), arm64"]),
])
def test_what_a_tree_lacks_is_said(change, said, tmp_path):
    blob = odd(change)(tmp_path / "odd.dtb")
    lines = subprocess.run([*LOOK, blob], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    start = lines.index(said[0])
    assert lines[start:start + len(said)] == said


def test_model_of_two_lines_is_a_comment_of_one(name, tmp_path):
    blob = odd(('"Acme A1"', '"Acme\\nISA := mips\\\\"'))(tmp_path / "odd.dtb")
    boards.build("new-board", f"DTB={blob}", f"NAME={name}")
    assert (ROOT / "boards" / name / "board.mk").read_text().splitlines()[1] == "# board: Acme?ISA := mips"
    assert boards.make_variables(name, "ISA")["ISA"] == "arm64"


def test_board_that_was_written_starts(name, tmp_path):
    """The tree of QEMU's virt machine: nothing is edited between new-board and the prompt."""
    machine = boards.Machine("qemu-virt-riscv64")
    if not machine.emulated() or not machine.image().exists():
        pytest.skip("no QEMU, or no image")
    blob = tmp_path / "virt.dtb"
    subprocess.run(["qemu-system-riscv64", "-M", f"virt,dumpdtb={blob}", "-m", "128M", "-display", "none"], check=True)
    boards.build("new-board", f"DTB={blob}", f"NAME={name}", "MACHINE=virt")
    board = boards.Machine(name).start()
    try:
        board.expect_prompt()
        assert any(line.startswith("MemTotal:") for line in board.cmd("meminfo").splitlines())
    finally:
        board.close()


def test_without_an_emulator_files_for_uboot(name, tmp_path):
    blob = dtc(TREE, tmp_path / "a1.dtb")
    boards.build("new-board", f"DTB={blob}", f"NAME={name}")
    out = boards.make_variables(name, "OUT")["OUT"]
    if not (ROOT / out / "quarry.bin").exists():
        pytest.skip("no image")
    boards.build("run", f"BOARD={name}", "CMD=meminfo; test")
    files = ROOT / out / f"sd-{name}"
    assert (files / "extlinux/extlinux.conf").read_text() == (
        f"default quarry\nlabel quarry\n\tlinux /Image\n\tfdt /{name}.dtb\n\tappend meminfo; test\n")
    assert (files / "Image").read_bytes() == (ROOT / out / "quarry.bin").read_bytes()
    assert (files / f"{name}.dtb").read_bytes() == blob.read_bytes()

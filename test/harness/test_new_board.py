# SPDX-License-Identifier: BSD-2-Clause
"""
`make new-board`: what it says of a tree is what a board that has it binds, and the folder that it writes starts.
"""
import os
import shutil
import subprocess
import sys

import pytest

import boards
from board import ROOT
from test_fdtmap import FDTMAP, dtc

sys.path.insert(0, str(ROOT / "mk"))
import new_board  # noqa: E402  pylint: disable=wrong-import-position

WITH_TREES = [name for name in boards.NAMES if boards.Machine(name).known["DTB"] and boards.Machine(name).known["QEMU"]]
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
CPUs: 1 of 2, enable-method is spin-table: only psci is known
timer: none; arm,armv8-timer is the one that is known
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


@pytest.fixture
def name():
    """A board that is gone after the test."""
    board = f"new-board-{os.getpid()}"
    yield board
    shutil.rmtree(ROOT / "boards" / board, ignore_errors=True)


@pytest.mark.parametrize("given", WITH_TREES)
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


@pytest.mark.parametrize("arguments,said", [
    ([], "which tree?"),
    (["DTB=README.md"], "it is no device tree blob"),
    (["DTS=boards/shakti-c/shakti-c.dts", "NAME=spike"], "boards/spike is there already"),
    (["DTS=boards/shakti-c/shakti-c.dts", "NAME=../up"], "is no name of a folder"),
])
def test_what_cannot_be_is_one_line(arguments, said):
    with pytest.raises(RuntimeError) as failed:
        boards.build("new-board", *arguments)
    assert said in str(failed.value) and "Traceback" not in str(failed.value)
    assert not (ROOT / "up").exists()


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

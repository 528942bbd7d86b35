# SPDX-License-Identifier: BSD-2-Clause
"""
Each board in boards/ comes to its prompt as `make run` starts it, with the console, CPUs and controllers that
docs/boards.md says: a row there is what boards.py saw.
"""
import subprocess

import pytest

import boards
from board import ROOT, make_variables

TABLE = ROOT / "docs/boards.md"


def table():
    """{board: cells} of the document."""
    lines = TABLE.read_text().splitlines()
    first = lines.index(boards.TITLE.splitlines()[0])
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[first + 2:] if line.startswith("|")]
    return {row[0]: row for row in cells}


def test_every_board_has_a_row():
    assert sorted(table()) == boards.NAMES


@pytest.mark.parametrize("name", boards.NAMES)
def test_board_is_data_and_a_readme(name):
    folder = ROOT / "boards" / name
    assert (folder / "README.md").read_text().startswith(f"# {name}\n")
    assert {path.suffix for path in folder.iterdir()} <= {".mk", ".md", ".dts", ".dtb", ".txt"}
    assert make_variables(name, "ISA")["ISA"] in ("riscv64", "arm64")


@pytest.mark.parametrize("name", boards.NAMES)
def test_board_comes_to_its_prompt(name, request):
    machine = boards.Machine(name)
    if not machine.emulated():
        pytest.skip(f"no QEMU for {name}")
    if not machine.image().exists():
        pytest.skip(f"{machine.image()} is not built")
    board = machine.start()
    try:
        board.expect_prompt()
        found = boards.row(machine, board)
        assert found == table()[name][:len(found)]
    finally:
        board.close()
        request.node.add_report_section("call", "console", board.transcript.getvalue().replace("\r", "")[-5000:])


@pytest.mark.parametrize("given,said", [
    (["DTS=a.dts", "DTB=b.dtb"], "which tree?"),
    (["BOARD=shakti-c", "LOAD=0x84000000"], "has no LOAD"),
])
def test_what_cannot_be_run_is_said(given, said):
    run = subprocess.run(["make", "-n", "run", *given], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode and said in run.stderr, run.stderr


@pytest.mark.parametrize("given,tree", [
    ("DTB=/dev/null", "/dev/null"),
    ("DTS=dts/qemu-virt-arm64-small.dts", "build/arm64/dtb/qemu-virt-arm64-small.dtb"),
])
def test_tree_of_the_command_line_goes_before_the_boards(given, tree):
    """And a blob that is given is never written: the board's own source is compiled to nowhere."""
    commands = boards.make("-n", "run", "BOARD=raspi3b", given)
    assert f" -dtb {tree} " in commands.splitlines()[-1]
    assert "bcm2837" not in commands

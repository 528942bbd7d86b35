# SPDX-License-Identifier: BSD-2-Clause
"""
Each board in boards/ comes to its prompt as `make run` starts it, with the console, CPUs and controllers that
docs/boards.md says, a row there being what boards.py saw; and one of each kind passes its suites and `stress`.
"""
import re
import subprocess

import pytest

import boards
import ktap
import variants
from board import ROOT, make_variables

TABLE = ROOT / "docs/boards.md"
# A kind is a console and an interrupt controller that no other has; the virt machines have their own tests, sbsa-ref test_el3.py.
KINDS = ("imx8mp-evk", "microchip-icicle-kit", "qemu-sifive-u", "raspi3b", "shakti-c", "spike", "xlnx-versal-virt", "xlnx-zcu102")


def sections():
    """{QEMU's version: {board or variant: cells}} of the document."""
    found = {}
    for section in re.split(r"^## ", TABLE.read_text(), flags=re.M)[1:]:
        heading, _, text = section.partition("\n")
        if heading.startswith("QEMU "):
            rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")]
            found[heading] = {row[0]: row for row in rows}
    return found


def test_every_board_and_variant_has_a_row():
    for heading, rows in sections().items():
        assert set(rows) - {"board", "variant"} == {*boards.EMULATED, *(one.name for one in variants.VARIANTS)}, heading
    assert len(sections()) == 2


def test_rows_go_under_the_heading_of_their_qemu():
    document = "# Boards\n\n## QEMU 7.2\n\n| a |\n\n## QEMU 10.0\n\n| b |\n"
    assert boards.with_section(document, "QEMU 7.2", "| c |\n") == document.replace("| a |", "| c |")
    assert boards.with_section(document, "QEMU 10.0", "| c |") == document.replace("| b |", "| c |")
    with pytest.raises(ValueError, match="'## QEMU 7'"):
        boards.with_section(document, "QEMU 7", "| c |\n")


def test_no_row_says_that_something_failed():
    """But what a QEMU has not: each board and variant is good on one of them at least."""
    good = set()
    for heading, rows in sections().items():
        for name, row in rows.items():
            if name in ("board", "variant"):
                continue
            assert boards.NO_QEMU in row or ("0 failed" in row and any(cell.startswith("good on ") for cell in row)), (heading, row)
            if boards.NO_QEMU not in row:
                good.add(name)
    assert good == {*boards.EMULATED, *(one.name for one in variants.VARIANTS)}


@pytest.mark.parametrize("name", boards.NAMES)
def test_board_is_data_and_a_readme(name):
    folder = ROOT / "boards" / name
    assert (folder / "README.md").read_text().startswith(f"# {name}\n")
    assert {path.suffix for path in folder.iterdir()} <= {".mk", ".md", ".dts", ".dtb", ".txt"}
    assert make_variables(name, "ISA")["ISA"] in ("riscv64", "arm64")


@pytest.fixture
def started(request):
    """Starts a board by its name, and ends it."""
    opened = []

    def start(name):
        machine = boards.machine_of(name)
        if not machine.emulated():
            pytest.skip(f"no QEMU for {name}")
        if not machine.image().exists():
            pytest.skip(f"{machine.image()} is not built")
        opened.append(machine.start())
        opened[0].expect_prompt()
        return machine, opened[0]

    yield start
    for board in opened:
        board.close()
        request.node.add_report_section("call", "console", board.transcript.getvalue().replace("\r", "")[-5000:])


@pytest.mark.parametrize("name", boards.EMULATED)
def test_board_comes_to_its_prompt(name, started):
    machine, board = started(name)
    found = boards.row(machine, board)
    if name != "spike":  # whose HTIF loses what is typed faster than it is read: docs/testing.md
        board.cmd("a-line-of-sixty-bytes-that-are-sent-at-once-and-arrive-whole")
    known = sections().get(boards.qemu_version(boards.make_variables(name, "ISA")["ISA"]))
    if known:
        assert found == known[name][:len(found)]
    else:  # a QEMU that the document does not have: nothing is said of what is there, but all CPUs are
        online, there = found[boards.CELLS.index("CPUs")].split(" of ")
        assert online == there


@pytest.mark.parametrize("name", KINDS)
def test_kind_passes_its_suites(name, started, subresults):
    _, board = started(name)
    results = ktap.check("\n".join(boards.typed(board, "test", boards.SECONDS)) + "\n")
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])
    assert boards.stress(board, 2).startswith("good on ")


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

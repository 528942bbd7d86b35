# SPDX-License-Identifier: BSD-2-Clause
"""
Disks and the entropy device as PCI functions: modern ones and transitional ones, by messages, by wire and polled. What
they do is that of virtio-mmio, test_blk.py's business.
"""
import hashlib
import re

import pytest

import ktap
from test_blk import SECTORS, expect_nothing_left, image, pattern, row  # noqa: F401 (a fixture)

MODERN = ",disable-legacy=on"

# Machines whose PCI functions interrupt by messages: options, the driver that takes them, the first number it gives.
BY_MESSAGE = {"riscv64": {"imsic": (["-machine", "aia=aplic-imsic"], 1)},
              "arm64": {"gicv2m": (["-machine", "gic-version=2"], 80), "its": (["-machine", "gic-version=3"], 8192)}}


def functions(path, options="", extra=""):
    return ["-smp", "2", "-device", f"virtio-rng-pci{options}{extra}", "-drive", f"if=none,id=disk,format=raw,file={path}",
            "-device", f"virtio-blk-pci,drive=disk,serial=scratch{options}{extra}"]


def interrupts(board):
    """How each virtio function interrupts: {name: (the controller's number, what `devices` says of it)}."""
    lines = board.lines("devices")[1:]
    found = {}
    for line, after in zip(lines, [*lines[1:], ""]):
        if line.startswith("virtio-pci"):
            found[line.split()[-1]] = line.split()[2], after.strip() if after.startswith("   ") else ""
    return found


def works(board, subresults, path):
    """All of the disk, and the suites; then all comes and goes, and nothing is left."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert row(board)["interface"] == "modern" and row(board)["sectors"] == str(SECTORS)
    assert board.lines("disk sha256")[-1] == f"sha256 {digest}"
    assert re.search(rf"disk: {SECTORS} sectors written in ", board.lines("disk fill 5")[-1])
    assert path.read_bytes() == pattern(5, 0, SECTORS)
    results = []
    for suite in ("blk", "rng", "pci", "drivers.shutdown"):
        results += ktap.check(board.cmd(f"test {suite}", timeout=400))
    assert not [r.name for r in results if r.passed is None], "nothing is skipped with a scratch disk"
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])
    assert row(board)["errors"] == "0"
    assert "not usable" not in board.transcript.getvalue()
    expect_nothing_left(board)
    assert len(board.lines("rng")) == 1


@pytest.mark.parametrize("options", ["", MODERN], ids=["transitional", "modern"])
def test_disk_and_entropy(boot, image, subresults, options):  # noqa: F811
    board = boot(memory="256M", extra=functions(image, options))
    board.expect_prompt()
    assert set(interrupts(board)) == {"00:01.0", "00:02.0"}
    works(board, subresults, image)


def test_by_message(boot, setup, image, subresults):  # noqa: F811
    for driver, (options, first) in BY_MESSAGE[setup.isa].items():
        board = boot(memory="256M", extra=[*options, *functions(image, MODERN)])
        board.expect_prompt()
        devices = board.lines("devices")
        assert [line.split()[0] for line in devices].count(driver) == 1
        for number, why in interrupts(board).values():
            assert first <= int(number) < first + 128 and not why
        works(board, subresults, image)
        board.close()


def test_by_wire(boot, image, subresults):  # noqa: F811
    """Functions without MSI-X share the bus's wires, and `devices` says why."""
    board = boot(memory="256M", extra=functions(image, MODERN, ",vectors=0"))
    board.expect_prompt()
    for number, why in interrupts(board).values():
        assert int(number) > 0 and why == "by wire: the function has no MSI-X, or fewer vectors than it needs"
    works(board, subresults, image)


def test_legacy_alone(boot, image):  # noqa: F811
    """A function that has the legacy interface alone: one line says what is missing, and no driver is bound."""
    board = boot(extra=functions(image, ",disable-modern=on,disable-legacy=off"))
    log = board.expect_prompt()
    for name in ("00:01.0", "00:02.0"):
        assert re.findall(rf"virtio-pci {name}: (.*)", log) == [
            "its capability for the common configuration is missing: not usable"]
    assert interrupts(board) == {}
    assert len(board.lines("disk")) == 1 and len(board.lines("rng")) == 1
    expect_nothing_left(board)


def test_probes_that_get_no_memory(boot, setup, image):  # noqa: F811
    """Every n-th request of the probes is refused: all is given back, and with memory again all are there again."""
    for options, _ in BY_MESSAGE[setup.isa].values():
        board = boot(memory="128M", extra=[*options, *functions(image), "-smp", "1"])
        board.expect_prompt()
        devices, fewer = board.lines("devices"), 0
        for every in range(1, 9):
            board.lines(f"fail every={every}")
            assert board.lines("shutdown", timeout=300)[-1].endswith("is the boot picture")
            board.lines("fail off")
            fewer += len(board.lines("devices")) < len(devices)
            assert board.lines("shutdown", timeout=300)[-1].endswith("is the boot picture")
            assert board.lines("devices") == devices
        assert fewer >= 6
        board.close()

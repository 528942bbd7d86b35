# SPDX-License-Identifier: BSD-2-Clause
"""
The ways an image gets onto a machine, each by its one command of make: QEMU's -kernel, U-Boot from a disk,
and flash. The same quarry.bin each time; every one must reach the prompt and pass all suites.
"""
import hashlib
import re
import subprocess

import pytest

import ktap
import parse
from board import Board, make_variables, ram_options
from layouts import cells


class Chain(Board):
    """A machine that a target of make has started, on RAM that holds random bytes."""

    def __init__(self, setup, target, memory="128M", extra=(), commands=None, variables=()):
        options = " ".join([*ram_options(setup, memory)[2:], *extra])
        args = ["make", "-s", "--no-print-directory", target, f"BOARD={setup.board}", f"MEM={memory}",
                f"QEMU_EXTRA={options}", *variables]
        self.spawn(args + ([f"CMD={commands}"] if commands else []))


@pytest.fixture
def start(setup, request):
    chains = []

    def begin(target, **options):
        chains.append(Chain(setup, target, **options))
        return chains[-1]

    yield begin
    for chain in chains:
        chain.close()
        if getattr(request.node, "call_failed", False):
            print("---- console ----")
            print(chain.transcript.getvalue().replace("\r", "")[-20000:])


def whole_test(board, subresults):
    results = ktap.check(board.cmd("test", timeout=400))
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])
    board.send("poweroff\r")
    assert board.wait_end() == 0


def loaded_at(log):
    return int(re.search(r"loaded at (0x[0-9a-f]+)", log).group(1), 16)


@pytest.mark.parametrize("given", ["DTS", "DTB", "included"])
def test_tree_of_ones_own(start, setup, subresults, given):
    """A tree from dts/, as a source, as a blob, and as a part of another source: it is the one the machine has."""
    source = f"dts/{setup.board}-small.dts"
    variable = f"DTS={source}"
    if given == "DTB":
        done = subprocess.run(["make", "-s", "dtb", variable, f"BOARD={setup.board}"], cwd=setup.root, check=True,
                              text=True, capture_output=True)
        assert done.stderr == "", "dtc has nothing to say about it"
        variable = f"DTB={done.stdout.split()[-1]}"
    elif given == "included":
        other = setup.scratch / f"own-{setup.isa}.dts"
        other.write_text(f'#include "{setup.board}-small.dts"\n#define NAME "ours"\n' "/ { model = NAME; };\n")
        variable = f"DTS={other}"
    board = start("run", variables=[variable])
    log = board.expect_prompt()
    assert re.search(r"device tree at 0x\w+, (\d+) bytes", log)
    lines = board.lines("memblock")
    assert any(re.search(r"0x0*(84000000|44800000)\b.*(no-map|NOMAP)", line) for line in lines), lines
    if given == "DTS":
        whole_test(board, subresults)


def test_broken_source_of_a_tree(setup):
    broken = setup.scratch / f"broken-{setup.isa}.dts"
    broken.write_text("/dts-v1/;\n/ { one = <1> };\n")
    for arguments, says in (([f"DTS={broken}"], "syntax error"), ([], "make dtb DTS=FILE.dts")):
        done = subprocess.run(["make", "-s", "dtb", f"BOARD={setup.board}", *arguments], cwd=setup.root, text=True,
                              capture_output=True, check=False)
        assert done.returncode != 0 and says in done.stderr


def test_kernel(start, subresults):
    board = start("run")
    board.expect_prompt()
    whole_test(board, subresults)


def test_uboot(start, setup, subresults):
    # U-Boot for riscv64 needs more than 128M
    board = start("chain-uboot", memory="256M", commands="version")
    log = board.expect_prompt()
    assert "U-Boot 20" in log and "Starting kernel" in log and "] Quarry " in log
    # the tree is U-Boot's copy; it has the commands of extlinux.conf
    tree = int(re.search(r"boot: device tree at (0x[0-9a-f]+)", log).group(1), 16)
    uboot = [int(a, 16) for a in re.findall(r"(?:Device Tree to|in place at) ([0-9a-f]+)", log)]
    assert tree in uboot
    assert re.match(r"version\r?\nQuarry ", board.expect_prompt().replace("\r", ""))
    memory, _ = parse.memblock(board.lines("memblock"))
    assert memory == [(setup.ram_base, setup.ram_base + (256 << 20))]
    whole_test(board, subresults)
    # and without commands: U-Boot refuses a configuration with an empty `append`
    assert "Starting kernel" in start("chain-uboot", memory="256M").expect_prompt()


def test_flash(start, setup, subresults):
    board = start("flash")
    log = board.expect_prompt()
    # it runs from RAM, and flash still holds what was written
    assert setup.ram_base <= loaded_at(log) < setup.ram_base + (128 << 20)
    reserved = parse.memblock(board.lines("memblock"))[1]
    assert any(base == loaded_at(log) for base, _ in reserved)
    whole_test(board, subresults)
    # the image, but that arm64's may look for a tree that nobody passes
    image = (setup.searching() if setup.isa == "arm64" else setup.image).read_bytes()
    flash = (setup.out / f"{setup.board}-flash.img").read_bytes()
    assert flash[:len(image)] == image and not any(flash[len(image):])


def test_flash_survives_reboot(start):
    board = start("flash")
    where = loaded_at(board.expect_prompt())
    board.send("reboot\r")
    assert loaded_at(board.expect_prompt()) == where


@pytest.mark.parametrize("memory", ["64M", "8G"])
def test_flash_finds_ram_of_any_size(start, memory):
    board = start("flash", memory=memory)
    board.expect_prompt()
    assert board.lines("test order.3")[2].startswith("ok 1 ")


def reserving(setup, name, base, size, memreserve=False):
    """The machine's own tree, of 128 MiB, which keeps a part of RAM from us as well."""
    path = setup.scratch / f"flash-{name}-{setup.isa}.dtb"
    subprocess.run([*setup.qemu(), "-machine", f"dumpdtb={path}", "-m", "128M", "-display", "none"],
                   check=True, capture_output=True)
    text = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", str(path)], check=True,
                          capture_output=True).stdout.decode("latin-1")
    if memreserve:
        text = text.replace("/dts-v1/;", f"/dts-v1/; /memreserve/ {base:#x} {size:#x};", 1)
    else:
        text = text.replace("\n\tmemory@", "\n\treserved-memory { #address-cells = <2>; #size-cells = <2>; "
                            f"ranges; kept@{base:x} {{ no-map; reg = <{cells(base)} {cells(size)}>; }}; }};"
                            "\n\tmemory@", 1)
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", str(path)], input=text.encode("latin-1"),
                   check=True, capture_output=True)
    return ["-dtb", str(path)]


@pytest.mark.parametrize("means", ["no-map", "memreserve"])
def test_flash_keeps_off_reservations(start, setup, means):
    """The place where the image would go is reserved: it goes behind it, and leaves it as it was."""
    base, size = setup.place(2 << 20), 16 << 20
    marks = setup.scratch / f"marks-{setup.isa}"
    marks.write_bytes(b"\xa5" * size)
    extra = reserving(setup, means, base, size, means == "memreserve")
    board = start("flash", extra=[*extra, "-device", f"loader,file={marks},addr={base:#x},force-raw=on"])
    assert loaded_at(board.expect_prompt()) == base + size
    reserved = parse.memblock(board.lines("memblock"))[1]
    assert any(low <= base and base + size <= high for low, high in reserved)
    after = setup.scratch / f"after-{setup.isa}"
    board.send("\x1dc")
    board.expect(r"\(qemu\)")
    board.send(f"pmemsave {base:#x} {size:#x} \"{after}\"\r")
    board.expect(r"\(qemu\)")
    board.send("quit\r")
    board.wait_end()
    assert after.read_bytes() == marks.read_bytes()


def test_flash_without_a_place(start, setup):
    """All of RAM is reserved: one line, and a stop."""
    board = start("flash", extra=reserving(setup, "all", setup.place(0), 128 << 20))
    board.expect(r"quarry: the image is not in memory, and the device tree leaves none free for it")
    assert "] Quarry " not in board.transcript.getvalue()


def test_flash_entered_at_el2(start):
    board = start("flash", extra=["-machine", "virtualization=on"])
    assert "entered at EL2" in board.expect_prompt()


test_flash_entered_at_el2.boards = ["qemu-virt-arm64"]


def test_one_image_for_all_chains(setup):
    """What QEMU, the disk and the flash get is the same file."""
    digest = hashlib.sha256(setup.image.read_bytes()).hexdigest()
    disk = make_variables(setup.board, "UBOOT_DISK")["UBOOT_DISK"]
    subprocess.run(["make", "-s", disk, f"BOARD={setup.board}"], cwd=setup.root, check=True)
    onto_disk = subprocess.run(["mtype", "-i", f"{disk}@@1M", "::/Image"], cwd=setup.root, check=True,
                               capture_output=True).stdout
    assert hashlib.sha256(onto_disk).hexdigest() == digest


def test_flash_takes_no_commands(setup):
    done = subprocess.run(["make", "-s", "flash", f"BOARD={setup.board}", "CMD=version"], text=True,
                          cwd=setup.root, capture_output=True, check=False)
    assert done.returncode != 0
    assert "CMD is passed by a loader" in done.stderr

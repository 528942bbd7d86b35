# SPDX-License-Identifier: BSD-2-Clause
"""
Disks and the entropy device on virtio-mmio, by the registers of today and by the legacy ones: what is
on the disk is what the host says, and a device that fails, hangs or is not there costs one line and
not a page.
"""
import hashlib
import os
import re
import socket
import time

import pytest

import ktap
import nbd
from board import MIB
from test_smp import tree_with

SIZE = 64 * MIB
SECTORS = SIZE // 512
MODERN = ["-global", "virtio-mmio.force-legacy=false"]
TRANSPORTS = pytest.mark.parametrize("transport", [[], MODERN], ids=["legacy", "modern"])
U64 = (1 << 64) - 1
NO_DISK = "disk: this machine has none that a driver knows (make run DISK=file)"
NO_ENTROPY = "rng: no entropy device, or it is out of use (make run RNG=1)"


def mix(x):
    """SplitMix64's output function, as console/disk_pattern.c has it."""
    x = (x + 0x9e3779b97f4a7c15) & U64
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9 & U64
    x = (x ^ x >> 27) * 0x94d049bb133111eb & U64
    return x ^ x >> 31


def pattern(seed, first, count):
    """What `disk fill` writes: word j of sector s is mix(mix(seed) + s) ^ mix(j)."""
    column = sum(mix(j) << 64 * j for j in range(64))
    repeat = sum(1 << 64 * j for j in range(64))
    return b"".join((mix(mix(seed) + sector & U64) * repeat ^ column).to_bytes(512, "little")
                    for sector in range(first, first + count))


@pytest.fixture
def image(setup, request):
    """A disk's image of random content; gone after the test."""
    name = re.sub(r"\W+", "-", request.node.name)
    path = setup.scratch / f"disk-{name}.{os.getpid()}.img"
    path.write_bytes(os.urandom(SIZE))
    yield path
    path.unlink()


def disk(path, options="", device=""):
    return ["-drive", f"if=none,id=disk,format=raw,file={path}{options}",
            "-device", f"virtio-blk-device,drive=disk{device}"]


def test_what_is_cached_may_move(boot, image):
    """Read through the buffer cache while other CPUs compact memory and take ranges: the content is the host's."""
    board = boot(extra=[*disk(image), "-smp", "4"])
    board.expect_prompt()
    (result,) = ktap.check(board.cmd("test bufcache.moving"))
    assert result.passed, f"{result.text} {result.notes}"
    assert hashlib.sha256(image.read_bytes()[:MIB]).hexdigest() in " ".join(result.notes)


def picture(board):
    """Free memory, and what the devices hold of the rest."""
    board.lines("drain")
    return board.lines("buddyinfo") + board.lines("devices")


def row(board, number=0):
    """One disk of the list: {column: text}."""
    names = board.lines("disk")[0].split()
    values = [line.split() for line in board.lines("disk")[1:]]
    return dict(zip(names, values[number]))


def results_of(board, suite):
    return {r.name.partition(".")[2]: r for r in ktap.check(board.cmd(f"test {suite}"))}


def one_line(board, command):
    """A command that is refused says why in one line, those of the log not counted."""
    lines = board.lines(command)
    assert len(lines) == 1, lines
    return lines[0]


def expect_nothing_left(board):
    """Without drivers all memory is free, whatever became of their devices; then they are bound again."""
    assert board.lines("shutdown")[-1] == "shutdown: without drivers buddyinfo is the boot picture"


@TRANSPORTS
@pytest.mark.parametrize("memory", ["1G", "8G"])
def test_whole_disk(boot, image, subresults, transport, memory):
    board = boot(memory=memory, extra=[*transport, "-device", "virtio-rng-device",
                                       *disk(image, device=",serial=scratch")])
    board.expect_prompt()
    before = picture(board)
    assert row(board)["interface"] == ("modern" if transport else "legacy")
    assert row(board)["sectors"] == str(SECTORS)

    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    assert board.lines("disk sha256")[-1] == f"sha256 {digest}"
    assert int(row(board)["most"]) >= 2
    assert image.read_bytes() != pattern(5, 0, SECTORS)

    assert re.search(rf"disk: {SECTORS} sectors written in ", board.lines("disk fill 5")[-1])
    assert image.read_bytes() == pattern(5, 0, SECTORS)
    assert board.lines("disk verify 5")[-1] == "disk: all as the pattern"

    results = [*results_of(board, "blk").values(), *results_of(board, "rng").values()]
    assert not [r.name for r in results if r.passed is None], "nothing is skipped with a scratch disk"
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])
    assert row(board)["errors"] == "0"
    assert picture(board) == before
    expect_nothing_left(board)
    assert row(board)["requests"] == "0"
    assert len(board.lines("disk read 0")) == 32 and len(board.lines("rng")) == 1


@TRANSPORTS
def test_host_sees_what_is_written(boot, image, transport):
    with open(image, "r+b") as file:
        file.seek(1000 * 512)
        file.write(b"from the host")
    board = boot(extra=[*transport, *disk(image)])
    board.expect_prompt()
    lines = board.lines("disk read 1000")
    assert len(lines) == 32 and lines[0].startswith("0007d000 66 72 6f 6d ")
    assert "from the host" in lines[0]
    assert board.lines("disk read 1000 2")[:32] == lines
    before = image.read_bytes()
    assert board.lines("disk write 131071 to the host") == []
    after = image.read_bytes()
    assert after[-512:] == b"to the host".ljust(512, b"\0") and after[:-512] == before[:-512]
    board.lines("disk fill 77 130000 1001")
    after = image.read_bytes()
    assert after[130000 * 512:131001 * 512] == pattern(77, 130000, 1001)
    assert after[:130000 * 512] == before[:130000 * 512]
    assert after[131001 * 512:-512] == before[131001 * 512:-512]
    # one bit of it changes on the host
    where = 130500 * 512 + 77
    with open(image, "r+b") as file:
        file.seek(where)
        file.write(bytes([after[where] ^ 4]))
    assert board.lines("disk verify 77 130000 1001")[-1] == (
        "disk: 1 sectors differ from the pattern, the first is 130500 at byte 77")


def test_unplugged(boot):
    board = boot()
    board.expect_prompt()
    for command in ("disk", "disk read 0", "disk write 0 x", "disk sha256", "disk 3", "disk 3 verify 1"):
        assert one_line(board, command) == NO_DISK
    assert one_line(board, "rng") == NO_ENTROPY
    results = {**results_of(board, "blk"), **results_of(board, "rng")}
    assert len(results) == 7
    for result in results.values():
        assert result.passed is None and result.text.startswith("SKIP no ")


def test_a_disk_that_holds_something_is_not_written(boot, image):
    """The suites in `make chain-uboot` meet the disk the image came from."""
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    board = boot(extra=disk(image))
    board.expect_prompt()
    results = results_of(board, "blk")
    assert {name for name, r in results.items() if r.passed is None} == {
        "write_and_read", "write_one_sector"}
    assert all(r.passed is not False for r in results.values()), results
    assert hashlib.sha256(image.read_bytes()).hexdigest() == digest


def test_bad_words(boot, image):
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    board = boot(extra=disk(image))
    board.expect_prompt()
    before = picture(board)
    usage = one_line(board, "disk nonsense")
    assert usage.startswith("usage: disk ")
    for command, part in [
            ("disk read", "usage: disk [number] read <sector>"), ("disk 0", "usage"), ("disk write 0", "usage"), ("disk sha256 1", "usage"),
            ("disk fill", "usage"), ("disk read 0 1 2", "usage"),
            ("disk read 131072", "'131072' is not a sector, 0 to 131071"),
            ("disk read 131071 2", "'2' is not a number of sectors, 1 to 1"),
            ("disk read 0 0", "not a number of sectors"), ("disk read -1", "not a sector"),
            ("disk read 0x10000000000000000", "not a sector"), ("disk read 0 129", "at most"),
            ("disk fill x", "not a seed"), ("disk fill 1 131072 1", "not a sector"),
            ("disk verify 1 0 131073", "not a number of sectors"), ("disk write x y", "not a sector"),
            ("disk 1 read 0", "there is no disk 1"), ("disk 1", "there is no disk 1"), ("disk timeout 0", "not a time"),
            ("disk timeout x", "not a time"), ("rng 0", "not a number of bytes"),
            ("rng 4097", "not a number of bytes"), ("rng 1 2", "usage")]:
        assert part in one_line(board, command), command
    assert row(board)["requests"] == "0"
    assert hashlib.sha256(image.read_bytes()).hexdigest() == digest
    assert picture(board) == before


@TRANSPORTS
def test_read_only(boot, image, transport):
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    board = boot(extra=[*transport, *disk(image, ",readonly=on", ",serial=scratch")])
    board.expect_prompt()
    assert row(board)["state"] == "read-only"
    assert "Read-only file system" in one_line(board, "disk write 7 text")
    assert "Read-only file system" in one_line(board, "disk fill 1")
    assert board.lines("disk sha256")[-1] == f"sha256 {digest}"
    results = results_of(board, "blk")
    assert all(r.passed is not False for r in results.values()), results
    assert results["refused"].passed and results["write_one_sector"].passed is None
    assert hashlib.sha256(image.read_bytes()).hexdigest() == digest


def test_two_disks(boot, image):
    second = "driver=null-co,node-name=second,size=1048576,read-zeroes=on"
    board = boot(extra=[*disk(image), "-blockdev", second, "-device",
                        "virtio-blk-device,drive=second"])
    board.expect_prompt()
    sizes = [row(board, number)["sectors"] for number in (0, 1)]
    assert sorted(sizes) == ["131072", "2048"]
    small = sizes.index("2048")
    zeros = hashlib.sha256(bytes(MIB)).hexdigest()
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    assert board.lines(f"disk {small} sha256")[-1] == f"sha256 {zeros}"
    assert board.lines(f"disk {1 - small} sha256")[-1] == f"sha256 {digest}"
    assert "there is no disk 2" in one_line(board, "disk 2 sha256")


# ---- errors ----------------------------------------------------------------------------------------


@TRANSPORTS
@pytest.mark.parametrize("kind", ["read", "write"])
def test_io_error(boot, image, transport, kind):
    """Sector 4096 fails: that request is reported, all others work, and nothing is lost."""
    rule = "inject-error.0"
    board = boot(extra=[
        *transport, "-blockdev",
        f"driver=blkdebug,node-name=disk,image.driver=file,image.filename={image},{rule}.event=none,"
        f"{rule}.iotype={kind},{rule}.sector=4096,{rule}.once=off,{rule}.errno=5",
        # merged with its neighbour, that one would fail too
        "-device", "virtio-blk-device,drive=disk,rerror=report,werror=report,request-merging=off"])
    board.expect_prompt()
    before = picture(board)
    whole, done = ("sha256", "read") if kind == "read" else ("fill 9", "written")
    failed = f"disk: disk 0: sector 4096 to 4223 not {done}: I/O error"
    for errors in (1, 2, 3):
        assert board.lines(f"disk {whole}")[-1] == failed
        assert row(board)["errors"] == str(errors) and row(board)["state"] == "ready"
    one = "read 4096" if kind == "read" else "write 4096 text"
    assert one_line(board, f"disk {one}") == f"disk: disk 0: sector 4096 not {done}: I/O error"
    assert len(board.lines("disk read 4095")) == len(board.lines("disk read 4097")) == 32
    if kind == "write":
        board.lines("disk fill 10 4097 10000")
        assert image.read_bytes()[4097 * 512:14097 * 512] == pattern(10, 4097, 10000)
        assert board.lines("disk verify 10 4097 10000")[-1] == "disk: all as the pattern"
    assert picture(board) == before
    expect_nothing_left(board)


def test_flush_error(boot, image):
    """What was written may not be on the disk: that is an error too."""
    rule = "inject-error.0"
    board = boot(extra=[
        "-blockdev", f"driver=blkdebug,node-name=disk,image.driver=file,image.filename={image},"
        f"{rule}.event=none,{rule}.iotype=flush,{rule}.once=off,{rule}.errno=5",
        "-device", "virtio-blk-device,drive=disk,rerror=report,werror=report"])
    board.expect_prompt()
    assert one_line(board, "disk write 3 text") == "disk: disk 0: sector 3 not written: I/O error"
    assert board.lines("disk fill 9 0 1000")[-1] == (
        "disk: disk 0: sector 0 to 999 not written: I/O error")
    assert board.lines("disk verify 9 0 1000")[-1] == "disk: all as the pattern"
    assert row(board)["errors"] == "2"


@TRANSPORTS
def test_disk_that_never_answers(boot, setup, transport):
    path = setup.scratch / f"nbd-{setup.isa}-{len(transport)}.{os.getpid()}"
    server = nbd.Server(path, hold=4)
    try:
        board = boot(extra=[
            *transport, "-blockdev", f"driver=nbd,node-name=disk,server.type=unix,server.path={path}",
            "-device", "virtio-blk-device,drive=disk"])
        board.expect_prompt()
        board.lines("disk timeout 1000")
        before = picture(board)
        assert len(board.lines("disk read 7")) == 32
        assert server.unanswered == 0
        output = board.cmd("disk read 8")
        assert re.search(r"virtio-blk \S+: no answer in time: reset, and out of use", output)
        assert "disk: disk 0: sector 8 not read: Connection timed out" in output
        assert server.unanswered > 0
        expect_out_of_use(board)
        assert picture(board) == before
        expect_nothing_left(board)
    finally:
        server.close()


def expect_out_of_use(board):
    assert row(board)["state"] == "failed"
    for command, text in [("disk read 0", "sector 0 not read"), ("disk write 0 x", "sector 0 not written"),
                          ("disk sha256", "sector 0 to 127 not read")]:
        assert one_line(board, command) == f"disk: disk 0: {text}: the disk is out of use"
    assert all(result.passed is False for result in results_of(board, "blk").values())


@TRANSPORTS
def test_disk_that_stops_with_many_in_flight(boot, image, transport):
    """
    Eight requests are with a disk of 1000 bytes/s; QEMU serves them in the reset, into the buffers they
    still own.
    """
    board = boot(extra=[*transport, *disk(image, ",throttling.bps-total=1000")])
    board.expect_prompt()
    board.lines("disk timeout 1500")
    before = picture(board)
    assert board.lines("sysctl vm.page_poison=1") == ["vm.page_poison = 1"]
    start = time.monotonic()
    output = board.cmd("disk sha256")
    assert time.monotonic() - start < 30
    assert "no answer in time: reset, and out of use" in output
    assert re.search(r"disk: disk 0: sector \d+ to \d+ not read: Connection timed out", output)
    assert int(row(board)["most"]) >= 8
    expect_out_of_use(board)
    assert picture(board) == before
    expect_nothing_left(board)
    assert row(board)["state"] == "ready"
    # nobody wrote to the buffers after they had been freed
    board.lines("test coalesce.in_order")
    assert any(re.fullmatch("poison_hit +0", line) for line in board.lines("vmstat"))


def test_a_slow_disk_can_be_stopped(boot, image):
    board = boot(extra=disk(image, ",throttling.bps-total=1000000"))
    board.expect_prompt()
    before = picture(board)
    board.send("disk sha256\r")
    board.expect(r"disk: +\d+ %, \d+ of 64 MiB, \d+\.\d MiB/s")
    # shown as it is made, every half second: not six of them when a buffer is full
    assert board.process.buffer.count("%") < 4
    board.send("\x03")
    assert re.search(r"disk: stopped, \d+ of 131072 sectors done", board.expect_prompt())
    assert row(board)["state"] == "ready"
    assert picture(board) == before


@TRANSPORTS
def test_entropy_that_never_comes(boot, setup, transport):
    path = setup.scratch / f"fifo-{setup.isa}-{len(transport)}.{os.getpid()}"
    os.mkfifo(path)
    holder = os.open(path, os.O_RDWR)  # a writer that writes nothing
    try:
        board = boot(extra=[*transport, "-object", f"rng-random,id=rng,filename={path}",
                            "-device", "virtio-rng-device,rng=rng"])
        board.expect_prompt()
        board.lines("disk timeout 500")
        before = picture(board)
        output = board.cmd("rng 32")
        assert re.search(r"virtio-rng \S+: no answer in time: reset, and out of use", output)
        assert "rng: no random bytes: Connection timed out" in output
        assert one_line(board, "rng") == NO_ENTROPY
        assert picture(board) == before
        expect_nothing_left(board)
        assert "Connection timed out" in board.cmd("rng 32")
    finally:
        os.close(holder)
        os.unlink(path)


def test_entropy_arrives_as_it_is(boot, setup):
    """What the host's source holds is what `rng` shows, however few bytes come at a time."""
    path = setup.scratch / f"entropy-{setup.isa}.{os.getpid()}"
    data = os.urandom(4096)
    path.write_bytes(data)
    try:
        board = boot(extra=["-object", f"rng-random,id=rng,filename={path}",
                            "-device", "virtio-rng-device,rng=rng"])
        board.expect_prompt()
        got = b""
        for count in (1, 15, 16, 100, 1000):
            part = b"".join(bytes.fromhex(line[9:9 + 47].replace(" ", ""))
                            for line in board.lines(f"rng {count}"))
            assert len(part) == count
            got += part
        assert got == data[:len(got)]
    finally:
        path.unlink()


# ---- the slots -------------------------------------------------------------------------------------


def test_device_without_a_driver_is_left_alone(boot):
    board = boot(extra=["-device", "virtio-balloon-device"])
    assert not re.search(r"\] .*virtio", board.expect_prompt())
    assert not [line for line in board.lines("devices") if "virtio" in line]


def test_empty_slots_say_nothing(boot):
    board = boot()
    assert not re.search(r"\] .*virtio", board.expect_prompt())
    assert not [line for line in board.lines("devices") if "virtio" in line]


# QEMU's register addresses of the disk's slot and of the UART; what is wrong with the slot's node, and
# what is said of it.
SLOT = {"riscv64": "10008000", "arm64": "a003e00"}
UART = {"riscv64": "10000000", "arm64": "9000000"}
TREES = {
    "other-device": (r"reg = .*?;", "reg = <0x00 0xUART 0x00 0x1000>;", None),
    "too-small": (r"reg = .*?;", "reg = <0x00 0xSLOT 0x00 0x80>;", "not usable: Invalid argument"),
    "memory": (r"reg = .*?;", "reg = <0x00 0x81000000 0x00 0x200>;",
               "not usable: No such device or address"),
    "disabled": (r"reg = ", 'status = "disabled"; reg = ', None),
}


@pytest.mark.parametrize("tree", TREES)
def test_odd_tree(boot, setup, image, tree):
    """A node that describes no disk: the disk is not there, and all else is."""
    where, replacement, said = TREES[tree]
    slot = SLOT[setup.isa]
    replacement = replacement.replace("SLOT", slot).replace("UART", UART[setup.isa])

    def change(text):
        start = text.index(f"virtio_mmio@{slot} {{")
        return text[:start] + re.sub(where, replacement, text[start:], count=1)

    dtb = tree_with(setup, f"blk-{tree}", change)  # for two CPUs
    board = boot(memory="2G", extra=["-smp", "2", "-dtb", dtb, *disk(image)])
    log = board.expect_prompt()
    lines = [line for line in log.splitlines() if f"virtio-mmio virtio_mmio@{slot}: " in line]
    assert [line.partition(f"@{slot}: ")[2] for line in lines] == ([said] if said else [])
    assert one_line(board, "disk") == NO_DISK
    expect_nothing_left(board)


def test_no_interrupt(boot, setup, image):
    """A node that names no interrupt: the disk is looked at instead, one line says so, and `devices` why."""
    slot = SLOT[setup.isa]

    def change(text):
        start = text.index(f"virtio_mmio@{slot} {{")
        return text[:start] + re.sub(r"interrupts = .*?;", "", text[start:], count=1)

    dtb = tree_with(setup, "blk-polled", change)  # for two CPUs
    board = boot(memory="2G", extra=["-smp", "2", "-dtb", dtb, *disk(image)])
    said = re.findall(rf"virtio-mmio virtio_mmio@{slot}: (.*)", board.expect_prompt())
    assert said == ["no interrupt (No such file or directory): polling"]
    lines = board.lines("devices")
    at = next(i for i, line in enumerate(lines) if line.startswith("virtio-mmio"))
    assert lines[at].split()[2] == "-"
    assert lines[at + 1].strip() == "polled: the device tree names no interrupt for it"
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    assert board.lines("disk sha256")[-1] == f"sha256 {digest}"
    assert row(board)["errors"] == "0"
    expect_nothing_left(board)


def ask_monitor(path, command):
    """QEMU's own answer."""
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(str(path))
        monitor.sendall(command.encode() + b"\n")
        answer = b""
        while answer.count(b"(qemu)") < 2:
            answer += monitor.recv(4096)
    return answer.decode()


@TRANSPORTS
def test_disk_that_grows(boot, setup, image, transport):
    """The device says so in an interrupt."""
    path = setup.scratch / f"monitor-{setup.isa}-{len(transport)}.{os.getpid()}"
    board = boot(extra=[*transport, *disk(image), "-monitor", f"unix:{path},server=on,wait=off"])
    board.expect_prompt()
    assert "not a sector" in one_line(board, "disk read 131072")
    assert "rror" not in ask_monitor(path, "block_resize disk 65M")
    assert row(board)["sectors"] == str(SECTORS + 2048)
    assert len(board.lines("disk read 131072")) == 32

# SPDX-License-Identifier: BSD-2-Clause
"""
The console of machines whose UART only a row of drivers/serial/uart_kinds.c knows: it prints from the first line, and
hears what is typed. earlycon= on the command line forces one; what it cannot mean is said and changes nothing. Every
row against its chip: test/host/drivers/test_uart_kinds.c; which tree has which: test_fdtmap.py.
"""
import os
import re
import subprocess

import pexpect
import pytest

from board import ROOT
from test_devices import transfer, tree
from test_uart import monitor, names_no_driver, other, typed  # noqa: F401 pylint: disable=unused-import

ARM64, RISCV64 = ["qemu-virt-arm64"], ["qemu-virt-riscv64"]


def with_bootargs(line, change=lambda text: text):
    """A change: the command line, besides another change."""
    def both(text):
        return re.sub(r"(\n\s*chosen \{)", rf'\1\n\t\tbootargs = "{line}";', change(text), count=1)
    return both


# ---- forced ----------------------------------------------------------------------------------------------------------


def banner(board):
    """What was printed until the drivers were bound has the first line of all."""
    return re.search(r"Quarry \S+", board.expect_prompt()) is not None


def test_earlycon_prints_where_the_tree_names_no_known_uart(boot, setup):
    assert not banner(boot(**tree(setup, "unnamed", names_no_driver)))
    forced = with_bootargs("quiet earlycon=pl011,mmio32,0x9000000,115200 rw", names_no_driver)
    board = boot(**tree(setup, "forced", forced))
    assert banner(board)
    assert "MemTotal:" in board.cmd("meminfo", timeout=30)


test_earlycon_prints_where_the_tree_names_no_known_uart.boards = ARM64


@pytest.mark.parametrize("value,why", [
    ("acme,0x9000000", "no UART of this kind is known"),
    ("", "no UART of this kind is known"),
    ("pl011", "it is no KIND,ADDRESS"),
    ("pl011,here", "it is no KIND,ADDRESS"),
    ("pl011,0x9000002", "no such UART can have this address"),
    ("qcom_geni,0x9000800", "its registers would not be in one page"),
    ("sbi,0x9000000", "the SBI takes no address")])
def test_earlycon_that_cannot_be_meant(boot, setup, value, why):
    """One line, and everything else is as without."""
    board = boot(**tree(setup, "wrong", with_bootargs(f"earlycon={value}")))
    log = board.expect_prompt()
    assert [line.split("] ")[1] for line in log.splitlines() if "earlycon" in line] == [
        f"boot: earlycon={value}: {why}: ignored"]
    assert "Quarry " in log and "MemTotal:" in board.cmd("meminfo", timeout=30)


# Where no UART is: in the image, in other memory, where no device is (a trap, or ones), in a ROM of zeros.
NO_UART = {
    "arm64": [("0x40200000", "its address is memory's, or out of reach"), ("0x46000000", "its address is memory's, or out of reach"),
              ("0x0a100000", "nothing answers at its address"), ("0x50000000000", "nothing answers at its address")],
    "riscv64": [("0x80200000", "its address is memory's, or out of reach"), ("0x86000000", "its address is memory's, or out of reach"),
                ("0x50000000", "nothing answers at its address"), ("0x5000000000000", "nothing answers at its address"),
                ("0x3000", "it is never ready to send")],
}
# By a row for which zeros mean ready.
ZEROS = {"arm64": [], "riscv64": ["sifive,0x3000"]}


def test_earlycon_where_no_uart_is(boot, setup):
    cases = [(f"ns16550a,{address}", why) for address, why in NO_UART[setup.isa]]
    for value, why in cases + [(value, "nothing answers at its address") for value in ZEROS[setup.isa]]:
        board = boot(append=f"earlycon={value}")
        log = board.expect_prompt()
        assert f"boot: earlycon={value}: {why}: ignored" in log
        assert "Quarry " in log and "MemTotal:" in board.cmd("meminfo", timeout=30)
        board.close()


@pytest.mark.parametrize("forced", [True, False])
def test_earlycon_beside_the_sbi(other, setup, forced, tmp_path):  # noqa: F811
    """From the first line on the console is the second UART if that is asked for, the SBI's and then the first's else."""
    line = ["-append", "earlycon=sifive,0x10011000"] if forced else []
    sifive_u = ["qemu-system-riscv64", "-M", "sifive_u", "-smp", "2", "-m", "256M", *line, "-kernel", str(setup.image)]
    file = ["-serial", f"file:{tmp_path}/beside"]
    board = other([*sifive_u, *file] if forced else sifive_u, () if forced else file[1:])
    assert banner(board)
    assert "uart: sifive, " in typed(board, "uart")
    assert b"Quarry " not in (tmp_path / "beside").read_bytes()


test_earlycon_beside_the_sbi.boards = RISCV64


def test_earlycon_of_the_build(boot, setup):
    """CONFIG_EARLYCON: for a loader that passes no tree. Without it such a boot says nothing at all."""
    out = setup.vars["O"] + "/earlycon"
    flags = '-DCONFIG_EARLYCON=\\"pl011,0x9000000\\"'
    subprocess.run(["make", "-s", f"BOARD={setup.board}", f"O={out}", f"LIBFDT_DIR={setup.vars['O']}/third_party/libfdt",
                    f"EXTRA_CFLAGS={flags}"], cwd=ROOT, check=True, capture_output=True)
    start = setup.start_at(setup.place(32 << 20), 0)
    with pytest.raises(pexpect.TIMEOUT):
        boot(**start).expect("Quarry", timeout=10)
    start["extra"][1] = start["extra"][1].replace(str(setup.image), str(ROOT / out / setup.isa / "quarry.bin"))
    boot(**start).expect("panic: no device tree")


test_earlycon_of_the_build.boards = ARM64


# ---- nothing prints --------------------------------------------------------------------------------------------------


def test_log_ring_by_a_debugger(boot, setup, tmp_path):
    """As docs/porting.md says: the log is at the load address plus what nm says, in lines that end with a zero."""
    board = boot(extra=["-qmp", f"unix:{tmp_path}/qmp,server=on,wait=off"])
    log = board.expect_prompt()
    symbols = subprocess.run([setup.vars["CROSS"] + "nm", str(setup.out / "quarry.elf")], check=True, capture_output=True,
                             text=True).stdout
    at = {name: setup.load + int(address, 16) for address, name in re.findall(r"(\w+) b (log_ring\w*)\n", symbols)}
    command = monitor(f"{tmp_path}/qmp")
    command("pmemsave", val=at["log_ring"], size=16384, filename=f"{tmp_path}/ring")
    command("pmemsave", val=at["log_ring_used"], size=8, filename=f"{tmp_path}/used")
    used = int.from_bytes((tmp_path / "used").read_bytes(), "little")
    lines = (tmp_path / "ring").read_bytes()[:used].split(b"\0")
    assert re.search(rb"\] Quarry \S+$", lines[0]) and lines[-1] == b""
    assert len(lines) > 8 and all(line.decode() in log for line in lines)


# ---- other machines --------------------------------------------------------------------------------------------------

MACHINES = {
    "arm64": {
        "cdns": (["-M", "xlnx-zcu102", "-smp", "4", "-m", "2G"],
                 "arch/arm64/boot/dts/xilinx/zynqmp-zcu102-rev1.0.dts", 0, "by interrupt"),
        "bcm2835aux": (["-M", "raspi3b"], "arch/arm64/boot/dts/broadcom/bcm2837-rpi-3-b.dts", 1,
                       "polled: its interrupt controller has no driver, or none for this hart"),
        "pl011": (["-M", "xlnx-versal-virt", "-m", "2G"], None, 0, "by interrupt"),
    },
    "riscv64": {
        "ns16550a": (["-M", "microchip-icicle-kit", "-bios", "default", "-smp", "5", "-m", "3G"],
                     "arch/riscv/boot/dts/microchip/mpfs-icicle-kit.dts", 1, "by interrupt"),
        "sifive": (["-M", "sifive_u", "-smp", "2", "-m", "256M"], None, 0, "by interrupt"),
    },
}


def check_machine(other, setup, kind):  # noqa: F811
    arguments, source, before, how = MACHINES[setup.isa][kind]
    if source:
        made = subprocess.run(["make", "-s", "dtb", f"BOARD={setup.board}", f"LINUX_DTS={source}"], cwd=ROOT, check=True,
                              capture_output=True, text=True)
        arguments = [*arguments, "-dtb", made.stdout.split()[-1]]
    board = other([setup.vars["QEMU"], *arguments, "-kernel", str(setup.image)], before=before)
    assert banner(board)
    for _ in range(3):
        assert "MemTotal:" in typed(board, "meminfo")
    assert re.search(rf"uart: {kind}, .*, {how}, received \d+, overruns 0, bad 0", typed(board, "uart"))
    if how == "by interrupt":  # in one piece, and nothing is lost
        transfer(board, os.urandom(10240))


@pytest.mark.parametrize("kind", MACHINES["arm64"])
def test_machine_arm64(other, setup, kind):  # noqa: F811
    check_machine(other, setup, kind)


@pytest.mark.parametrize("kind", MACHINES["riscv64"])
def test_machine_riscv64(other, setup, kind):  # noqa: F811
    check_machine(other, setup, kind)


test_machine_arm64.boards = ARM64
test_machine_riscv64.boards = RISCV64

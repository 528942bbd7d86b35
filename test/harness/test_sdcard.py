# SPDX-License-Identifier: BSD-2-Clause
"""
`make sdcard`: what is on a board's card, read back from the image: the partition table byte by byte, the files by mtools.
"""
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

import boards
from board import ROOT

MIB = 1 << 20
# What each loader wants to find, by what its manual says: none may be lost.
EXTLINUX = {"Image", "extlinux/extlinux.conf"}
WANTED = {
    "raspberrypi-4": {"Image", "config.txt", "cmdline.txt", "raspberrypi-4.dtb", "start4.elf", "fixup4.dat"},
    "rockpi-4": EXTLINUX | {"rockpi-4.dtb"},
    "visionfive-2": EXTLINUX,
    "beaglev-fire": EXTLINUX,
}


def card(name, *args, commands="meminfo; test"):
    """(what make said, {file: content}, image's content) of a board's card."""
    known = boards.make_variables(name, "SD_IMAGE")
    image = ROOT / known["SD_IMAGE"]
    with boards.alone(), tempfile.TemporaryDirectory() as files:
        said = boards.make("sdcard", f"BOARD={name}", f"CMD={commands}", *args)
        subprocess.run(["mcopy", "-s", "-n", "-i", f"{image}@@16M", "::/*", f"{files}/"], check=True)
        found = {str(path.relative_to(files)): path.read_bytes() for path in Path(files).rglob("*") if path.is_file()}
        return said, found, image.read_bytes()


@pytest.fixture
def firmware(tmp_path):
    """Stands for the files that are not ours to give."""
    for name in ("start4.elf", "fixup4.dat"):
        (tmp_path / name).write_text(name * 1000)
    return f"FIRMWARE={tmp_path}"


def test_every_board_without_an_emulator_is_here():
    assert sorted(WANTED) == sorted(set(boards.NAMES) - set(boards.EMULATED))


@pytest.mark.parametrize("name", sorted(WANTED))
def test_card(name, firmware):
    said, found, image = card(name, firmware)
    known = boards.make_variables(name, "OUT", "DTB", "SD_IMAGE")
    assert f"wrote {known['SD_IMAGE']}; to a card, all of which is lost: sudo dd if=" in said and "missing" not in said
    assert set(found) == WANTED[name]
    assert found["Image"] == (ROOT / known["OUT"] / "quarry.bin").read_bytes()
    assert found["Image"][0x38:0x3C] in (b"ARMd", b"RSC\x05"), "no Image of Linux's kind"
    if known["DTB"]:
        assert found[f"{name}.dtb"] == (ROOT / known["DTB"]).read_bytes()
    if "extlinux/extlinux.conf" in found:
        tree = f"\tfdt /{name}.dtb\n" if known["DTB"] else ""
        assert found["extlinux/extlinux.conf"].decode() == (
            f"default quarry\nlabel quarry\n\tlinux /Image\n{tree}\tappend meminfo; test\n")
    # one entry, bootable, FAT16 by LBA, from 16 MiB to the end; U-Boot of Rockchip's chips lies before it
    table = image[446:512]
    assert len(image) == 64 * MIB
    assert struct.unpack("<B3xB3xII", table[:16]) == (0x80, 0x0E, 16 * MIB // 512, 48 * MIB // 512)
    assert not any(table[16:64]) and table[64:] == b"\x55\xaa"


def test_raspberry_pis_firmware_is_told_what_the_image_wants(firmware):
    _, found, _ = card("raspberrypi-4", firmware)
    config = dict(line.split("=") for line in found["config.txt"].decode().splitlines() if line and not line.startswith("#"))
    assert config == {"arm_64bit": "1", "enable_uart": "1", "kernel": "Image", "kernel_address": "0x200000",
                      "device_tree": "raspberrypi-4.dtb"}
    assert {config["kernel"], config["device_tree"]} <= set(found)
    assert int(config["kernel_address"], 16) % (2 * MIB) == 0 and int(config["kernel_address"], 16) > 0x1000
    assert found["cmdline.txt"] == b'quarry.cmd="meminfo; test"\n'  # the firmware writes words of its own before it
    assert found["start4.elf"] == b"start4.elf" * 1000


def test_without_commands_there_is_no_append():
    """U-Boot refuses the whole file for a word without a value."""
    _, found, _ = card("visionfive-2", commands="")
    assert found["extlinux/extlinux.conf"] == b"default quarry\nlabel quarry\n\tlinux /Image\n"


def test_firmware_that_is_not_there_is_said(tmp_path):
    """And the card is made all the same, for a person who copies the files to it."""
    (tmp_path / "start4.elf").write_text("x")
    said, found, _ = card("raspberrypi-4", f"FIRMWARE={tmp_path}")
    assert said.splitlines()[-1] == (f"missing on it: fixup4.dat, which are not in '{tmp_path}'; nothing starts without: "
                                     "boards/raspberrypi-4/README.md")
    assert set(found) == WANTED["raspberrypi-4"] - {"fixup4.dat"}


def test_card_that_cannot_be_made_leaves_the_old_one(tmp_path):
    """An image that has no room for the files is not written: the one from before stays, and no half of one."""
    old = tmp_path / "card.img"
    old.write_bytes(b"old")
    (tmp_path / "files").mkdir()
    (tmp_path / "files/Image").write_bytes(bytes(5 * MIB))
    run = subprocess.run([ROOT / "mk/fat-disk.sh", old, tmp_path / "files", "1", "4"], capture_output=True, text=True, check=False)
    assert run.returncode and old.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.img", "files"]


def test_tree_of_the_command_line_is_put_on_the_card():
    _, found, _ = card("visionfive-2", "DTS=dts/qemu-virt-riscv64-small.dts")
    assert set(found) == EXTLINUX | {"visionfive-2.dtb"}
    assert b"\tfdt /visionfive-2.dtb\n" in found["extlinux/extlinux.conf"]

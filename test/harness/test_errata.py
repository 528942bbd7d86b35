# SPDX-License-Identifier: BSD-2-Clause
"""
Errata of silicon that no emulator shows: the image has none of the sequences of instructions that Cortex-A53's 835769 and
843419 are about, and the scan finds those that are written here.
"""
import re
import subprocess

import pytest

import errata
import test_features
from board import ROOT, make_variables

BOARDS = ["qemu-virt-arm64"]
CROSS = "aarch64-linux-gnu-"
FIXES = ["--fix-cortex-a53-835769", "--fix-cortex-a53-843419"]

# Of 835769 what is hit, and what is not: the addend is none, or the product waits for what is loaded.
MULTIPLIES = {
    "ldr x1, [x2]; madd x3, x4, x5, x6": True,
    "str x1, [x2]; msub x3, x4, x5, x6": True,
    "ldp x1, x7, [x2]; umaddl x3, w4, w5, x6": True,
    "prfm pldl1keep, [x2]; smaddl x3, w4, w5, x6": True,
    "ldr q1, [x2]; madd x3, x4, x5, x6": True,
    "stp x4, x5, [x2]; madd x3, x4, x5, x6": True,
    "ldr x4, [x2]; madd x3, x4, x5, x6": False,
    "ldp x1, x6, [x2]; madd x3, x4, x5, x6": False,
    "ldr x1, [x2]; mul x3, x4, x5": False,
    "ldr x1, [x2]; madd w3, w4, w5, w6": False,
    "ldr x1, [x2]; umulh x3, x4, x5": False,
    "ldr x1, [x2]; nop; madd x3, x4, x5, x6": False,
}

# Of 843419: where in a page of 4 KiB the adrp lies, and what follows it.
PAGES = {
    (0xff8, "str x1, [x2]; ldr x3, [x0, #8]"): True,
    (0xffc, "ldr x1, [x2]; nop; str x3, [x0, #8]"): True,
    (0xffc, "stp x1, x4, [x2]; ldr x3, [x0, #8]"): True,
    (0xff4, "str x1, [x2]; ldr x3, [x0, #8]"): False,
    (0x000, "str x1, [x2]; ldr x3, [x0, #8]"): False,
    (0xff8, "ldp x1, x4, [x2]; ldr x3, [x0, #8]"): False,
    (0xff8, "add x1, x1, x2; ldr x3, [x0, #8]"): False,
    (0xff8, "str x1, [x2]; ldr x3, [x4, #8]"): False,
    (0xff8, "str x1, [x2]; cbz x1, .; ldr x3, [x0, #8]"): False,
    (0xff8, "str x1, [x2]; b.eq .; ldr x3, [x0, #8]"): False,
    (0xff8, "str x1, [x2]; br x1; ldr x3, [x0, #8]"): False,
    (0xff8, "str x1, [x2]; nop; nop; ldr x3, [x0, #8]"): False,
}


def link(folder, source, *flags):
    """A program of these instructions, at address 0."""
    (folder / "a.s").write_text(source + "\n")
    subprocess.run([CROSS + "as", "-o", folder / "a.o", folder / "a.s"], check=True)
    subprocess.run([CROSS + "ld", "-Ttext=0x100000", "-e", "0", *flags, "-o", folder / "a.elf", folder / "a.o"],
                   check=True, capture_output=True)
    return folder / "a.elf"


def page(offset, what):
    return (f".text; .balign 4096; .space {offset:#x}, 0; adrp x0, symbol; {what}; ret\n"
            ".data; .balign 4096; symbol: .quad 0, 0")


@pytest.mark.parametrize("what", MULTIPLIES)
def test_scan_for_835769(tmp_path, what):
    found = errata.scan(link(tmp_path, f".text; nop; {what}; ret"))
    assert found == ([(835769, 0x100004)] if MULTIPLIES[what] else [])


@pytest.mark.parametrize("offset, what", PAGES)
def test_scan_for_843419(tmp_path, offset, what):
    found = errata.scan(link(tmp_path, page(offset, what)))
    assert found == ([(843419, 0x100000 + offset)] if PAGES[offset, what] else [])


def test_data_between_instructions_is_passed_over(tmp_path):
    words = ".word 0xf9400041, 0x9b051883"  # ldr x1, [x2]; madd x3, x4, x5, x6
    assert not errata.scan(link(tmp_path, f".text; nop; {words}; ret"))
    assert errata.scan(link(tmp_path, f".text; nop; {words.replace('.word', '.inst')}; ret"))


def test_the_linker_mends_both(tmp_path):
    for source in (".text; nop; ldr x1, [x2]; madd x3, x4, x5, x6; ret", page(0xff8, "str x1, [x2]; ldr x3, [x0, #8]")):
        assert errata.scan(link(tmp_path, source))
        assert not errata.scan(link(tmp_path, source, *FIXES))


def test_image(setup):
    """The C library's and libgcc's code too: the linker mends what the compiler has not seen."""
    image = ROOT / f"build/{setup.isa}/quarry.elf"
    assert len(errata.code(image)) > 50000
    assert errata.scan(image) == []


@pytest.mark.parametrize("access, odd", [("ldr w1, [x2]", 0), ("str w1, [x2, #8]", 0), ("ldrb w1, [x2, x3]", 0),
                                         ("ldr w1, [x2], #4", 1), ("strb w1, [x2, #1]!", 1), ("ldp x1, x4, [x2], #16", 1)])
def test_scan_for_accesses_that_write_back(tmp_path, access, odd):
    found, bad = errata.written_back(link(tmp_path, f".text; dsb sy; {access}; dsb sy; ret"))
    assert found == [0x100004] and len(bad) == odd


def test_accesses_to_devices(setup):
    """Each has a plain address: KVM cannot emulate what writes its base register back."""
    found, bad = errata.written_back(ROOT / f"build/{setup.isa}/quarry.elf")
    assert len(found) > 100 and not bad, bad


def test_the_tree_is_cleaned_before_it_is_read(setup):
    """By its lines, the first and then all: the emulator has no cache that would hold it back."""
    text = subprocess.run([CROSS + "objdump", "-d", "-r", ROOT / f"build/{setup.isa}/obj/boot/arm64/move.o"], check=True,
                          capture_output=True, text=True).stdout
    before, after = text.split("<move_to_ram>:")[1].split("place_image", 1)
    names = re.findall(r"\t(dc\tcivac|ldp\tw2, w3, \[x19\]|b\.cc\t)", before)
    assert names == ["dc\tcivac", "ldp\tw2, w3, [x19]", "dc\tcivac", "b.cc\t"] and "civac" not in after


def test_flags(setup):
    """In most orders of linking 843419 does not appear, so the scan would not notice that its flag is missing."""
    flags = make_variables(setup.board, "LDFLAGS", "CFLAGS")
    assert set(FIXES) <= set(flags["LDFLAGS"].split())
    assert "-mfix-cortex-a53-835769" in flags["CFLAGS"].split()


def test_no_unsigned_difference_of_times():
    """A counter that steps back would make it centuries: timer_since(), machine_ticks_since()."""
    difference = re.compile(r"\b(timer_now|machine_ticks)\(\) - (?!start;)")
    assert difference.search("timer_now() - from > most") and not difference.search("timer_since(from) > most")
    for folder in ("boot", "console", "drivers", "test/target"):
        for path in (ROOT / folder).rglob("*.[ch]"):
            code = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
            assert not difference.search(code), path


# ---- docs/errata.md, docs/bring-up.md ----


def table():
    """[(silicon, what is done, [file..], [case..])..] of what is handled."""
    handled = (ROOT / "docs/errata.md").read_text().split("\n## Handled\n")[1].split("\n## ")[0]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in handled.splitlines() if line.startswith("|")]
    assert all(len(cells) == 4 for cells in found)
    return [(silicon, done, files.split(), cases.split()) for silicon, done, files, cases in found[2:]]


def test_table():
    """Each file and each case that the table names exists, and each row names some."""
    assert len(table()) > 15
    for silicon, _, files, cases in table():
        assert files and cases, silicon
        for path in files:
            assert (ROOT / path).is_file(), path
        for case in cases:
            assert ":" in case and test_features.exists(case, set()), case


@pytest.mark.parametrize("case", ["test_timer:test_nothing", "test_nothing:test_since", "test_errata.py:test_nothing"])
def test_a_case_that_is_not_there_is_seen(case):
    assert not test_features.exists(case, set())


def commands(prompt):
    """Lines of docs/bring-up.md that are typed at this prompt."""
    return re.findall(rf"(?m)^    {re.escape(prompt)} (.*)$", (ROOT / "docs/bring-up.md").read_text())


def test_steps_are_twelve():
    steps = re.findall(r"(?m)^## (\d+)\. ", (ROOT / "docs/bring-up.md").read_text())
    assert steps == [str(n) for n in range(1, 13)]


def test_commands_of_the_steps(console):
    """What is typed at our prompt exists there, and what make is asked for is a target."""
    typed = commands("quarry>")
    known = set(re.findall(r"(?m)^ *(\w+)", console.cmd("help")))
    assert len(typed) > 15 and {line.split()[0] for line in typed} <= known
    for line in typed:
        if line.split()[0] not in ("reboot", "poweroff", "test", "stress", "memtest"):
            assert "usage" not in console.cmd(line, timeout=60), line
    targets = "\n".join(path.read_text() for path in [ROOT / "Makefile", *(ROOT / "mk").glob("*.mk")])
    asked = [match for line in commands("$") for match in re.findall(r"make ([a-z-]+)", line)]
    assert asked and all(re.search(rf"(?m)^{name}:", targets) for name in asked)

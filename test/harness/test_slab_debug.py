# SPDX-License-Identifier: BSD-2-Clause
"""Faults in the use of objects are named with their call sites (slab_debug=), on the machine."""
import re
import subprocess

import procfs


def functions(setup):
    """[(address, size, name)] of the image's functions."""
    listing = subprocess.run([setup.vars["CROSS"] + "nm", "-S", setup.out / "quarry.elf"], check=True, text=True, capture_output=True).stdout
    return [(int(words[0], 16), int(words[1], 16), words[3]) for words in map(str.split, listing.splitlines())
            if len(words) == 4 and words[2] in "tT"]


def resolve(setup, board, text):
    """The text with each call site replaced by the function that it is in; a site is where a call returns to."""
    slide = int(re.search(r"loaded at (0x\w+)", board.transcript.getvalue())[1], 16)
    table = functions(setup)

    def name(match):
        at = int(match[2], 16) - slide
        return match[1] + " " + next((name for address, size, name in table if address < at <= address + size), match[2])
    return re.sub(r"(from|by) (0x[0-9a-f]+)", name, text)


def test_faults_are_named(boot, setup):
    board = boot()
    board.expect_prompt()
    text = resolve(setup, board, board.cmd("test slab.faults_named"))
    assert re.search(r"(?m)^ok 1 slab.faults_named", text), text
    for line in (r"free of object 0x\w+ refused: an object of another cache \(called from free_as_others\)",
                 r"object 0x\w+ of faults: in use \(allocated from take_object, freed from \S+\)",
                 r"object 0x\w+ of faults: overflow: byte 60 is 0x78, not 0xcc \(allocated from take_object, found by free_object\)",
                 r"free of object 0x\w+ refused: double free \(called from free_object\)",
                 r"object 0x\w+ of faults: free \(allocated from take_object, freed from free_object\)",
                 r"object 0x\w+ of faults: write after free: byte 5 is 0x79, not 0x6b \(allocated from take_object, freed from free_object,"):
        assert re.search(line, text), (line, text)


def test_bootargs_and_sysctl(boot):
    board = boot(append="slab_debug=FZPU,kmalloc-64,dma32-*")
    board.expect_prompt()
    assert board.lines("sysctl vm.slab_debug") == ["vm.slab_debug = FZPU,kmalloc-64,dma32-*"]
    caches = procfs.slabinfo("\n".join(board.lines("slabinfo -a")))
    assert caches["kmalloc-64"][2] == 128 and caches["dma32-kmalloc-8"][2] == 16 and caches["kmalloc-128"][2] == 128
    assert re.search(r"debug FZPU, 0 faults$", board.lines("slab kmalloc-64")[0])
    assert board.lines("sysctl vm.slab_debug=X") == ["sysctl: vm.slab_debug: 'X' is not FZPUQR or -, and ,names"]
    assert board.lines("sysctl vm.slab_debug= X") == ["usage: sysctl [name[=value]]"]
    assert board.lines("test slab.switched")[2].startswith("ok 1 ")
    assert board.lines("sysctl vm.slab_debug") == ["vm.slab_debug = FZPU,kmalloc-64,dma32-*"]
    assert board.lines("sysctl vm.slab_debug=-") == ["vm.slab_debug = -"]
    caches = procfs.slabinfo("\n".join(board.lines("slabinfo -a -s s")))
    sizes = [figures[2] for figures in caches.values()]
    assert caches["kmalloc-64"][2] == 64 and sizes == sorted(sizes, reverse=True) and len(sizes) > 60
    assert board.lines("slab nothing") == ["slab: 'nothing' is no cache; 'slabinfo -a' lists all"]
    assert board.lines("slabinfo -s z") == ["slabinfo: -s z: no such key; a b c l n o p s u"]


def test_drivers_keep_to_their_objects(boot):
    """A red zone behind each: a driver whose state is larger than its DRIVER() says writes there; and its objects all go."""
    board = boot(append="slab_debug=FZP", extra=["-smp", "2", "-device", "virtio-rng-device", "-device", "virtio-rng-pci", "-device", "edu"])
    board.expect_prompt()
    board.lines("rng 16")
    caches = procfs.slabinfo("\n".join(board.lines("slabinfo")))
    assert sum(figures[0] for figures in caches.values()) >= 9
    for name in caches:
        assert " 0 faults" in board.cmd(f"slab {name} check"), name
    assert board.lines("shutdown", timeout=300)[-1] == "shutdown: without drivers buddyinfo is the boot picture"
    assert not re.search("overflow|after free", board.transcript.getvalue())

# SPDX-License-Identifier: BSD-2-Clause
"""
How long mm/ keeps interrupts masked while it works on much memory at once: an image of its own counts it (test/masked), under
-icount, with four CPUs. budgets.txt has the bounds.
"""
import re
import subprocess

import figures as fig
from board import make
from layouts import masked_machine
from test_bench import check, check_document, run


def test_longest_stretch(setup, subresults):
    make(f"BOARD={setup.board}", "masked")
    text = fig.measure(setup, "masked", timeout=300, **masked_machine(setup, "masked"))
    measured, errors = fig.parse(text)
    assert not errors, errors
    places = re.findall(r"masked: (\w+): CPU (\d+), from (0x\w+) to (0x\w+) of the image", text)
    assert len(places) == len(measured) == 11
    elf = setup.out / "masked" / "quarry.elf"
    for name, cpu, *at in places:  # where, for who reads why a figure is missed
        names = [subprocess.run([setup.vars["CROSS"] + "addr2line", "-i", "-f", "-e", elf, address], check=True,
                                capture_output=True, text=True).stdout.split()[-2] for address in at]
        print(f"{name}: {measured[f'masked.{name}.longest']:g} on CPU {cpu}, {names[0]}() to {names[1]}()")
    check(setup, subresults, measured, ("masked",))
    check_document(setup, measured, "masked", run.MASKED)

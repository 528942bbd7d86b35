# SPDX-License-Identifier: BSD-2-Clause
"""
What a loader may leave behind on arm64, by a few instructions that stand for it and start the image: interrupts in progress; a
core whose HCR_EL2.E2H cannot be cleared.
"""
import re
import struct

import pytest

import ktap
from test_smp import cpu_lines

BOARDS = ["qemu-virt-arm64"]

# The virtual timer's PPI 27 is acknowledged and not ended, the UART's SPI 33 active. Registers as IHI0048 and IHI0069 have them.
LEFT = {
    "2": """
        mov x20, x0
        ldr x9, =0x08000000             // distributor
        ldr x10, =0x08010000            // CPU interface
        mov w1, #1
        str w1, [x9]                    // GICD_CTLR
        str w1, [x10]                   // GICC_CTLR
        mov w1, #0xf0
        str w1, [x10, #0x04]            // GICC_PMR
        mov w1, #2
        str w1, [x9, #0x304]            // GICD_ISACTIVER1
        mov w1, #1 << 27
        str w1, [x9, #0x100]            // GICD_ISENABLER0
        mov x1, #1
        msr cntv_tval_el0, xzr
        msr cntv_ctl_el0, x1
    1:  ldr w1, [x10, #0x0c]            // GICC_IAR
        cmp w1, #27
        b.ne 1b
        msr cntv_ctl_el0, xzr
        mov x0, x20
    """,
    "3": """
        mov x20, x0
        ldr x9, =0x08000000             // distributor
        ldr x10, =0x080a0000            // redistributor
        ldr x11, =0x080b0000            // its SGIs and PPIs
        mov x1, #1
        msr S3_0_C12_C12_5, x1          // ICC_SRE_EL1
        isb
        mov w1, #0x12
        str w1, [x9]                    // GICD_CTLR: ARE, EnableGrp1
        str wzr, [x10, #0x14]           // GICR_WAKER
    1:  ldr w1, [x10, #0x14]
        tbnz w1, #2, 1b
        mov w1, #-1
        str w1, [x11, #0x80]            // GICR_IGROUPR0
        str w1, [x9, #0x84]             // GICD_IGROUPR1
        mov w1, #2
        str w1, [x9, #0x304]            // GICD_ISACTIVER1
        mov w1, #1 << 27
        str w1, [x11, #0x100]           // GICR_ISENABLER0
        mov x1, #0xf0
        msr S3_0_C4_C6_0, x1            // ICC_PMR_EL1
        mov x1, #1
        msr S3_0_C12_C12_7, x1          // ICC_IGRPEN1_EL1
        isb
        msr cntv_tval_el0, xzr
        msr cntv_ctl_el0, x1
    1:  mrs x1, S3_0_C12_C12_0          // ICC_IAR1_EL1
        cmp w1, #27
        b.ne 1b
        msr cntv_ctl_el0, xzr
        mov x0, x20
    """,
}


@pytest.mark.parametrize("gic", ["2", "3"])
def test_interrupts_in_progress(setup, boot, gic):
    """Both come again: keys arrive by the UART's, and the timer's ticks are counted."""
    options = setup.start_at(setup.load)
    options["kernel"] = setup.assemble(f"left-{gic}", f"{LEFT[gic]}\nldr x16, ={setup.load:#x}\nbr x16\n")
    options["extra"] += ["-machine", f"gic-version={gic}"]
    board = boot(**options, timeout=60)
    board.expect_prompt()
    results = ktap.check(board.cmd("test irq.allocates"))
    assert [result.passed for result in results] == [True], results
    assert re.search(rf"(?m)^gicv{gic} ", board.cmd("devices"))


def test_e2h_fixed_to_1(setup, boot):
    """
    Such a core has other bits in CPTR_EL2 and CNTHCTL_EL2, and another name for SCTLR_EL1. QEMU has none: in a copy of the image the
    instruction that writes HCR_EL2.HCD sets E2H instead, as if it stayed 1. The image clears E2H that a loader has set, else.
    """
    with open(setup.assemble("e2h", "orr x0, x0, #(1 << 29)\nmsr hcr_el2, x0\norr x0, x0, #(1 << 34)\n"), "rb") as code:
        hcd, write, e2h = struct.unpack("<3I", code.read())
    image = setup.image.read_bytes()
    before = struct.pack("<2I", hcd, write)
    assert image.count(before) == 1
    patched = setup.scratch / "e2h.bin"
    patched.write_bytes(image.replace(before, struct.pack("<2I", e2h, write)))
    board = boot(kernel=patched, timeout=60, extra=["-smp", "2", "-cpu", "max", "-machine", "gic-version=3,virtualization=on"])
    log = board.expect_prompt()
    assert "entered at EL2, running at EL1" in log and "smp: 2 of 2 CPUs online" in log
    assert [state for _, _, state, *_ in cpu_lines(board)] == ["online"] * 2
    results = ktap.check(board.cmd("test irq.allocates"))
    assert [result.passed for result in results] == [True], results

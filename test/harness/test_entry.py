# SPDX-License-Identifier: BSD-2-Clause
"""
The first instructions: an image that is started again without being loaded again; what a hart has to forget before it runs code
that was written after it came up.
"""
import subprocess

from board import MIB

AGAIN = "quarry: started again, and not loaded again: the image in memory has run already"
# Copy the image from one address to another unless it is there already, and start it there, what was passed untouched.
COPY = {
    "riscv64": """
        li t0, {source:#x}
        li t1, {place:#x}
        li t2, {size}
        mv t5, t1
        ld t3, 0(t0)
        ld t4, 0(t1)
        beq t3, t4, 3f
    1:  ld t3, 0(t0)
        sd t3, 0(t1)
        addi t0, t0, 8
        addi t1, t1, 8
        addi t2, t2, -8
        bgtz t2, 1b
        fence.i
    2:  jr t5
    3:  li t3, {other}                  # the second time: here, or on the other of harts 0 and 1 (SBI HSM)
        beqz t3, 2b
        mv a2, a1
        mv a1, t5
        xori a0, a0, 1
        li a7, 0x48534d
        li a6, 0                        # hart_start
        ecall
        li a6, 1                        # hart_stop
        ecall
    """,
    "arm64": """
        ldr x9, ={source:#x}
        ldr x10, ={place:#x}
        ldr x11, ={size}
        mov x16, x10
        ldr x12, [x9]
        ldr x13, [x10]
        cmp x12, x13
        b.eq 2f
    1:  ldr x12, [x9], #8
        str x12, [x10], #8
        subs x11, x11, #8
        b.gt 1b
        dsb sy
        ic iallu
        dsb sy
        isb
    2:  br x16
    """,
}


def test_started_again(setup, boot):
    """A reset that brings no loader with it: one line and a stop, not a run on the data of the last one, whichever hart begins."""
    source, place = setup.place(32 * MIB), setup.place(16 * MIB)
    for other in [0, 1] if setup.isa == "riscv64" else [0]:  # on arm64 the same CPU begins each time
        copy = setup.assemble(f"copy-{other}", COPY[setup.isa].format(source=source, place=place, other=other,
                                                                      size=setup.image.stat().st_size))
        board = boot(kernel=copy, timeout=60, extra=["-smp", "2", "-device",
                                                     f"loader,file={setup.image},addr={source:#x},force-raw=on"])
        log = board.expect_prompt()
        assert f"loaded at {place:#x}" in log and "smp: 2 of 2 CPUs online" in log
        board.send("reboot\r")
        board.expect(AGAIN)


def test_a_cpu_that_starts_forgets_instructions(setup):
    """QEMU keeps no stale ones; on hardware a CPU may have fetched from where the image is before that was loaded."""
    function, wanted = {"riscv64": ("secondary_entry", "fence.i"), "arm64": ("mmu_on", "ic\tiallu")}[setup.isa]
    listing = subprocess.run([setup.vars["CROSS"] + "objdump", "-d", f"--disassemble={function}", setup.out / "quarry.elf"],
                             check=True, capture_output=True, text=True).stdout
    assert f"<{function}>:" in listing and wanted in listing, listing

# SPDX-License-Identifier: BSD-2-Clause
# The riscv64 toolchain. The compiler and linker are those of riscv64-linux-gnu, because the bare-metal
# toolchain's linker cannot make position-independent executables; picolibc is the C library, and
# libgcc comes from the bare-metal toolchain, whose objects have the soft-float lp64 ABI.

CROSS   := riscv64-linux-gnu-
MARCH   := rv64imac_zicsr_zifencei
MABI    := lp64
PICOLIBC := /usr/lib/picolibc/riscv64-unknown-elf

include mk/toolchain.mk
RELOC   := RISCV
GDB_ARCH := riscv:rv64

# Looked up when first used: on a fresh machine they are installed in the same run of make.
$(call once,LIBC,ls $(PICOLIBC)/lib/release/rv64imac/lp64/libc.a $(PICOLIBC)/lib/rv64imac/lp64/libc.a 2>/dev/null | head -n 1)
$(call once,LIBGCC,riscv64-unknown-elf-gcc -march=rv64imac -mabi=$(MABI) -print-libgcc-file-name)

ISA_FLAGS    := -march=$(MARCH) -mabi=$(MABI) -mcmodel=medany
ISA_LDFLAGS  := -m elf64lriscv
SMALL_FLAGS  := -msave-restore

# Jump to an address, as printf writes it: see mk/toolchain.mk.
JUMP_CODE := li t0, 0x%s\njr t0\n
# The same with the device tree's address, CPU 0.
START_CODE := li t0, %s\nli a1, %s\nli a0, 0\njr t0\n

# Registers that head.S does not keep over place_image(): see mk/flash.mk.
STACKLESS_FLAGS := $(patsubst %,-fcall-used-s%,1 2 3 4 5 6 7 8 9 10 11)

# SPDX-License-Identifier: BSD-2-Clause
# The arm64 toolchain: Debian's cross compiler and its libgcc, and picolibc. Our code leaves the FP and
# SIMD registers alone; picolibc's does not: see boot/arm64/entry.S. Atomics are exclusives in
# line, because ARMv8.0 CPUs have no others, and nothing may be unaligned while the MMU is off.

CROSS   := aarch64-linux-gnu-
MARCH   := armv8-a
PICOLIBC := /usr/lib/picolibc/aarch64-linux-gnu

include mk/toolchain.mk
RELOC   := AARCH64
GDB_ARCH := aarch64

# Looked up when first used: on a fresh machine they are installed in the same run of make.
$(call once,LIBC,ls -U $(PICOLIBC)/lib/release/libc.a $(PICOLIBC)/lib/libc.a 2>/dev/null | head -n 1)
$(call once,LIBGCC,$(CC) -print-libgcc-file-name)

# Cortex-A53's errata 835769 and 843419: compilers that link say so to the linker, we call it ourselves, and for
# the libraries' code it is all there is.
ISA_FLAGS    := -march=$(MARCH)+nosimd -mgeneral-regs-only -mstrict-align -mno-outline-atomics -mfix-cortex-a53-835769
ISA_LDFLAGS  := -m aarch64linux --fix-cortex-a53-835769 --fix-cortex-a53-843419

# Jump to an address, as printf writes it: see mk/toolchain.mk.
JUMP_CODE := ldr x16, =0x%s\nbr x16\n
# The same with the device tree's address, CPU 0.
START_CODE := ldr x16, =%s\nldr x0, =%s\nbr x16\n

# Registers that head.S does not keep over place_image(): see mk/flash.mk.
STACKLESS_FLAGS := $(patsubst %,-fcall-used-x%,21 22 23 24 25 26 27 28)

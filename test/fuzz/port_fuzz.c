/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_fuzz.c: see port_fuzz.h; the rest of the port is the host's (test/host/port_host.c).
 */
#include <quarry/port.h>

unsigned long port_fuzz_masked;
void (*port_fuzz_interrupt)(void);

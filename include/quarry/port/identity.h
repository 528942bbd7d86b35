/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * identity.h: physical memory at its own address. A part of other ports.
 */
#ifndef QUARRY_PORT_IDENTITY_H
#define QUARRY_PORT_IDENTITY_H

#include <quarry/types.h>

static inline void *phys_to_virt(phys_addr_t pa)
{
	return (void *)(uintptr_t)pa;
}

static inline phys_addr_t virt_to_phys(const void *va)
{
	return (phys_addr_t)(uintptr_t)va;
}

#endif

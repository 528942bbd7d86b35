/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * psci.c: the caller's side of PSCI: see psci.h. Calls follow the SMC Calling Convention (DEN0028);
 * which instruction carries them is the tree's `method` (devicetree binding arm/psci).
 */
#include "boot/arm64/psci.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

#include <quarry/port.h>

#include "boot/arm64/el3.h"
#include "boot/arm64/machine.h"
#include "boot/dt/of.h"

/* function identifiers of PSCI 0.2 and later */
#define PSCI_VERSION	  0x84000000U
#define PSCI_CPU_ON	  0xc4000003U
#define PSCI_SYSTEM_OFF	  0x84000008U
#define PSCI_SYSTEM_RESET 0x84000009U

enum conduit {
	CONDUIT_NONE,
	CONDUIT_HVC,
	CONDUIT_SMC
};

static enum conduit conduit;
static uint32_t version;
static uint32_t cpu_on = PSCI_CPU_ON;

static int64_t psci_call(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
	register uint64_t x0 __asm__("x0") = function;
	register uint64_t x1 __asm__("x1") = a1;
	register uint64_t x2 __asm__("x2") = a2;
	register uint64_t x3 __asm__("x3") = a3;

	/* before version 1.1 of the convention x4-x17 were not preserved */
	if (conduit == CONDUIT_HVC)
		__asm__ volatile("hvc #0"
				 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7",
				   "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
				   "x17", "memory");
	else
		__asm__ volatile("smc #0"
				 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7",
				   "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
				   "x17", "memory");
	return (int32_t)x0; /* results are 32 bits wide, whatever the registers' size */
}

static int psci_errno(int64_t result)
{
	switch (result) {
	case 0:
		return 0;
	case -2: /* INVALID_PARAMETERS */
	case -9: /* INVALID_ADDRESS */
		return -EINVAL;
	case -3:
		return -EPERM;
	case -4: /* ALREADY_ON */
	case -5: /* ON_PENDING */
		return -EALREADY;
	case -1:
		return -ENOSYS;
	default:
		return -EIO;
	}
}

static int find(const void *fdt, const char *compatible)
{
	int node = -1;

	do
		node = fdt_node_offset_by_compatible(fdt, node, compatible);
	while (node >= 0 && !of_is_enabled(fdt, node));
	return node;
}

int psci_init(const void *fdt)
{
	/* 1.0 and 0.2 are called alike, and psci_version() tells which it is */
	bool standard = true;
	const char *method;
	int node;

	conduit = CONDUIT_NONE;
	version = 0;
	if (el3_is_ours()) {
		port_log(
			"psci: entered at EL3, so there is no firmware to call: no reboot, no poweroff");
		return -EOPNOTSUPP;
	}
	node = find(fdt, "arm,psci-1.0");
	if (node < 0)
		node = find(fdt, "arm,psci-0.2");
	if (node < 0) {
		standard = false;
		node = find(fdt, "arm,psci");
	}
	if (node < 0)
		return -ENODEV;
	method = fdt_stringlist_get(fdt, node, "method", 0, NULL);
	if (method && strcmp(method, "smc") == 0) {
		conduit = CONDUIT_SMC;
	} else if (method && strcmp(method, "hvc") == 0) {
		if (machine_entry_el() == 2) {
			port_log("psci: method is hvc, but EL2 was handed to us: no PSCI");
			return -EOPNOTSUPP;
		}
		conduit = CONDUIT_HVC;
	} else {
		port_log("psci: %s: method is neither hvc nor smc: no PSCI",
			 fdt_get_name(fdt, node, NULL));
		return -EINVAL;
	}
	if (!standard) { /* 0.1: identifiers are in the tree */
		version = 1;
		cpu_on = of_u32(fdt, node, "cpu_on", 0);
		return node;
	}
	cpu_on = PSCI_CPU_ON;
	version = (uint32_t)psci_call(PSCI_VERSION, 0, 0, 0);
	return node;
}

uint32_t psci_version(void)
{
	return version;
}

const char *psci_method(void)
{
	return conduit == CONDUIT_HVC ? "hvc" : conduit == CONDUIT_SMC ? "smc" : "none";
}

int psci_cpu_on(uint64_t mpidr, uint64_t entry, uint64_t context)
{
	if (version == 0 || cpu_on == 0)
		return -ENODEV;
	return psci_errno(psci_call(cpu_on, mpidr, entry, context));
}

int psci_system_off(void)
{
	if (version < 2)
		return -ENODEV;
	return psci_errno(psci_call(PSCI_SYSTEM_OFF, 0, 0, 0)) ?: -EIO;
}

int psci_system_reset(void)
{
	if (version < 2)
		return -ENODEV;
	return psci_errno(psci_call(PSCI_SYSTEM_RESET, 0, 0, 0)) ?: -EIO;
}

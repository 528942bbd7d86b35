/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.h: PCI functions as their drivers see them.
 *
 * A host bridge's driver finds the functions on its buses, gives their memory BARs addresses, and
 * makes a struct device of each one that a driver knows: by `compatible` "pciVVVV,DDDD", vendor and
 * device id in hexadecimal without leading zeros (PCI Bus Binding to Open Firmware, 2.5). Its
 * dev->bus_data is the struct pci_dev. A function that no driver has decodes nothing, reads and
 * writes no memory and raises no interrupt.
 *
 * I/O space, expansion ROMs and MSI without X are not used. Context of everything
 * here is thread unless it says otherwise. Sections are those of the PCI Local Bus Specification
 * 3.0.
 */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include <quarry/types.h>

#include "drivers/base/driver.h"
#include "drivers/irqchip/irq.h"

/* Configuration space (6.1); offsets that a driver may want. */
#define PCI_VENDOR_ID		 0x00
#define PCI_DEVICE_ID		 0x02
#define PCI_COMMAND		 0x04
#define PCI_COMMAND_MEMORY	 0x0002
#define PCI_COMMAND_MASTER	 0x0004
#define PCI_COMMAND_INTX_DISABLE 0x0400
#define PCI_STATUS		 0x06
#define PCI_STATUS_INTERRUPT	 0x0008

#define PCI_SUBSYSTEM_ID	 0x2e
#define PCI_CAP_MSI		 0x05 /* capability ids (appendix H) */
#define PCI_CAP_VENDOR		 0x09
#define PCI_CAP_MSIX		 0x11

#define PCI_NR_BARS		 6
#define PCI_CONFIG_SIZE		 0x100 /* where capabilities lie */

#define PCI_SLOT(devfn)		 ((devfn) >> 3)
#define PCI_FUNC(devfn)		 ((devfn) & 7)

enum pci_bar_kind {
	PCI_BAR_NONE,
	PCI_BAR_IO,
	PCI_BAR_MEM32,
	PCI_BAR_MEM64
};

struct pci_bar {
	uint64_t size;	 /* bytes, a power of two */
	phys_addr_t cpu; /* where the CPU sees it, if placed */
	uint8_t kind;	 /* enum pci_bar_kind */
	bool prefetchable;
	bool placed;
};

struct pci_host;

/* Interrupts by message, in the driver's own state. */
#define PCI_MAX_VECTORS 4
struct pci_msix {
	char *control; /* message control, in configuration space */
	char *table;
	int controller; /* its node */
	unsigned int nr;
	unsigned int hwirq[PCI_MAX_VECTORS];
};

struct pci_dev {
	struct pci_host *host;
	struct pci_dev *bridge; /* it is behind this one; NULL: on the root bus */
	char *config;		/* its 4 KiB of configuration space */
	struct device *dev;	/* the device its driver has; NULL: no driver */
	irq_fn irq_fn;
	void *irq_arg;
	struct pci_msix *msix; /* NULL: it does not interrupt by message */
	uint32_t class;	       /* base class, sub-class, programming interface */
	uint32_t users;	       /* of a bridge: functions in use behind it */
	uint32_t irqs_pending; /* interrupts in a row that its handler left pending */
	uint16_t vendor, device;
	uint8_t bus, devfn;
	uint8_t pin;	   /* 1 to 4: INTA# to INTD#; 0: none */
	uint8_t line;	   /* while irq_fn is set: which of the host's interrupts */
	uint8_t secondary; /* of a bridge: the bus behind it; 0: none */
	bool is_bridge;
	bool unusable;	     /* said why in the log */
	bool enabled;	     /* pci_enable_device() */
	char name[8];	     /* "00:01.0" */
	char compatible[15]; /* "pci1234,11e8" */
	struct pci_bar bar[PCI_NR_BARS];
};

static inline struct pci_dev *to_pci_dev(const struct device *dev)
{
	return dev->bus_data;
}

/* All functions of all hosts in the order they were found; NULL past the last. */
struct pci_dev *pci_first(void);
struct pci_dev *pci_next(const struct pci_dev *pdev);

/*
 * pci_enable_device() - the function answers at its BARs. -ENXIO: it is unusable. Bus mastering is
 * still off. pci_disable_device() undoes it and stops bus mastering first; the PCI layer does both
 * for a device whose driver did not. Cost: a few configuration accesses for each bridge above.
 */
int pci_enable_device(struct pci_dev *pdev);
void pci_disable_device(struct pci_dev *pdev);

/*
 * pci_set_master() - let the function read and write memory. pci_clear_master() - it does neither
 * from the return on: what it had posted before has arrived. Any context.
 */
void pci_set_master(struct pci_dev *pdev);
void pci_clear_master(struct pci_dev *pdev);

/*
 * pci_iomap() - the registers in a memory BAR of dev's function, at least min_size bytes of them;
 * NULL if it has no such BAR or it cannot be mapped (reported). The first is recorded for show.
 */
void *pci_iomap(struct device *dev, unsigned int bar, uint64_t min_size);

/*
 * pci_request_irq() - deliver the function's INTx interrupt to fn(arg), in interrupt context. The
 * line may be shared: fn looks whether its device has asked. A device that goes on asking after
 * PCI_IRQ_STUCK calls of fn in a row is cut off and reported. Returns the controller's number;
 * -ENOENT if it has no pin or the host bridge's interrupt-map does not lead it anywhere; -EBUSY;
 * -ENOSPC; irq_request()'s refusal.
 */
#define PCI_IRQ_STUCK 1000
int pci_request_irq(struct pci_dev *pdev, irq_fn fn, void *arg);
void pci_free_irq(struct pci_dev *pdev);

/*
 * pci_find_capability() - where in configuration space the first capability with this id behind
 * `after` (0: any) is (6.7). 0: there is none. Bound: as many looks as configuration space has room
 * for capabilities, so a list that is a circle ends.
 */
unsigned int pci_find_capability(const struct pci_dev *pdev, uint8_t id, unsigned int after);

/*
 * pci_request_msix() - dev's function interrupts by message (6.8.2): vector i of its table calls
 * fn[i](arg), i < nr <= PCI_MAX_VECTORS; all or none. msix is kept in dev's own state. The number
 * of the last vector; -ENOENT: it has no such capability, or fewer vectors; -ENODEV: the tree names
 * no controller of messages; -ENXIO: no driver serves that; -EINVAL: its table is not in a BAR; or
 * the controller's refusal. pci_free_msix(); the PCI layer does it for a driver that did not.
 */
int pci_request_msix(struct device *dev, struct pci_msix *msix, unsigned int nr, const irq_fn fn[],
		     void *arg);
void pci_free_msix(struct pci_dev *pdev);

/* pci_msix_reason() - in words, for `devices`: why that gave this error. */
const char *pci_msix_reason(int error);

/*
 * pci_bind() - let the driver for the function, if there is one, probe it. 0; -EBUSY: it has its
 * driver; -ENXIO: it is a bridge or unusable; -ENODEV: no driver takes it. device_remove() undoes
 * it.
 */
int pci_bind(struct pci_dev *pdev);

#endif

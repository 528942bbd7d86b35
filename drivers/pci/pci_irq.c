/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci_irq.c: the four interrupt wires of a PCI bus, which functions share.
 *
 * A function pulls its wire until its device has got what it asked for. One whose handler cannot
 * make it stop would keep the CPU in the handler for ever, so it is cut off after PCI_IRQ_STUCK
 * times.
 */
#include <errno.h>
#include <quarry/port.h>
#include <string.h>

#include "drivers/base/io.h"
#include "drivers/pci/pci_internal.h"

/* The function pulls its wire. */
static bool asks(const struct pci_dev *pdev)
{
	return readw(pdev->config + PCI_STATUS) & PCI_STATUS_INTERRUPT &&
	       !(readw(pdev->config + PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE);
}

static void set_intx(struct pci_dev *pdev, bool on)
{
	uint16_t command = readw(pdev->config + PCI_COMMAND);

	command &= (uint16_t)~PCI_COMMAND_INTX_DISABLE;
	command |= on ? 0 : PCI_COMMAND_INTX_DISABLE;
	writew(command, pdev->config + PCI_COMMAND);
	readw(pdev->config + PCI_COMMAND); /* it has arrived */
}

/* Call the function's handler. Returns whether the function still asks. */
static bool handle(struct pci_dev *pdev)
{
	pdev->irq_fn(pdev->irq_arg);
	if (!asks(pdev)) {
		pdev->irqs_pending = 0;
		return false;
	}
	if (++pdev->irqs_pending < PCI_IRQ_STUCK)
		return true;
	set_intx(pdev, false);
	pdev->irqs_pending = 0;
	pci_log(pdev, "its interrupt does not go away: cut off");
	return false;
}

/*
 * Until no function asks any more: some interrupt controllers only see that the wire is pulled
 * anew, and it is not if one function pulls before the other has let go.
 */
static void line_interrupt(void *arg)
{
	struct pci_line *line = arg;
	struct pci_host *host = line->host;
	bool again;

	do {
		again = false;
		for (unsigned int i = 0; i < host->nr_functions; i++) {
			struct pci_dev *pdev = pci_function(host, i);

			if (pdev->irq_fn && &host->line[pdev->line] == line)
				again = handle(pdev) || again;
		}
	} while (again);
}

static bool same_irq(const struct of_irq *a, const struct of_irq *b)
{
	return a->controller == b->controller && a->nr_cells == b->nr_cells &&
	       memcmp(a->cells, b->cells, sizeof(a->cells)) == 0;
}

/*
 * Where the function's wire ends. Behind a bridge the wires are those of the bridge's own slot,
 * turned by the number of the device (PCI-to-PCI Bridge Specification 1.2, 9.1).
 */
static int find_irq(const struct pci_dev *pdev, struct of_irq *irq)
{
	unsigned int pin = pdev->pin;

	if (pin == 0)
		return -ENOENT;
	for (; pdev->bridge; pdev = pdev->bridge)
		pin = (pin - 1 + PCI_SLOT((unsigned int)pdev->devfn)) % 4 + 1;
	return of_pci_irq(pdev->host->dev->fdt, pdev->host->dev->node, pdev->bus, pdev->devfn, pin,
			  irq);
}

/*
 * The host's line for this interrupt, in use by one more function; -ENOSPC, or irq_request()'s
 * refusal.
 */
static int get_line(struct pci_host *host, const struct of_irq *irq)
{
	int unused = -ENOSPC, error;

	for (int i = 0; i < PCI_MAX_LINES; i++) {
		struct pci_line *line = &host->line[i];

		if (line->users > 0 && same_irq(&line->irq, irq)) {
			line->users++;
			return i;
		}
		if (line->users == 0)
			unused = i;
	}
	if (unused < 0)
		return unused;
	host->line[unused].host = host;
	host->line[unused].irq = *irq;
	error = irq_request(irq, line_interrupt, &host->line[unused]);
	if (error < 0)
		return error;
	host->line[unused].hwirq = error;
	host->line[unused].users = 1;
	return unused;
}

int pci_request_irq(struct pci_dev *pdev, irq_fn fn, void *arg)
{
	unsigned long flags;
	struct of_irq irq;
	int line;

	if (pdev->irq_fn)
		return -EBUSY;
	line = find_irq(pdev, &irq);
	if (line == 0)
		line = get_line(pdev->host, &irq);
	if (line < 0)
		return line;
	flags = port_irq_save();
	pdev->line = (uint8_t)line;
	pdev->irq_arg = arg;
	pdev->irq_fn = fn;
	pdev->irqs_pending = 0;
	set_intx(pdev, true);
	port_irq_restore(flags);
	return pdev->host->line[line].hwirq;
}

void pci_free_irq(struct pci_dev *pdev)
{
	struct pci_line *line = &pdev->host->line[pdev->line];
	unsigned long flags;

	if (!pdev->irq_fn)
		return;
	flags = port_irq_save();
	set_intx(pdev, false);
	pdev->irq_fn = NULL;
	port_irq_restore(flags);
	if (--line->users == 0)
		irq_free(&line->irq);
}

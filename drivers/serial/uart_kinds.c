/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart_kinds.c: the rows of uart_kind.h. Each names the manual its numbers are from, or a
 * permissively licensed driver. Where a maker publishes no manual and no such driver is known, the
 * row has the offsets and bits of registers that drivers of Linux or coreboot state, which are
 * facts of the chip, and nothing else from there. Compatible strings and defaults of layout are
 * those of the devicetree bindings.
 *
 * test/host/drivers/test_uart_kinds.c has the same facts once more, as a chip.
 */
#include "drivers/serial/uart_rows.h"

const struct uart_kind uart_kinds[] = {
	{
		.name = "pl011",
		.compatible = NAMES("arm,pl011"),
		.driver = UART_DRIVER_PL011,
		.span = 0x4c,
		REGISTERS_PL011,
	},
	{
		/* Arm DEN0094, appendix "Generic UART": 32-bit accesses, no line to set */
		.name = "sbsa",
		.compatible = NAMES("arm,sbsa-uart"),
		.span = 0x48,
		REGISTERS_PL011,
	},
	KIND_8250("ns16550a", "uart8250", 0, 1, 16, 0x01, "ns16550a", "ns16550", "ns16850",
		  "ns16450", "ns8250", "nuvoton,wpcm450-uart", "nuvoton,npcm750-uart",
		  "nuvoton,npcm845-uart"),
	/* Synopsys' DW_apb_uart databook */
	KIND_8250("dw-apb-uart", NULL, 0, 1, 16, 0x01, "snps,dw-apb-uart"),
	/* MediaTek's MT7622 data sheet, "UART" */
	KIND_8250("mtk8250", NULL, 2, 4, 16, 0x01, "mediatek,mt6577-uart"),
	/* NVIDIA's Tegra X1 technical reference manual, "UART controller" */
	KIND_8250("tegra", NULL, 2, 4, 16, 0x01, "nvidia,tegra20-uart"),
	/* TI's AM65x technical reference manual, "UART" */
	KIND_8250("omap8250", NULL, 2, 4, 16, 0x01, "ti,am654-uart", "ti,am4372-uart",
		  "ti,am3352-uart", "ti,omap4-uart", "ti,omap3-uart", "ti,omap2-uart"),
	/* Broadcom's BCM2835 ARM Peripherals, 2.2: "room" is room for one byte, of eight; by
	   its errata no interrupt comes without IER's bit 2 */
	KIND_8250("bcm2835aux", NULL, 2, 4, 1, 0x05, "brcm,bcm2835-aux-uart"),
	{
		/*
		 * Intel's PXA27x developer's manual, chapter 10, and the chips after it: IER also
		 * has the unit's switch, UUE, 6, and by RTOIE, 4, bytes below the threshold
		 * interrupt.
		 */
		.name = "pxa",
		.alias = "xscale",
		.compatible = NAMES("intel,xscale-uart", "mrvl,pxa-uart"),
		REGISTERS_8250,
		.width = 4,
		.shift = 2,
		.fifo = 16,
		.start = STEPS({UART_SET, 1, BIT(6)}),
		.listen = STEPS({UART_WRITE, 1, BIT(6) | BIT(4) | BIT(0)}),
		.silence = STEPS({UART_WRITE, 1, BIT(6)}),
	},
	{
		/* 8250's bits in another order: Socionext's LD11, UART; uniphier-uart.yaml */
		.name = "uniphier",
		.compatible = NAMES("socionext,uniphier-uart"),
		.width = 4,
		.span = 0x18,
		.tx = 0x00,
		.rx = 0x00,
		.can_send = IS_SET(0x14, BIT(5)),
		.idle = IS_SET(0x14, BIT(6)),
		.has_byte = IS_SET(0x14, BIT(0)),
		.bad = BITS(0x14, BIT(4) | BIT(3) | BIT(2)),
		.overrun = BITS(0x14, BIT(1)),
		.read_clears = true,
	},
	{
		/* 8250's bits: Renesas' RZ/V2M user's manual, "UART"; renesas,em-uart.yaml */
		.name = "em-uart",
		.compatible = NAMES("renesas,em-uart"),
		.width = 4,
		.data_width = 1,
		.span = 0x1c,
		.tx = 0x00,
		.rx = 0x00,
		.can_send = IS_SET(0x18, BIT(5)),
		.idle = IS_SET(0x18, BIT(6)),
		.has_byte = IS_SET(0x18, BIT(0)),
		.bad = BITS(0x18, BIT(4) | BIT(3) | BIT(2)),
		.overrun = BITS(0x18, BIT(1)),
		.read_clears = true,
	},
	{
		/*
		 * AMD's UG1085 and UG1087, UART: SR at 0x2c, ISR at 0x14, whose errors are of the
		 * FIFO as a whole. The receiver interrupts from one byte on, and when bytes have
		 * waited.
		 */
		.name = "cdns",
		.compatible = NAMES("cdns,uart-r1p8", "cdns,uart-r1p12", "xlnx,xuartps",
				    "xlnx,zynqmp-uart"),
		.width = 4,
		.span = 0x34,
		.tx = 0x30,
		.rx = 0x30,
		.can_send = IS_CLEAR(0x2c, BIT(4)),
		.idle = {.offset = 0x2c, .mask = BIT(11) | BIT(3), .value = BIT(3)},
		.has_byte = IS_CLEAR(0x2c, BIT(1)),
		.bad = BITS(0x14, BIT(13) | BIT(7) | BIT(6)),
		.overrun = BITS(0x14, BIT(5)),
		.bad_early = BIT(13) | BIT(7) | BIT(6),
		.clear = STEPS({UART_WRITE, 0x14, BIT(13) | BIT(7) | BIT(6) | BIT(5)}),
		.start = STEPS({UART_CLEAR, 0x00, BIT(5) | BIT(3)},
			       {UART_SET, 0x00, BIT(4) | BIT(2)}, {UART_WRITE, 0x20, 1}),
		.listen = STEPS({UART_WRITE, 0x08, BIT(8) | BIT(0)}),
		.silence = STEPS({UART_WRITE, 0x0c, 0x3fff}),
		.acknowledge = STEPS({UART_WRITE, 0x14, BIT(8) | BIT(0)}),
	},
	{
		/* NXP's i.MX 8M Mini reference manual, "UART": the data says what is wrong */
		.name = "imx",
		.alias = "ec_imx6q",
		.compatible = NAMES("fsl,imx6q-uart", "fsl,imx53-uart", "fsl,imx21-uart"),
		.width = 4,
		.span = 0xb8,
		.tx = 0x40,
		.rx = 0x00,
		.can_send = IS_CLEAR(0xb4, BIT(4)),
		.idle = IS_SET(0x98, BIT(3)),
		.has_byte = IS_SET(0x98, BIT(0)),
		.data_bad = BIT(12) | BIT(11) | BIT(10),
		.data_overrun = BIT(13),
		.start =
			STEPS({UART_SET, 0x80, BIT(0)}, {UART_SET, 0x84, BIT(2) | BIT(1) | BIT(0)}),
		.listen = STEPS({UART_SET, 0x8c, BIT(0)}),
		/* and what a loader may have left on: UCR1's for room, bytes, RTS */
		.silence = STEPS({UART_CLEAR, 0x8c, BIT(0)},
				 {UART_CLEAR, 0x80, BIT(13) | BIT(9) | BIT(6) | BIT(5)}),
	},
	{
		/* NXP's i.MX 8X reference manual, "LPUART": the registers follow four others */
		.name = "lpuart32",
		.compatible =
			NAMES("fsl,imx7ulp-lpuart", "fsl,imx8qxp-lpuart", "fsl,imxrt1050-lpuart"),
		REGISTERS_LPUART32(0x10),
	},
	{
		/* NXP's LS1028A reference manual, chapter "LPUART" */
		.name = "lpuart-ls1028a",
		.compatible = NAMES("fsl,ls1028a-lpuart"),
		REGISTERS_LPUART32(0),
	},
	{
		/* NXP's LS1021A reference manual, chapter "LPUART" */
		.name = "lpuart-ls1021a",
		.compatible = NAMES("fsl,ls1021a-lpuart"),
		.big_endian = true,
		REGISTERS_LPUART32(0),
	},
	{
		/* NXP's VF6xx reference manual, "UART": reading S1, then D, clears errors */
		.name = "lpuart",
		.compatible = NAMES("fsl,vf610-lpuart"),
		.width = 1,
		.span = 8,
		.tx = 7,
		.rx = 7,
		.can_send = IS_SET(4, BIT(7)),
		.idle = IS_SET(4, BIT(6)),
		.has_byte = IS_SET(4, BIT(5)),
		.bad = BITS(4, BIT(2) | BIT(1) | BIT(0)),
		.overrun = BITS(4, BIT(3)),
		.start = STEPS({UART_SET, 3, BIT(3) | BIT(2)}),
	},
	{
		/*
		 * Qualcomm's serial engine: a command a transfer; qti_uart_console.S of TF-A
		 * (BSD-3-Clause); the receiver, of which no manual is published (see the top), has
		 * a byte a word of its FIFO.
		 */
		.name = "qcom_geni",
		.compatible = NAMES("qcom,geni-debug-uart", "qcom,geni-uart"),
		.width = 4,
		.span = 0x808,
		.tx = 0x700,
		.rx = 0x780,
		.can_send = IS_CLEAR(0x40, BIT(0)),
		.idle = IS_CLEAR(0x40, BIT(0)),
		.before_tx = STEPS({UART_WRITE, 0x270, 1}, {UART_WRITE, 0x600, BIT(27)}),
		.has_byte = IS_SOME(0x804, 0x1ffffff),
		.bad = BITS(0x640, BIT(11) | BIT(10) | BIT(9)),
		.bad_early = BIT(11) | BIT(10) | BIT(9),
		.clear = STEPS({UART_WRITE, 0x648, BIT(11) | BIT(10) | BIT(9)}),
		.start = STEPS({UART_UNLESS, 0x40, BIT(12)}, {UART_WRITE, 0x284, 0xf},
			       {UART_WRITE, 0x288, 0}, {UART_WRITE, 0x630, BIT(27)}),
	},
	{
		/*
		 * Qualcomm's APQ8016E technical reference manual, "UART_DM", 1.4: a byte a word of
		 * the FIFO by DMEN's single-character bits, which begin with a reset of both sides.
		 */
		.name = "msm_serial_dm",
		.compatible = NAMES("qcom,msm-uartdm-v1.4"),
		.width = 4,
		.span = 0x144,
		.tx = 0x100,
		.rx = 0x140,
		.can_send = IS_SET(0xa4, BIT(2)),
		.idle = IS_SET(0xa4, BIT(3)),
		.has_byte = IS_SET(0xa4, BIT(0)),
		.bad = BITS(0xa4, BIT(6) | BIT(5)),
		.overrun = BITS(0xa4, BIT(4)),
		.bad_early = BIT(6) | BIT(5),
		.clear = STEPS({UART_WRITE, 0xa8, 3 << 4}),
		.start = STEPS({UART_UNLESS, 0x3c, BIT(5) | BIT(4)}, {UART_DRAIN, 0, 0},
			       {UART_WRITE, 0x3c, BIT(5) | BIT(4)}, {UART_WRITE, 0xa8, 1 << 4},
			       {UART_WRITE, 0xa8, 2 << 4}, {UART_WRITE, 0xa8, 3 << 4},
			       {UART_WRITE, 0xa8, BIT(2) | BIT(0)}),
	},
	{
		/* Amlogic's S905 data sheet, "UART" */
		.name = "meson",
		.compatible =
			NAMES("amlogic,meson-gx-uart", "amlogic,meson-ao-uart",
			      "amlogic,meson6-uart", "amlogic,meson8-uart", "amlogic,meson8b-uart",
			      "amlogic,meson-g12a-uart", "amlogic,meson-s4-uart"),
		.width = 4,
		.span = 0x14,
		.tx = 0x00,
		.rx = 0x04,
		.can_send = IS_CLEAR(0x0c, BIT(21)),
		.idle = {.offset = 0x0c, .mask = BIT(25) | BIT(22), .value = BIT(22)},
		.has_byte = IS_CLEAR(0x0c, BIT(20)),
		.bad = BITS(0x0c, BIT(17) | BIT(16)),
		.bad_early = BIT(17) | BIT(16),
		.clear = STEPS({UART_SET, 0x08, BIT(24)}, {UART_CLEAR, 0x08, BIT(24)}),
		.start = STEPS({UART_SET, 0x08, BIT(13) | BIT(12)}),
	},
	{
		/* Renesas' R-Car, 3rd generation, user's manual, "SCIF" and "HSCIF" */
		.name = "scif",
		.alias = "hscif",
		.compatible = NAMES("renesas,scif", "renesas,hscif"),
		REGISTERS_SCIF(0x0c, 0x10, 0x14, 0x1c, 0x24),
	},
	{
		/* Renesas' RZ/G2L user's manual, "SCIFA": the registers are closer together */
		.name = "rzscifa",
		.compatible = NAMES("renesas,scif-r9a07g044", "renesas,scif-r7s9210",
				    "renesas,scif-r9a09g057"),
		REGISTERS_SCIF(0x06, 0x08, 0x0a, 0x0e, 0x12),
	},
	{
		.name = "exynos4210",
		.compatible = NAMES("samsung,exynos4210-uart", "samsung,exynos5433-uart",
				    "samsung,exynos850-uart", "samsung,s5pv210-uart",
				    "axis,artpec8-uart", "google,gs101-uart"),
		REGISTERS_S3C(BIT(24), 0x1ff),
	},
	{
		/* uart_regs.h of m1n1 (MIT): FIFOs of 16 bytes */
		.name = "s5l",
		.compatible = NAMES("apple,s5l-uart"),
		REGISTERS_S3C(BIT(9), 0x10f),
	},
	{
		/*
		 * SiFive's FU540-C000 manual, chapter 13: the data says that there is none. Empty
		 * is `txwm` with a watermark of one byte.
		 */
		.name = "sifive",
		.compatible = NAMES("sifive,uart0"),
		.width = 4,
		.span = 0x18,
		.tx = 0x00,
		.rx = 0x04,
		.can_send = IS_CLEAR(0x00, BIT(31)),
		.idle = IS_SET(0x14, BIT(0)),
		.data_empty = BIT(31),
		.start = STEPS({UART_CLEAR, 0x08, 7 << 16}, {UART_SET, 0x08, 1 << 16 | BIT(0)},
			       {UART_CLEAR, 0x0c, 7 << 16}, {UART_SET, 0x0c, BIT(0)}),
		.listen = STEPS({UART_WRITE, 0x10, BIT(1)}),
		.silence = STEPS({UART_WRITE, 0x10, 0}),
	},
	{
		/* SHAKTI's user manual, "UART"; compatible as in OpenSBI (BSD-2-Clause) */
		.name = "shakti",
		.compatible = NAMES("shakti,uart0"),
		.width = 2,
		.data_width = 1,
		.span = 0x24,
		.tx = 0x04,
		.rx = 0x08,
		.can_send = IS_CLEAR(0x0c, BIT(1)),
		.idle = IS_SET(0x0c, BIT(0)),
		.has_byte = IS_SET(0x0c, BIT(2)),
		.bad = BITS(0x0c, BIT(7) | BIT(6) | BIT(4)),
		.overrun = BITS(0x0c, BIT(5)),
		.listen = STEPS({UART_WRITE, 0x18, BIT(2)}),
		.silence = STEPS({UART_WRITE, 0x18, 0}),
	},
	{
		/* no manual is published (see the top); sprd-uart.yaml */
		.name = "sprd_serial",
		.compatible = NAMES("sprd,sc9836-uart"),
		.width = 4,
		.span = 0x20,
		.tx = 0x00,
		.rx = 0x04,
		.can_send = IS_CLEAR(0x0c, 0xff00),
		.idle = IS_CLEAR(0x0c, 0xff00),
		.has_byte = IS_SOME(0x0c, 0xff),
		.bad = BITS(0x08, BIT(7) | BIT(3) | BIT(2)),
		.overrun = BITS(0x08, BIT(4)),
		.bad_early = BIT(7) | BIT(3) | BIT(2),
		.clear = STEPS({UART_WRITE, 0x14, BIT(7) | BIT(4) | BIT(3) | BIT(2)}),
	},
	{
		/* ST's RM0436 (STM32MP157), chapter "USART" */
		.name = "stm32",
		.compatible = NAMES("st,stm32h7-uart", "st,stm32f7-uart"),
		.width = 4,
		.span = 0x2c,
		.tx = 0x28,
		.rx = 0x24,
		.can_send = IS_SET(0x1c, BIT(7)),
		.idle = IS_SET(0x1c, BIT(6)),
		.has_byte = IS_SET(0x1c, BIT(5)),
		.bad = BITS(0x1c, BIT(2) | BIT(1) | BIT(0)),
		.overrun = BITS(0x1c, BIT(3)),
		.clear = STEPS({UART_WRITE, 0x20, BIT(3) | BIT(2) | BIT(1) | BIT(0)}),
		.start = STEPS({UART_SET, 0x00, BIT(3) | BIT(2) | BIT(0)}),
	},
	{
		/* ST's STi7105 data sheet, "Asynchronous serial controller" */
		.name = "st-asc",
		.compatible = NAMES("st,asc"),
		.width = 4,
		.span = 0x18,
		.tx = 0x04,
		.rx = 0x08,
		.can_send = IS_CLEAR(0x14, BIT(9)),
		.idle = IS_SET(0x14, BIT(1)),
		.has_byte = IS_SET(0x14, BIT(0)),
		.data_bad = BIT(9) | BIT(8),
		.overrun = BITS(0x14, BIT(5)),
	},
	{
		/* Spansion's FM3 peripheral manual, "Multi-function serial", packed closer */
		.name = "milbeaut-usio",
		.compatible = NAMES("socionext,milbeaut-usio-uart"),
		.width = 1,
		.span = 6,
		.tx = 4,
		.rx = 4,
		.can_send = IS_SET(3, BIT(1)),
		.idle = IS_SET(3, BIT(0)),
		.has_byte = IS_SET(3, BIT(2)),
		.bad = BITS(3, BIT(5) | BIT(4)),
		.overrun = BITS(3, BIT(3)),
		.clear = STEPS({UART_SET, 3, BIT(7)}),
		.start = STEPS({UART_SET, 1, BIT(1) | BIT(0)}),
	},
	{
		/* Marvell's Armada 37xx specification, "UART"; TF-A's a3700_console.h (BSD) */
		.name = "ar3700_uart",
		.compatible = NAMES("marvell,armada-3700-uart"),
		.width = 4,
		.span = 0x18,
		.tx = 0x04,
		.rx = 0x00,
		.can_send = IS_CLEAR(0x0c, BIT(11)),
		.idle = IS_SET(0x0c, BIT(6)),
		.has_byte = IS_SET(0x0c, BIT(4)),
		.bad = BITS(0x0c, BIT(3) | BIT(2) | BIT(1)),
		.overrun = BITS(0x0c, BIT(0)),
		.bad_early = BIT(3) | BIT(2) | BIT(1),
		.clear = STEPS({UART_SET, 0x0c, BIT(3) | BIT(2) | BIT(1) | BIT(0)}),
	},
	{
		/* no manual is published (see the top); brcm,bcm6345-uart.yaml */
		.name = "bcm63xx_uart",
		.compatible = NAMES("brcm,bcm6345-uart"),
		.width = 4,
		.span = 0x18,
		.tx = 0x14,
		.rx = 0x14,
		.can_send = IS_SET(0x10, BIT(5)),
		.idle = IS_SET(0x10, BIT(5)),
		.has_byte = IS_SET(0x10, BIT(11)),
		.data_bad = BIT(10) | BIT(9) | BIT(8),
		.overrun = BITS(0x10, BIT(7)),
		.clear = STEPS({UART_SET, 0x00, BIT(6)}),
	},
	{
		/* no manual is published (see the top); actions,owl-uart.yaml */
		.name = "owl",
		.compatible = NAMES("actions,owl-uart"),
		.width = 4,
		.span = 0x10,
		.tx = 0x08,
		.rx = 0x04,
		.can_send = IS_CLEAR(0x0c, BIT(6)),
		.idle = IS_CLEAR(0x0c, BIT(17)),
		.has_byte = IS_CLEAR(0x0c, BIT(5)),
		.bad = BITS(0x0c, BIT(2)),
		.bad_early = BIT(2),
		.clear = STEPS({UART_WRITE, 0x0c, BIT(2)}),
	},
	{
		/* Nuvoton's MA35D1 technical reference manual, "UART": errors stay in FIFOSTS */
		.name = "ma35d1",
		.compatible = NAMES("nuvoton,ma35d1-uart"),
		.width = 4,
		.span = 0x1c,
		.tx = 0x00,
		.rx = 0x00,
		.can_send = IS_CLEAR(0x18, BIT(23)),
		.idle = IS_SET(0x18, BIT(28)),
		.has_byte = IS_CLEAR(0x18, BIT(14)),
		.bad = BITS(0x18, BIT(6) | BIT(5) | BIT(4)),
		.overrun = BITS(0x18, BIT(0)),
		.clear = STEPS({UART_WRITE, 0x18, BIT(6) | BIT(5) | BIT(4) | BIT(0)}),
	},
	{
		/* UCB's host-target interface: the firmware's, reached by SBI calls alone */
		.name = "sbi",
		.compatible = NAMES("ucb,htif0"),
		.driver = UART_DRIVER_NONE,
	},
};

const unsigned int uart_nr_kinds = sizeof(uart_kinds) / sizeof(uart_kinds[0]);

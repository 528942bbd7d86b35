/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * start.c: a bare C library's program as a process of qemu-user: the first instructions, and the few
 * system calls of Linux that newlib and picolibc need.
 */
#include <stdio.h>
#include <stdlib.h>

#if defined(__riscv)
#define CALL_WRITE 64
#define CALL_EXIT  93

static long call(long number, long a, long b, long c)
{
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a7 __asm__("a7") = number;

	__asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
	return a0;
}
#else
#define CALL_WRITE 4
#define CALL_EXIT  1

static long call(long number, long a, long b, long c)
{
	register long r0 __asm__("r0") = a;
	register long r1 __asm__("r1") = b;
	register long r2 __asm__("r2") = c;
	long was;

	/* r7 may be the frame pointer */
	__asm__ volatile("mov %1, r7\n\tmov r7, %2\n\tsvc #0\n\tmov r7, %1"
			 : "+r"(r0), "=&r"(was)
			 : "r"(number), "r"(r1), "r"(r2)
			 : "memory");
	return r0;
}
#endif

int main(void);

__attribute__((noreturn)) void _exit(int code)
{
	for (;;)
		call(CALL_EXIT, code, 0, 0);
}

__attribute__((used, noreturn)) static void start(void)
{
	exit(main());
}

#ifdef __PICOLIBC__
static char tls[256];
char __heap_start[1 << 20]; /* __heap_end: the linker's command line */

/* A line at a time: a call for each character is slow. */
static int put(char c, FILE *file)
{
	static char line[256];
	static size_t used;

	(void)file;
	line[used++] = c;
	if (c == '\n' || used == sizeof(line)) {
		call(CALL_WRITE, 1, (long)line, (long)used);
		used = 0;
	}
	return c;
}

static FILE console = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);
FILE *const stdout = &console;
FILE *const stderr = &console;

void abort(void) /* picolibc's wants signals */
{
	_exit(134);
}

__attribute__((naked, used)) void _start(void)
{
	__asm__ volatile(
		".option push\n\t.option norelax\n\tla gp, __global_pointer$\n\t.option pop\n\t"
		"mv tp, %0\n\tandi sp, sp, -16\n\tj start" ::"r"(tls + 128));
}
#else
void _fini(void)
{
}

int _write(int file, const void *text, size_t size)
{
	return (int)call(CALL_WRITE, file, (long)text, (long)size);
}

void *_sbrk(int more)
{
	static char heap[1 << 20];
	static size_t used;
	void *now = heap + used;

	used += (size_t)more;
	return now;
}

__attribute__((naked, used)) void _start(void)
{
	__asm__ volatile("b start");
}
#endif

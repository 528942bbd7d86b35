/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_debug.h: assertions inside mm/, which CONFIG_DEBUG_VM=1 switches on when it is built.
 *
 * VM_BUG_ON(condition) stands where code relies on the opposite: an invariant of a list, a count, a
 * state or a lock. If the condition holds, one line names file, line, function and condition, and
 * the port panics. Without the option the condition is compiled, so that it stays correct C, and
 * leaves no code behind. mm_check() walks all invariants at once; an assertion stops at the step
 * that breaks one.
 */
#ifndef QUARRY_VM_DEBUG_H
#define QUARRY_VM_DEBUG_H

#include <quarry/config.h>
#include <quarry/port.h>

#if CONFIG_DEBUG_VM
#define VM_BUG_ON(condition)                                                                       \
	((condition) ? port_panic("mm: %s:%d: %s(): %s", __FILE__, __LINE__, __func__, #condition) \
		     : (void)0)
#else
#define VM_BUG_ON(condition) ((void)sizeof(!(condition)))
#endif

#endif

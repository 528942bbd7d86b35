/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proof.h: what the proofs by CBMC share. A harness includes the source that it proves things of, so that it sees static
 * functions and the source stands as it is; each prove_NAME() of it is an entry point that test/proof/properties.py lists.
 *
 * Variables without an initial value hold anything, as CBMC has it. ASSUME() narrows that; what it leaves must not be
 * empty, so each harness has a cover_NAME() too, whose every COVER() must be reached.
 */
#ifndef QUARRY_PROOF_H
#define QUARRY_PROOF_H

#define ASSUME(condition) __CPROVER_assume(condition)
#define ASSERT(condition) __CPROVER_assert(condition, #condition)
#define COVER(condition)  __CPROVER_cover(condition)

#endif

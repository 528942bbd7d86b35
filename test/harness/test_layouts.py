# SPDX-License-Identifier: BSD-2-Clause
"""
All suites on boards that are legal and unlike most: little memory, none below 4 GiB, memory that is reserved, in pieces or without a
map, memory that is freed late, CPUs in odd numbers or none that starts, no timer. A suite asserts what follows from the board's own
figures, or says why it does not apply: nothing fails, and what is skipped for want of caches is what has none.
"""
import pytest

import ktap
import parse
from layouts import LAYOUTS, with_layout

# Cases whose CPUs wait for each other: with more of them than the host has, minutes. test_smp.py has them.
STORMS = {"smp.concurrent", "smp.interrupts", "smp.orders"}
NEED_CACHES = {"pcp.refill", "pcp.give_back", "pcp.drain", "pcp.off", "pcp.high_order"}
NO_CACHES = "too little memory for caches"
PCP_HIGH_MIN = 8  # pages: a smaller cache is none


def have_caches(board):
    """By the rule: each CPU's share of 1/256 of a zone is eight pages at least."""
    cpus = sum(line.startswith("cpu ") for line in board.lines("cpus"))
    zones = parse.zoneinfo(board.lines("zoneinfo"))
    return any(zone["managed"] // 256 // cpus >= PCP_HIGH_MIN for zone in zones.values())


@pytest.mark.parametrize("name", LAYOUTS)
def test_all_suites(boot, setup, subresults, name):
    if setup.isa not in LAYOUTS[name].get("isas", (setup.isa,)):
        return  # the board's firmware does not start such a machine
    board = boot(**with_layout(setup, name))
    board.expect_prompt()
    cases = board.lines("test -l")
    caches = have_caches(board)
    if LAYOUTS[name].get("cpus", 1) == 1:
        patterns = [""]
    else:
        patterns = [case.partition(".")[0] for case in cases if not case.startswith("smp.")]
        patterns = [*dict.fromkeys(patterns), *(case for case in cases
                                               if case.startswith("smp.") and case not in STORMS)]
    results = [result for pattern in patterns
               for result in ktap.check(board.cmd(f"test {pattern}".rstrip(), timeout=400))]
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])
    assert {r.name for r in results} >= set(cases) - STORMS
    skipped = {r.name for r in results if NO_CACHES in r.text}
    assert (skipped == set()) if caches else (NEED_CACHES <= skipped)

# SPDX-License-Identifier: BSD-2-Clause
"""
What an embedder may choose when building (include/quarry/config.h), in the positions that `make test`
does not build anyway.
"""
import subprocess

from board import ROOT, Board
from ktap import check


def test_without_debug_options(setup, subresults):
    """CONFIG_DEBUG_HOOKS=0, for size: all else works, and what is left out is refused in a line."""
    out = setup.vars["O"] + "/small"
    flags = "-DCONFIG_DEBUG_HOOKS=0"
    subprocess.run(["make", "-s", f"BOARD={setup.board}", f"O={out}", "OPT=-Os", f"EXTRA_CFLAGS={flags}"],
                   cwd=ROOT, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    board = Board(setup, kernel=ROOT / out / setup.isa / "quarry.bin")
    try:
        board.expect_prompt()
        missing = "not in this build: make EXTRA_CFLAGS=-DCONFIG_DEBUG_HOOKS=1"
        assert board.lines("fail every=7") == [f"fail: {missing}"]
        assert board.lines("trace on") == [f"trace: {missing}"]
        for name in ("page_poison", "init_on_alloc", "init_on_free"):
            assert board.lines(f"sysctl vm.{name}=1") == [f"sysctl: vm.{name}: {missing}"]
            assert board.lines(f"sysctl vm.{name}") == [f"vm.{name} = 0"]
        results = [result for suite in ("order", "api", "zone", "pcp", "misuse", "refs", "coalesce", "frag",
                                        "policy")
                   for result in check(board.cmd(f"test {suite}"))]
    finally:
        board.close()
    skipped = {result.name for result in results if result.passed is None}
    assert skipped == {"policy.refusal_changes_nothing", "policy.poison",
                       "policy.init_on_alloc_and_free", "policy.tracepoints"}
    subresults([(result.name, result.passed, result.text) for result in results
                if result.passed is not None])

# SPDX-License-Identifier: BSD-2-Clause
"""
The budgets as gates: the short workloads under -icount, where each run counts the same
instructions. `make bench` runs all of them and holds them to the final bounds.
"""
import pytest

import figures as fig
from board import Board

QUICK = {"1G": "bench B1; bench B2; bench B3; bench B4; bench B5; bench B8; "
               "bench B7; bench B10",
         "64G": "bench B1; bench B4; bench B5; bench B8"}


@pytest.fixture(scope="module")
def measured(setup):
    """All figures of both machines."""
    result = {}
    for memory, commands in QUICK.items():
        board = Board(setup, memory=memory, append=commands + "; poweroff", extra=fig.ICOUNT)
        try:
            assert board.wait_end(timeout=300) == 0
        finally:
            board.close()
        found, errors = fig.parse(board.transcript.getvalue(), memory)
        assert not errors, errors
        result.update(found)
    fig.derive(result)
    return result


def test_budgets(measured, subresults):
    results = fig.check(measured, fig.budgets(), gate=True)
    subresults([(name, verdict != "MISSED",
                 f"{value:g}, must be {row.rule} {row.not_yet or row.bound:g}")
                for row, name, value, verdict in results])


def test_every_quick_budget_was_measured(measured):
    quick = ("B1", "B2", "B3", "B4", "B5", "B7", "B8", "B10")
    rows = [row for row in fig.budgets() if row.name.split(".")[0] in quick]
    assert rows and not [row.name for row in rows if not row.matches(measured)]


def test_a_broken_budget_is_seen():
    row = fig.Budget("B1.inline.pair <= 48 40 100")
    verdicts = [fig.check({"B1.inline.pair": value}, [row], gate)[0][3]
                for value, gate in ((40, False), (48, False), (49, False), (49, True), (101, True))]
    assert verdicts == ["aim", "bound", "MISSED", "bound", "MISSED"]


def test_lines_are_parsed():
    found, errors = fig.parse("bench: B1 rv64 inline pair=40.00 alloc=~3\r\nbench: B6: bad\n", "4G")
    assert found == {"B1.inline.pair@4G": 40.0, "B1.inline.alloc@4G": 3.0}
    assert len(errors) == 2


def test_wrong_names(console):
    assert console.lines("bench B11") == ["bench: 'B11' is unknown; 'bench -l' lists all"]
    assert any(line.startswith("worst") for line in console.lines("bench -l"))

# SPDX-License-Identifier: BSD-2-Clause
"""
docs/features.md against the tests there are: each row once, each case that a row names exists. Whether it passes
is said by the run that it is part of: test_suites.py, test_host.py, pytest itself.
"""
import re

import pytest

from board import ROOT

ROWS = 57
TABLE = ROOT / "docs/features.md"


def rows(text):
    """[(number, behaviour, status, [case..])]."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and cells[0].isdigit():
            assert len(cells) == 4, line
            found.append((int(cells[0]), cells[1], cells[2], cells[3].split()))
    return found


def host_cases(program):
    """Cases that the program's main() lists."""
    path = next((ROOT / "test/host").rglob(f"{program}.c"), None)
    if path is None:
        return set()
    tests = re.search(r"CMUnitTest \w+\[\] = \{(.*?)\n\t\};", path.read_text(), re.S)
    return set(re.findall(r"\w+", tests.group(1))) if tests else set()


def exists(case, on_machine):
    """Is there such a case?"""
    if ":" not in case:
        return case in on_machine
    where, name = case.split(":")
    if where.endswith(".py"):
        path = ROOT / "test/harness" / where
        return path.exists() and re.search(rf"(?m)^def {re.escape(name)}\(", path.read_text())
    return name in host_cases(where)


@pytest.fixture(scope="module")
def on_machine(console):
    return set(console.lines("test -l"))


def test_every_row_once():
    assert [row[0] for row in rows(TABLE.read_text())] == list(range(1, ROWS + 1))


def test_every_done_row_has_a_case():
    for number, _, status, cases in rows(TABLE.read_text()):
        assert status in ("done", "next", "open"), number
        assert bool(cases) == (status == "done"), f"row {number} is {status} and names {len(cases)} cases"


def test_every_case_exists(on_machine):
    missing = [f"row {row[0]}: {case}" for row in rows(TABLE.read_text()) for case in row[3]
               if not exists(case, on_machine)]
    assert not missing, missing


@pytest.mark.parametrize("case", ["policy.nosuch", "nosuch", "test_policy:nosuch", "test_nosuch:reserves",
                                  "test_proc.py:test_nosuch", "test_nosuch.py:test_why"])
def test_a_case_that_is_not_there_is_seen(on_machine, case):
    assert not exists(case, on_machine)

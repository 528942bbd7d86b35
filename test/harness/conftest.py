# SPDX-License-Identifier: BSD-2-Clause
"""
Fixtures, and the closing line `N passed, N failed`: the last line of every run. It counts each pytest
case and, besides, each result that a case brought home from elsewhere: the suites on the machine
(KTAP) and the host programs (TAP).
"""
import sys

import pytest

from board import BOARDS, Board, Setup

EXIT = pytest.StashKey()


def pytest_generate_tests(metafunc):
    """Each case that uses a board runs on every board, or on those its file names in BOARDS."""
    if "setup" in metafunc.fixturenames:
        only = getattr(metafunc.function, "boards", getattr(metafunc.module, "BOARDS", BOARDS))
        boards = [board for board in only if board in BOARDS]
        ids = [board.rpartition("-")[2] for board in boards]
        metafunc.parametrize("setup", boards, ids=ids, indirect=True, scope="session")


@pytest.fixture(scope="session")
def setup(request):
    return Setup(request.param)


@pytest.fixture
def boot(setup, request):
    """boot(memory=.., ..) starts a board; it ends with the test. Its console is shown on failure."""
    boards = []

    def start(**options):
        boards.append(Board(setup, **options))
        return boards[-1]

    yield start
    failed = getattr(request.node, "call_failed", False)
    for board in boards:
        board.close()
        if failed:
            print("---- console ----")
            print(board.transcript.getvalue().replace("\r", "")[-20000:])


@pytest.fixture(scope="module")
def console(setup, request):
    """One machine at its prompt for all cases of a file that leave it as it was."""
    board = Board(setup)
    board.boot_log = board.expect_prompt()
    yield board
    board.close()
    if request.session.testsfailed:
        print("---- console ----")
        print(board.transcript.getvalue().replace("\r", "")[-20000:])


@pytest.fixture
def subresults(record_property):
    """
    subresults([(name, passed, text)..]) counts them in, and fails the case if one failed. passed None: it was
    skipped on the machine, and counts as nothing.
    """

    def count(results):
        failed = [f"{name}: {text}" for name, passed, text in results if passed is False]
        record_property("sub_passed", sum(passed is True for _, passed, _ in results))
        record_property("sub_failed", len(failed))
        assert results, "no result at all"
        assert not failed, "\n".join(["failed:"] + failed)

    return count


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    if outcome.get_result().when == "call":
        item.call_failed = outcome.get_result().failed


def pytest_sessionfinish(session, exitstatus):
    session.config.stash[EXIT] = int(exitstatus)


def pytest_unconfigure(config):
    if hasattr(config, "workerinput") or EXIT not in config.stash or config.option.collectonly:
        return
    stats = config.pluginmanager.get_plugin("terminalreporter").stats
    passed = failed = 0
    for key in ("passed", "failed", "error"):
        for report in stats.get(key, []):
            if key == "passed":
                passed += 1
            else:
                failed += 1
            for name, value in getattr(report, "user_properties", []):
                passed += value if name == "sub_passed" else 0
                failed += value if name == "sub_failed" else 0
    skipped = len(stats.get("skipped", []))
    if config.stash[EXIT] != 0 and failed == 0:
        failed = 1  # stopped, or nothing was collected
    sys.stdout.flush()
    if skipped:
        print(f"{skipped} skipped: this machine's tools lack what they need", file=sys.__stdout__)
    print(f"{passed} passed, {failed} failed", file=sys.__stdout__, flush=True)

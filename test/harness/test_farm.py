# SPDX-License-Identifier: BSD-2-Clause
"""The example of a board farm (examples/labgrid) on QEMU, as itself and as a board at a serial line."""
import os
import re
import subprocess
import xml.etree.ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not Path("/usr/lib/python3/dist-packages/labgrid").exists(), reason="no labgrid here")


def farm(setup, suites, farm=None, **more):
    """(what `make farm` returned, what it printed, the cases of its report)."""
    folder = setup.scratch / f"farm-{setup.isa}-{os.getpid()}"
    done = subprocess.run(["make", "-s", "farm", f"BOARD={setup.board}", f"FARM_FOLDER={folder}", f"FARM_SUITES={suites}",
                           *([f"FARM={farm}"] if farm else [])], cwd=ROOT, capture_output=True, text=True, timeout=600,
                          env={**os.environ, **more}, check=False)
    report = folder / "junit.xml"
    cases = xml.etree.ElementTree.parse(report).findall(".//testcase") if report.exists() else []
    for file in folder.glob("*"):
        file.unlink()
    return done.returncode, done.stdout + done.stderr, [f"{case.get('classname')}.{case.get('name')}" for case in cases
                                                        if not len(case)]


def test_qemu(setup):
    error, text, passed = farm(setup, "zone pcp")
    assert error == 0, text
    assert {name.split(".")[0] for name in passed} == {"zone", "pcp"} and len(passed) > 4


def test_serial_line(setup):
    """A board that is at its prompt already: a pseudo-terminal is its serial line."""
    with subprocess.Popen([*setup.qemu(), "-m", "128M", "-kernel", str(setup.image), "-display", "none", "-monitor", "none",
                           "-serial", "pty"], stdout=subprocess.PIPE, text=True) as board:
        try:
            line = re.search(r"redirected to (\S+)", board.stdout.readline())[1]
            error, text, passed = farm(setup, "zone", "serial", LG_PORT=line, LG_RUNNING="1")
        finally:
            board.kill()
    assert error == 0 and "zone.fallback" in passed, text


def test_what_fails(setup):
    """No report, no success."""
    error, text, passed = farm(setup, "nosuch")
    assert error != 0 and "KtapError" in text and not passed

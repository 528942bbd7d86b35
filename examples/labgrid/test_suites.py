# SPDX-License-Identifier: BSD-2-Clause
"""The suites on the board; their report becomes JUnit's XML before it is judged."""
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "test/harness"))
import ktap  # noqa: E402

SUITES_SECONDS = 1800


def test_suites(console, record_property):
    results = []
    for suite in os.environ.get("FARM_SUITES", "").split() or [""]:
        results += ktap.check(console.run(f"test {suite}".strip(), SUITES_SECONDS))
    (Path(os.environ["FARM_FOLDER"]) / "junit.xml").write_text(ktap.junit(results))
    for verdict, name in ((True, "sub_passed"), (False, "sub_failed")):
        record_property(name, sum(result.passed is verdict for result in results))
    assert results and not [result.name for result in results if result.passed is False]

# SPDX-License-Identifier: BSD-2-Clause
"""The checker of the machine's reports itself: whatever the serial line does to one is noticed."""
import xml.etree.ElementTree
import zlib

import pytest

import ktap


def report(results, notes=()):
    lines = ["KTAP version 1", f"1..{len(results)}", *notes]
    for number, (name, passed) in enumerate(results, 1):
        text = "SKIP no disk" if passed is None else "12 assertions"
        lines.append(f"{'not ok' if passed is False else 'ok'} {number} {name} # {text}")
    text = "".join(line + "\n" for line in lines)
    good, bad, skipped = ([p for _, p in results].count(v) for v in (True, False, None))
    return (f"{text}# quarry: passed={good} failed={bad} skipped={skipped} "
            f"records={len(lines)} crc32=0x{zlib.crc32(text.encode()):08x}\n")


RESULTS = [("order.0", True), ("order.1", True), ("pcp.off", False), ("blk.rings", None)]
GOOD = report(RESULTS, ["# a note"])


def test_whole_report():
    results = ktap.check(GOOD)
    assert [(r.name, r.passed) for r in results] == RESULTS
    assert results[0].notes == ["# a note"]


def test_log_lines_between_are_no_part_of_it():
    noisy = GOOD.replace("\nok 2", "\n[    1.234567] mm: free refused\nok 2").replace("\n", "\r\n")
    assert len(ktap.check("echo\n" + noisy + "after\n")) == len(RESULTS)


def test_every_lost_byte_is_noticed():
    for i in range(len(GOOD) - 1):
        with pytest.raises(ktap.KtapError):
            ktap.check(GOOD[:i] + GOOD[i + 1:])


def test_every_changed_byte_is_noticed():
    for i in range(len(GOOD) - 1):
        with pytest.raises(ktap.KtapError):
            ktap.check(GOOD[:i] + chr(ord(GOOD[i]) ^ 1) + GOOD[i + 1:])


def test_every_lost_line_is_noticed():
    lines = GOOD.splitlines(keepends=True)
    for i in range(len(lines)):
        with pytest.raises(ktap.KtapError):
            ktap.check("".join(lines[:i] + lines[i + 1:]))


def test_truncated_report_is_noticed():
    for i in range(len(GOOD) - 1):
        with pytest.raises(ktap.KtapError):
            ktap.check(GOOD[:i])


@pytest.mark.parametrize("wrong", ["passed=2", "failed=1", "skipped=1", "records=7"])
def test_wrong_counts_are_noticed(wrong):
    name, value = wrong.split("=")
    with pytest.raises(ktap.KtapError):
        ktap.check(GOOD.replace(wrong, f"{name}={int(value) + 1}"))


def test_junit():
    """Each case of the machine once, with its verdict and what was said of it; the counts are theirs."""
    results = ktap.check(GOOD)
    results[2].notes.append("# expected 1 < 2 & got \"3\"")
    suite = xml.etree.ElementTree.fromstring(ktap.junit(results).encode()).find("testsuite")
    cases = {f"{case.get('classname')}.{case.get('name')}": case for case in suite}
    assert list(cases) == [name for name, _ in RESULTS]
    assert {name: len(case) and case[0].tag for name, case in cases.items()} == \
        {"order.0": 0, "order.1": 0, "pcp.off": "failure", "blk.rings": "skipped"}
    assert cases["pcp.off"][0].text == "# expected 1 < 2 & got \"3\"" and cases["blk.rings"][0].get("message") == "no disk"
    assert [suite.get(key) for key in ("tests", "failures", "skipped", "errors")] == ["4", "1", "1", "0"]

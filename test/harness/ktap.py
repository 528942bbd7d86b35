# SPDX-License-Identifier: BSD-2-Clause
"""
The report of the suites that run on the machine (test/target/ktap.h), checked to the last byte: the
plan, the numbering, and the closing line's count and CRC-32, so that a lost or changed character of a
serial line is an error, never a pass.
"""
import re
import xml.etree.ElementTree
import zlib
from dataclasses import dataclass, field

RECORD = re.compile(r"(KTAP version 1$|1\.\.\d+$|ok |not ok |# )")
CLOSING = re.compile(
    r"# quarry: passed=(\d+) failed=(\d+) skipped=(\d+) records=(\d+) crc32=0x([0-9a-f]{8})$")
RESULT = re.compile(r"(ok|not ok) (\d+) (\S+) # (.*)$")


class KtapError(Exception):
    """The report is not whole, or contradicts itself."""


@dataclass
class Result:
    name: str
    passed: bool  # None: the machine lacks what it needs, it was skipped
    text: str
    notes: list = field(default_factory=list)


def check(output):
    """The results of one report within a console's output, in order; KtapError if it is not whole."""
    lines = output.replace("\r", "").split("\n")
    starts = [i for i, line in enumerate(lines) if line == "KTAP version 1"]
    if len(starts) != 1:
        raise KtapError(f"{len(starts)} lines 'KTAP version 1'")
    records = [line for line in lines[starts[0]:] if RECORD.match(line)]
    closings = [i for i, line in enumerate(records) if line.startswith("# quarry:")]
    if not closings:
        raise KtapError("no closing line")
    closing = CLOSING.match(records[closings[0]])
    if not closing:
        raise KtapError(f"a damaged closing line: {records[closings[0]]!r}")
    passed, failed, skipped, count = (int(closing.group(i)) for i in range(1, 5))
    records = records[:closings[0]]
    if len(records) != count:
        raise KtapError(f"{len(records)} records arrived, {count} were sent")
    text = "".join(line + "\n" for line in records).encode("latin-1")
    if zlib.crc32(text) != int(closing.group(5), 16):
        raise KtapError(f"CRC-32 is {zlib.crc32(text):#010x}, the machine says 0x{closing.group(5)}")
    return _results(records, passed, failed, skipped)


def _results(records, passed, failed, skipped):
    plan = re.match(r"1\.\.(\d+)$", records[1]) if len(records) > 1 else None
    if not plan:
        raise KtapError("no plan after the version")
    results, notes = [], []
    for line in records[2:]:
        match = RESULT.match(line)
        if not match:
            notes.append(line)
            continue
        if int(match.group(2)) != len(results) + 1:
            raise KtapError(f"result {match.group(2)} follows result {len(results)}")
        verdict = match.group(1) == "ok"
        if verdict and match.group(4).startswith("SKIP "):
            verdict = None
        results.append(Result(match.group(3), verdict, match.group(4), notes))
        notes = []
    if len(results) != int(plan.group(1)):
        raise KtapError(f"{len(results)} results, {plan.group(1)} were planned")
    verdicts = [result.passed for result in results]
    if (passed, failed, skipped) != tuple(verdicts.count(v) for v in (True, False, None)):
        raise KtapError("the closing line's counts are not those of the results")
    return results


def junit(results):
    """JUnit's XML of a report's results, one case each; a suite of ours is its class name."""
    verdicts = [result.passed for result in results]
    suite = xml.etree.ElementTree.Element("testsuite", name="quarry", tests=str(len(results)), errors="0",
                                          failures=str(verdicts.count(False)), skipped=str(verdicts.count(None)))
    for result in results:
        classname, _, name = result.name.partition(".")
        case = xml.etree.ElementTree.SubElement(suite, "testcase", classname=classname, name=name)
        if result.passed is False:
            xml.etree.ElementTree.SubElement(case, "failure", message=result.text).text = "\n".join(result.notes)
        elif result.passed is None:
            xml.etree.ElementTree.SubElement(case, "skipped", message=result.text.removeprefix("SKIP "))
    suites = xml.etree.ElementTree.Element("testsuites")
    suites.append(suite)
    xml.etree.ElementTree.indent(suites)
    return xml.etree.ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"

# SPDX-License-Identifier: BSD-2-Clause
"""
The fuzzers of test/fuzz: each runs its kept corpus, then looks for more for a minute, from the same seed
each time. What the sanitizers and the fuzzer's own checks say is the verdict; time is none.
"""
import os
import re
import subprocess

import pytest

from board import ROOT

FUZZERS = sorted(path.stem.removeprefix("fuzz_") for path in (ROOT / "test/fuzz").glob("fuzz_*.c"))
CORPUS_BYTES = 300 * 1024  # of each, as kept
SECONDS = os.environ.get("FUZZ_SECONDS", "60")


def make(*arguments):
    done = subprocess.run(["make", "--no-print-directory", *arguments], cwd=ROOT, text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


@pytest.mark.parametrize("name", FUZZERS)
def test_corpus(name):
    """The kept inputs are there, few, and run clean."""
    corpus = [path for path in (ROOT / "test/fuzz/corpus" / name).iterdir() if path.is_file()]
    assert corpus and sum(path.stat().st_size for path in corpus) <= CORPUS_BYTES
    # libFuzzer runs an empty input besides, and one again where it looks for a leak.
    report = make(f"fuzz-replay-{name}")
    runs = re.search(r"Done (\d+) runs", report)
    assert runs and int(runs[1]) >= len(corpus) + 1, report


@pytest.mark.parametrize("name", FUZZERS)
def test_fuzz(name):
    report = make(f"fuzz-{name}", f"FUZZ_SECONDS={SECONDS}", "FUZZ_OPTIONS=-seed=1")
    assert f"fuzz: {name}: inputs run: " in report

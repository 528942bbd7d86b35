# SPDX-License-Identifier: BSD-2-Clause
"""
make prove, kept alive: the models of test/proof in memory that is not sequentially consistent, each without one of its
safeguards too, and what the runner makes of what it cannot do. The proofs by CBMC and Frama-C need packages that
nothing else needs: they are make prove's.
"""
import re
import subprocess
import sys

import pytest

from board import ROOT

sys.path.insert(0, str(ROOT / "test/proof"))
import prove  # noqa: E402
from properties import PROPERTIES, SPIN, Property  # noqa: E402

WEAK = [proof for proof in PROPERTIES if proof.tool == SPIN and "weak.pml" in (ROOT / "test/proof" / proof.sources[0]).read_text()]


def test_the_models_are_there():
    assert len(WEAK) >= 7 and all(len(proof.variants) >= 2 for proof in WEAK)


@pytest.mark.parametrize("proof", WEAK, ids=lambda proof: proof.name)
def test_memory_order(proof, tmp_path):
    """Nothing is found, and without any one of its safeguards something is."""
    tools = prove.Tools(tmp_path, 0, nice=0)
    verdict, detail, text = tools.prove_spin(ROOT, proof)
    assert verdict == prove.PROVED and int(detail.split()[0]) > 40, text
    source = (ROOT / "test/proof" / proof.sources[0]).read_text()
    assert set(re.findall(r"(?m)^#ifn?def (\w+)", source)) == set(proof.variants)
    for variant, found in proof.variants.items():
        verdict, detail, text = tools.prove_spin(ROOT, proof, [f"-D{variant}"])
        assert verdict == prove.REFUTED and found in detail, (variant, text)


def test_the_argument_names_the_step():
    """docs/smp.md: model and line of each pair, which are steps of that model; no model of the kind goes unnamed."""
    named = set()
    for row in re.findall(r"(?m)^\| .*\.pml:\d+.*$", (ROOT / "docs/smp.md").read_text()):
        model = re.search(r"`(\w+)\.pml:", row)[1]
        lines = (ROOT / "test/proof" / (model + ".pml")).read_text().splitlines()
        for number in re.findall(r"`(?:\w+\.pml)?:(\d+)`", row):
            assert re.search(r"\b(store|load|exchange_if|fence)\(", lines[int(number) - 1]), (row, number)
        named.add(model)
    assert named == {proof.name for proof in WEAK}


def test_the_sources_of_each_property_are_there():
    for proof in PROPERTIES:
        folder = {prove.CBMC: ROOT / "test/proof/cbmc", prove.WP: ROOT, prove.SPIN: ROOT / "test/proof"}[proof.tool]
        for source in proof.sources:
            assert (folder / source).exists(), proof.name
        for place in proof.of:
            file, function = place.split(":")
            assert re.search(rf"\b{function}\(", (ROOT / file).read_text()), place
    names = {proof.name for proof in PROPERTIES}
    assert all(len(key) == 4 and key[0] in names and reason for key, reason in prove.survivors().items())


def test_what_was_not_run_is_no_proof(tmp_path):
    """A tool that is missing, a limit, a model that does not compile: undecided, and the run fails."""
    tools = prove.Tools(tmp_path, 1, nice=0)
    assert tools.run(["sh", "-c", "while :; do :; done"], tmp_path, 1)[0] is None
    broken = Property("broken", SPIN, "", ["pcp.pml"], defines=["-DCPUS=none"])
    assert tools.prove_spin(ROOT, broken)[0] == prove.NOTHING
    document = (ROOT / "docs/proof.md").read_text()
    assert "**not run**" in "\n".join(prove.rows({}))
    for proof in PROPERTIES:
        assert f"| `{proof.name}`: {proof.says} |" in document, "docs/proof.md: make prove DOCS=1"


def test_a_missing_tool_is_said(tmp_path):
    done = subprocess.run([sys.executable, ROOT / "test/proof/prove.py", "--out", tmp_path, "page_ref_change"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 1 and "page_ref_change: FAILED: undecided" in done.stdout, done.stdout

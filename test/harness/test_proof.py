# SPDX-License-Identifier: BSD-2-Clause
"""
make prove, kept alive: the models of test/proof in memory that is not sequentially consistent, each without one of its
safeguards too, and what the runner makes of what it cannot do. The proofs by CBMC and Frama-C need packages that
nothing else needs: they are make prove's.
"""
import json
import re
import shutil
import subprocess
import sys

import pytest

from board import ROOT

sys.path.insert(0, str(ROOT / "test/proof"))
import prove  # noqa: E402
from properties import PROPERTIES, SPIN, Property  # noqa: E402

WEAK = [proof for proof in PROPERTIES if proof.tool == SPIN and "weak.pml" in (ROOT / "test/proof" / proof.sources[0]).read_text()]
WEAK_STEP = r"\b(store|load|exchange_if|fence)\("
STEP = {"isolation": r"CHANGE\(|MAY_HAVE\(|ALL_FREE|isolated = |state\[page\] = ",
        "pieces": r"kicked\[\w+\] = |pending\[\w+\] = |define WAITS"}
QUICK = [*WEAK, *(proof for proof in PROPERTIES if proof.name in STEP)]


def test_the_models_are_there():
    assert len(WEAK) >= 7 and all(len(proof.variants) >= 2 for proof in WEAK)


@pytest.mark.parametrize("proof", QUICK, ids=lambda proof: proof.name)
def test_model(proof, tmp_path):
    """Nothing is found, and without any one of its safeguards something is."""
    tools = prove.Tools(tmp_path, 0, nice=0)
    verdict, detail, text = tools.prove_spin(ROOT, proof)[:3]
    assert verdict == prove.PROVED and int(detail.split()[0]) > 40, text
    source = (ROOT / "test/proof" / proof.sources[0]).read_text()
    assert set(re.findall(r"(?m)^#ifn?def (\w+)", source)) == set(proof.variants)
    for variant, found in proof.variants.items():
        verdict, detail, text = tools.prove_spin(ROOT, proof, [f"-D{variant}"])[:3]
        assert verdict == prove.REFUTED and found in detail, (variant, text)


def test_the_argument_names_the_step():
    """docs/smp.md: model and line of each pair, which are steps of that model; no model of the kind goes unnamed."""
    named = set()
    for row in re.findall(r"(?m)^\| .*\.pml:\d+.*$", (ROOT / "docs/smp.md").read_text()):
        model = re.search(r"`(\w+)\.pml:", row)[1]
        lines = (ROOT / "test/proof" / (model + ".pml")).read_text().splitlines()
        for number in re.findall(r"`(?:\w+\.pml)?:(\d+)`", row):
            assert re.search(STEP.get(model, WEAK_STEP), lines[int(number) - 1]), (row, number)
        named.add(model)
    assert named == {proof.name for proof in QUICK}


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


def test_what_is_kept_is_of_the_same_sources(tmp_path):
    """A verdict is taken from an earlier run only where each word that the tool reads is the same, options and contracts included."""
    kept, proof = prove.Kept(tmp_path / "kept"), Property("kept", prove.CBMC, "", ["one.c"])
    source, header = tmp_path / "test/proof/cbmc/one.c", tmp_path / "include/one.h"
    for file in (source, header):
        file.parent.mkdir(parents=True)

    def key(code="int one(void) { return ONE; }", value="1", words=("a",), comments=False):
        source.write_text(f'#include "one.h"\n{code}\n')
        header.write_text(f"#define ONE {value}\n")
        return kept.key(tmp_path, proof, words, comments, ["gcc --version"])

    first = key()
    assert first and first == key() == key("/* what no compiler sees */ int one(void) { return ONE; }")
    contract = "/*@ ensures \\result == 1; */ int one(void) { return ONE; }"
    others = [key(value="2"), key("int one(void) { return ONE + 1; }"), key(words=("b",)), key(contract, comments=True),
              key(contract.replace("== 1", ">= 1"), comments=True)]
    assert None not in others and len({first, *others}) == 6
    assert key('#include "nothing.h"') is None and kept.key(tmp_path, proof, [], False, ["no-such-tool --version"]) is None
    outcome = prove.Outcome(prove.PROVED, "3 assertions", "", 1.5, 4096)
    kept.put(first, outcome._replace(verdict=prove.NOTHING))
    assert kept.get(first) is None and kept.get(None) is None
    kept.put(first, outcome)
    assert kept.get(first)[:2] == outcome[:2] and kept.get(others[0]) is None


def test_a_kept_refutation_is_found_again(tmp_path):
    """A second run of a model takes what the first found; a change of the model is run."""
    tools, proof = prove.Tools(tmp_path, 0, nice=0), next(proof for proof in WEAK if proof.name == "publication")
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "test/proof", tree / "test/proof")
    first = tools.prove(tree, proof)
    for file in (tmp_path / "kept").glob("*.json"):
        file.write_text(json.dumps({**json.loads(file.read_text()), "detail": "from before"}))
    assert first.verdict == prove.PROVED and tools.prove(tree, proof).detail == "from before"
    model = tree / "test/proof/publication.pml"
    model.write_text(model.read_text() + "int one_more;\n")
    assert tools.prove(tree, proof)[:2] == (prove.PROVED, first.detail)


def test_what_is_over_time_is_not_tried(tmp_path):
    """At the end of its minutes a run says how many changes it did not come to."""
    options = type("", (), {"jobs": 1, "minutes": 0, "mutants": 3})
    run = prove.Run(prove.Tools(tmp_path, 0, nice=0), options)
    proof = next(proof for proof in PROPERTIES if proof.name == "page_ref_change")
    result = {"killed": 0, "survived": 0, "undecided": 0, "not_tried": 0, "more": 0, "variants": 0}
    run.mutants(proof, result)
    assert result["not_tried"] == 3 and run.failed


def test_two_proofs_where_the_tools_are(tmp_path):
    """One by CBMC and one by WP, and a change of each refuted. Nobody needs the tools for make test."""
    cbmc = ROOT / "build/prove/cbmc"
    if not (cbmc / "cbmc").exists() or not all(map(shutil.which, ("frama-c", "why3", "z3", "cvc4"))):
        pytest.skip("make prove's tools are not here")
    (tmp_path / "cbmc").symlink_to(cbmc)
    done = subprocess.run([sys.executable, ROOT / "test/proof/prove.py", "--out", tmp_path, "--nice", "0", "--mutants", "1",
                           "page_ref_change", "region_end"], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0 and "2 of" in done.stdout and len(re.findall(r": 1 changes refuted", done.stdout)) == 2, done.stdout


def test_a_missing_tool_is_said(tmp_path):
    done = subprocess.run([sys.executable, ROOT / "test/proof/prove.py", "--out", tmp_path, "page_ref_change"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 1 and "page_ref_change: FAILED: undecided" in done.stdout, done.stdout

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
make prove: each property of properties.py is proved, and each small change (test/mutate/mutants.py) of the functions that it
is about must break the proof. A run of a solver has a limit of processor time and of memory; one that comes to a limit, or
that a tool is missing for, has proved nothing and refuted nothing, and the exit status says so.

What is equal to the compiler is no change. A change that the proof lets pass must stand in survivors.txt, with the reason.
With --docs the table of docs/proof.md is written anew from what this run, and earlier ones of other properties, found.
"""
import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "test/mutate")]
from mutants import choose, mutants_of  # noqa: E402
from properties import CBMC, PROPERTIES, SPIN, WP  # noqa: E402

MEMORY = 6 << 30
PORT = "-DQUARRY_PORT_HEADER=\"quarry/port/one_cpu.h\""
PROVED, REFUTED, NOTHING = "proved", "refuted", "undecided"


class Tools:
    """Where the tools are, and what they run on: a tree is the project's own, or a copy with a change."""

    def __init__(self, out, seconds, nice=19):
        self.out, self.seconds, self.nice = out, seconds, nice
        self.used = {}

    def run(self, command, cwd, seconds):
        """(exit status or None at a limit, output); what it took is added up. A clock three times as long is for a loaded machine."""
        seconds = self.seconds or seconds

        def limit():
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            os.setpgid(0, 0)

        with tempfile.TemporaryFile("w+", errors="replace") as text:
            before = time.monotonic()
            process = subprocess.Popen(["nice", "-n", str(self.nice), *command], cwd=cwd, stdout=text, stderr=subprocess.STDOUT,
                                       env={**os.environ, "WHY3CONFIG": str(self.out / "why3.conf")}, preexec_fn=limit)
            status = None
            while time.monotonic() < before + 6 * seconds:
                pid, code, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    status = os.waitstatus_to_exitcode(code)
                    self.used["seconds"] = self.used.get("seconds", 0) + usage.ru_utime + usage.ru_stime
                    self.used["kib"] = max(self.used.get("kib", 0), usage.ru_maxrss)
                    break
                time.sleep(0.05)
            else:
                os.killpg(process.pid, 9)
                process.wait()
            text.seek(0)
            return (None if status is None or status < 0 else status), text.read()

    def cbmc(self, tree, proof, entry, options, seconds):
        files = [tree / "test/proof/cbmc" / name for name in proof.sources]
        return self.run([self.out / "cbmc/cbmc", *files, "--function", entry, f"-I{tree}", f"-I{tree}/include", PORT, *proof.defines,
                         *options], tree, seconds)

    def prove_cbmc(self, tree, proof, quick=False):
        options = ["--unwind", str(proof.unwind), "--unwinding-assertions", "--object-bits", "10", *proof.options, *(["--stop-on-fail"] if quick else []),
                   *(["--unwindset", ",".join(f"{loop}:{n}" for loop, n in proof.loops.items())] if proof.loops else [])]
        status, text = self.cbmc(tree, proof, "prove_" + proof.entry, options, proof.seconds)
        checked = re.search(r"\*\* 0 of (\d+) failed", text)
        if status == 0 and "VERIFICATION SUCCESSFUL" in text:
            return PROVED, f"{checked[1]} assertions" if checked else "", text
        failed = re.findall(r"(?m)^\[(\S+)\] .*: FAILURE$|^Violated property:\n(?:.*\n){2} *(.*)$", text)
        if status == 10:
            return REFUTED, ", ".join(one or other for one, other in failed[:3]), text
        return NOTHING, "limit" if status is None else (text.strip().splitlines() or [""])[-1], text

    def cover_cbmc(self, proof):
        """What is assumed is not empty: each COVER() of the harness is reached."""
        if not re.search(rf"\bcover_{proof.entry}\(", (HERE / "cbmc" / proof.sources[0]).read_text()):
            return None
        options = ["--unwind", str(proof.unwind), "--cover", "cover", "--object-bits", "10",
                   *(["--unwindset", ",".join(f"{loop}:{n}" for loop, n in proof.loops.items())] if proof.loops else [])]
        _, text = self.cbmc(ROOT, proof, "cover_" + proof.entry, options, proof.seconds)
        found = re.search(r"\*\* (\d+) of (\d+) covered", text)
        return (int(found[1]), int(found[2])) if found else (0, 0)

    def prove_wp(self, tree, proof, quick=False):
        file = tree / proof.sources[0]
        status, text = self.run(["frama-c", "-c11", "-machdep", "gcc_x86_64", f"-cpp-extra-args=-I{tree}/include -I{tree} "
                                 + PORT.replace('"', '\\"') + " ".join(["", *proof.defines]), "-wp", "-wp-rte", "-wp-prover", "z3,cvc4",
                                 "-wp-par", "1", "-wp-timeout", str(proof.goal_seconds), "-wp-fct", ",".join(proof.functions), *proof.options,
                                 file], tree, proof.seconds)
        goals = re.search(r"Proved goals: +(\d+) / (\d+)", text)
        if status != 0 or not goals:
            return NOTHING, "limit" if status is None else (text.strip().splitlines() or [""])[-1], text
        if goals[1] == goals[2] and int(goals[2]):
            return PROVED, f"{goals[2]} goals", text
        return REFUTED, f"{goals[1]} of {goals[2]} goals", text

    def prove_spin(self, tree, proof, defines=()):
        with tempfile.TemporaryDirectory(dir=self.out) as folder:
            status, text = self.run(["spin", *proof.defines, *defines, "-a", tree / "test/proof" / proof.sources[0]], folder, 60)
            if status == 0:
                status, text = self.run(["gcc", "-w", "-O0" if proof.seconds <= 60 else "-O2", "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=5000", "-o", "pan", "pan.c"], folder, 120)
            if status != 0:
                return NOTHING, text, text
            status, text = self.run(["./pan", "-m100000", "-w20" if proof.seconds <= 60 else "-w24"], folder, proof.seconds)
        errors, states = re.search(r"errors: (\d+)", text), re.search(r"(\d+) states, stored", text)
        if status is None or not errors or not states or "MEMLIM" in text or "search depth too small" in text:
            return NOTHING, "limit", text
        if errors[1] != "0":
            return REFUTED, (re.search(r"pan:\d+: (.*?) \(at depth", text) or [0, ""])[1], text
        return PROVED, f"{states[1]} states", text

    def prove(self, tree, proof, quick=False):
        return {CBMC: self.prove_cbmc, WP: self.prove_wp, SPIN: lambda t, p, q: self.prove_spin(t, p)}[proof.tool](tree, proof, quick)


def survivors():
    """{(property, changed line): reason}"""
    lines = (HERE / "survivors.txt").read_text().splitlines()
    return {tuple(line.split(" | ")[:4]): line.split(" | ")[4] for line in lines if line and not line.startswith("#")}


def object_of(tree, file, defines):
    """What the compiler makes of a file, or None: it does not compile."""
    made = tree / "one.o"
    done = subprocess.run(["gcc", "-std=gnu11", "-O2", "-g0", "-w", "-Werror=int-conversion", "-Werror=incompatible-pointer-types", PORT,
                           *defines, "-Iinclude", "-I.", "-frandom-seed=0", "-x", "c", "-c", "-o", made, file], cwd=tree, check=False,
                          stderr=subprocess.DEVNULL)
    return made.read_bytes() if done.returncode == 0 else None


def used_in(file):
    """A source that the functions of a header get into."""
    return file if file.endswith(".c") else {"mm/alloc/alloc_internal.h": "mm/alloc/page_ref.c", "mm/free_map.h": "mm/buddy/map.c",
                                             "mm/memblock/memblock_internal.h": "mm/memblock/memblock.c",
                                             "mm/state.h": "mm/buddy/buddy.c"}[file]


def changes(tree, proof, most):
    """Small changes of the functions a proof is about, in an order that what else changes does not move."""
    for file in sorted({place.split(":")[0] for place in proof.of}):
        names = {place.split(":")[1] for place in proof.of if place.startswith(file + ":")}
        text = (ROOT / file).read_text()
        found = [mutant for mutant in mutants_of(file, text) if mutant.function in names]
        before, count = object_of(tree, used_in(file), proof.defines), 0
        for mutant in choose(found, "1"):
            if count == most * len(names):
                break
            (tree / file).write_text(text[:mutant.start] + mutant.text + text[mutant.end:])
            after = object_of(tree, used_in(file), proof.defines)
            if after is not None and after != before:
                count += 1
                yield mutant
            (tree / file).write_text(text)


def copy_tree(out):
    tree = out / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    for folder in ("mm", "include", "test/proof"):
        shutil.copytree(ROOT / folder, tree / folder)
    return tree


class Run:
    def __init__(self, tools, options):
        self.tools, self.options, self.failed = tools, options, 0
        self.known = survivors()

    def say(self, proof, text):
        print(f"prove: {proof.name}: {text}", flush=True)

    def fail(self, proof, text):
        self.failed += 1
        self.say(proof, "FAILED: " + text)

    def property(self, proof):
        self.tools.used = {}
        verdict, detail, text = self.tools.prove(ROOT, proof)
        result = {"verdict": verdict, "detail": detail, **self.tools.used, "killed": 0, "survived": 0, "undecided": 0, "variants": 0}
        (self.tools.out / f"{proof.name}.log").write_text(text)
        if verdict != PROVED:
            self.fail(proof, f"{verdict}: {detail} (all of it: {self.tools.out}/{proof.name}.log)")
            return result
        self.say(proof, f"proved: {detail}, {result['seconds']:.0f} s, {result['kib'] >> 10} MiB")
        if proof.tool == CBMC:
            covered = self.tools.cover_cbmc(proof)
            if covered:
                result["covered"] = covered
                self.say(proof, f"{covered[0]} of {covered[1]} states that must be possible are")
                if not covered[0] or covered[0] != covered[1]:
                    self.fail(proof, "the assumptions leave too little")
        for variant, wanted in proof.variants.items():
            verdict, detail, text = self.tools.prove_spin(ROOT, proof, [f"-D{variant}"])
            result["variants"] += 1
            if verdict != REFUTED or wanted not in detail:
                self.fail(proof, f"without its safeguard, {variant}, it is {verdict}: {detail}")
        if proof.tool != SPIN and self.options.mutants:
            self.mutants(proof, result)
        return result

    def mutants(self, proof, result):
        tree = copy_tree(self.tools.out)
        for mutant in changes(tree, proof, self.options.mutants):
            key = (proof.name, mutant.function, mutant.before, mutant.after)
            verdict, detail, _ = self.tools.prove(tree, proof, True)
            if "CONVERSION ERROR" in detail or "PARSING ERROR" in detail:
                continue  # it is no C
            if verdict == REFUTED:
                result["killed"] += 1
            elif key in self.known:
                result["survived"] += 1
            else:
                result["undecided"] += 1
                self.fail(proof, f"a change is {verdict} ({detail}): " + " | ".join(key))
        self.say(proof, f"{result['killed']} changes refuted, {result['survived']} of no account, {result['undecided']} not refuted")


def rows(results):
    """The table of docs/proof.md."""
    yield "| property | of | by | checked | time, memory | changes refuted |"
    yield "|--|--|--|--|--|--|"
    for proof in PROPERTIES:
        result = results.get(proof.name)
        if not result:
            yield f"| `{proof.name}`: {proof.says} | | {proof.tool} | **not run** | | |"
            continue
        functions = ", ".join(f"`{place.split(':')[1]}()`" for place in proof.of)
        verdict = result["detail"] if result["verdict"] == PROVED else f"**{result['verdict']}**: {result['detail']}"
        if "covered" in result:
            verdict += "; {} of {} covers".format(*result["covered"])
        killed, left = result["killed"], result["undecided"]
        refuted = f"{result['variants']} of {result['variants']} variants" if proof.tool == SPIN else \
            f"{killed} of {killed + left}" if killed + left else "**none tried**" if proof.of else ""
        yield (f"| `{proof.name}`: {proof.says} | {functions} | {proof.tool} | {verdict} | {result['seconds']:.0f} s, "
               f"{result['kib'] >> 10} MiB | {refuted} |")


def write_docs(results):
    document = ROOT / "docs/proof.md"
    text = document.read_text()
    begin, end = "<!-- written by make prove DOCS=1 -->\n", "<!-- end -->\n"
    head, rest = text.split(begin)
    document.write_text(head + begin + "\n".join(rows(results)) + "\n" + end + rest.split(end)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="properties; default all")
    parser.add_argument("--out", type=Path, default=ROOT / "build/prove")
    parser.add_argument("--mutants", type=int, default=20, help="changes of each function; 0: none")
    parser.add_argument("--seconds", type=int, default=0, help="processor time of a run, instead of each property's own")
    parser.add_argument("--docs", action="store_true", help="write the table of docs/proof.md")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{proof.name:28}{proof.tool:6}{proof.says}" for proof in PROPERTIES))
        return 0
    unknown = set(options.names) - {proof.name for proof in PROPERTIES}
    if unknown:
        parser.error(f"no property {', '.join(sorted(unknown))}; --list has them")
    options.out.mkdir(parents=True, exist_ok=True)
    tools = Tools(options.out.resolve(), options.seconds)
    if shutil.which("why3") and not (tools.out / "why3.conf").exists():
        subprocess.run(["why3", "config", "detect"], env={**os.environ, "WHY3CONFIG": str(tools.out / "why3.conf")}, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    kept = options.out / "results.json"
    run, results = Run(tools, options), {}
    chosen = [proof for proof in PROPERTIES if not options.names or proof.name in options.names]
    for proof in chosen:
        result = run.property(proof)
        results = json.loads(kept.read_text()) if kept.exists() else {}
        results[proof.name] = result
        kept.write_text(json.dumps(results, indent=1))
    if options.docs:
        write_docs(results)
    print(f"prove: {len(chosen)} properties, {sum(results[p.name]['verdict'] == PROVED for p in chosen)} proved; "
          f"{run.failed} failures")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())

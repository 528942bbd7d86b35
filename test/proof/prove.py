#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
make prove: each property of properties.py is proved, and each small change (test/mutate/mutants.py) of the functions that it
is about must break the proof. A run of a solver has a limit of processor time and of memory; one that comes to a limit, or
that a tool is missing for, has proved nothing and refuted nothing, and the exit status says so.

What is equal to the compiler is no change. A change that the proof lets pass must stand in survivors.txt, with the reason.
With --docs the table of docs/proof.md is written anew. What an earlier run found of the very same sources is taken from there.
"""
import argparse
import hashlib
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "test/mutate")]
from mutants import ARITHMETIC, choose, mutants_of  # noqa: E402
from properties import BEGUN, CBMC, PROPERTIES, SPIN, WP  # noqa: E402

MEMORY = 6 << 30
PORT = "-DQUARRY_PORT_HEADER=\"quarry/port/one_cpu.h\""
PROVED, REFUTED, NOTHING = "proved", "refuted", "undecided"
WP_UNPROVED = r"(?m)^\[wp\] \[[^\]]*\] Goal (\S+)[^:\n]*\n"


Outcome = namedtuple("Outcome", "verdict detail text seconds kib")


class Kept:
    """
    What is decided is kept, by a hash of all that a tool reads: the sources after the preprocessor, the options, the tools'
    versions. So a run that was stopped goes on where it was, and what it is about is proved again once a word of it changes.
    """

    def __init__(self, folder):
        self.folder, self.known = folder, {}
        (folder / "goals").mkdir(parents=True, exist_ok=True)

    def version(self, command):
        """What a tool says of itself; None: it is not there."""
        if command not in self.known:
            there = shutil.which(command.split()[0])
            self.known[command] = subprocess.run(command.split(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout \
                if there else None
        return self.known[command]

    def key(self, tree, proof, words, comments, versions):
        """None: the sources are no C, or a tool is not there."""
        made = hashlib.sha256("\0".join(words).encode())
        if None in map(self.version, versions):
            return None
        for command in versions:
            made.update(self.version(command))
        for source in proof.sources:
            file = tree / ("" if proof.tool == WP else "test/proof/cbmc" if proof.tool == CBMC else "test/proof") / source
            done = subprocess.run(["gcc", "-x", "c", "-E", "-P", *(["-CC"] if comments else []), PORT, *proof.defines, f"-I{tree}", f"-I{tree}/include",
                                   file], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
            if done.returncode:
                return None
            made.update(b"\n".join(filter(None, map(bytes.strip, done.stdout.splitlines()))))  # a comment leaves space behind
        return made.hexdigest()

    def get(self, key):
        file = self.folder / f"{key}.json"
        return Outcome(**json.loads(file.read_text()), text="kept from an earlier run\n") if key and file.exists() else None

    def put(self, key, outcome):
        if key and outcome.verdict != NOTHING:
            new = self.folder / f"{key}.{threading.get_ident()}"
            new.write_text(json.dumps({name: value for name, value in outcome._asdict().items() if name != "text"}))
            new.replace(self.folder / f"{key}.json")


class Tools:
    """Where the tools are, and what they run on: a tree is the project's own, or a copy with a change."""

    def __init__(self, out, seconds, nice=19):
        self.out, self.seconds, self.nice = out, seconds, nice
        self.kept, self.running = Kept(out / "kept"), set()

    def run(self, command, cwd, seconds, stop=None):
        """
        (exit status or None at a limit, output, what it took); once `stop` is in the output the rest is not waited for. The
        limit of the clock is for a machine with other work.
        """
        seconds = self.seconds or seconds
        limits = f"ulimit -t {seconds} && ulimit -v {MEMORY >> 10} && exec nice -n {self.nice} \"$@\""
        with tempfile.TemporaryFile("w+", errors="replace") as text:
            before, looked, status, usage = time.monotonic(), 0, None, None
            process = subprocess.Popen(["sh", "-c", limits, "sh", *command], cwd=cwd, stdout=text, stderr=subprocess.STDOUT,
                                       env={**os.environ, "WHY3CONFIG": str(self.out / "why3.conf")}, start_new_session=True)
            self.running.add(process.pid)
            while usage is None:
                pid, code, used = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    status, usage = os.waitstatus_to_exitcode(code), used
                    break
                if stop and time.monotonic() > looked + 1:
                    looked = time.monotonic()
                    stopped = re.search(stop, os.pread(text.fileno(), 1 << 24, 0).decode(errors="replace"))
                    if stopped:
                        os.killpg(process.pid, 9)
                if time.monotonic() > before + 20 * seconds:
                    os.killpg(process.pid, 9)
                time.sleep(0.05)
            self.running.discard(process.pid)
            process.returncode = status
            text.seek(0)
            return (None if status < 0 or status > 128 else status), text.read(), (usage.ru_utime + usage.ru_stime, usage.ru_maxrss)

    def cbmc(self, tree, proof, entry, options, seconds):
        files = [tree / "test/proof/cbmc" / name for name in proof.sources]
        return self.run([self.out / "cbmc/cbmc", *files, "--function", entry, f"-I{tree}", f"-I{tree}/include", PORT, *proof.defines,
                         *options], tree, seconds)

    def cbmc_options(self, proof):
        return ["--unwind", str(proof.unwind), "--object-bits", "10",
                *(["--unwindset", ",".join(f"{loop}:{n}" for loop, n in proof.loops.items())] if proof.loops else [])]

    def cbmc_key(self, tree, proof, *options):
        return self.kept.key(tree, proof, ["CBMC", proof.entry, *proof.options, *self.cbmc_options(proof), *options], False,
                             [f"{self.out}/cbmc/cbmc --version", "gcc --version"])

    def prove_cbmc(self, tree, proof, quick=False):
        """`quick` looks for a counterexample to the contract and the bounds of loops first, which is much less to solve."""
        options, spent = [*self.cbmc_options(proof), "--unwinding-assertions", *proof.options], 0
        if quick:
            status, text, (spent, kib) = self.cbmc(tree, proof, "prove_" + proof.entry, [*options, "--no-standard-checks", "--stop-on-fail"],
                                                   proof.seconds)
            if status == 10:
                return Outcome(REFUTED, "contract", text, spent, kib)
            options.append("--stop-on-fail")
        status, text, (seconds, kib) = self.cbmc(tree, proof, "prove_" + proof.entry, options, proof.seconds)
        checked = re.search(r"\*\* 0 of (\d+) failed", text)
        seconds += spent
        if status == 0 and "VERIFICATION SUCCESSFUL" in text:
            return Outcome(PROVED, f"{checked[1]} assertions" if checked else "", text, seconds, kib)
        failed = re.findall(r"(?m)^\[(\S+)\] .*: FAILURE$|^Violated property:\n(?:.*\n){2} *(.*)$", text)
        if status == 10:
            return Outcome(REFUTED, ", ".join(one or other for one, other in failed[:3]), text, seconds, kib)
        return Outcome(NOTHING, "limit" if status is None else (text.strip().splitlines() or [""])[-1], text, seconds, kib)

    def cover_cbmc(self, proof):
        """What is assumed is not empty: each COVER() of the harness is reached."""
        if not re.search(rf"\bcover_{proof.entry}\(", (HERE / "cbmc" / proof.sources[0]).read_text()):
            return None
        key = self.cbmc_key(ROOT, proof, "cover")
        kept = self.kept.get(key)
        if not kept:
            _, text, used = self.cbmc(ROOT, proof, "cover_" + proof.entry, [*self.cbmc_options(proof), "--cover", "cover"], proof.seconds)
            # of this function: a harness that another one includes brings its own, which are not reached
            found = re.findall(rf"(?m)^\[cover_{proof.entry}\.coverage\.\d+\] .*: (SATISFIED|FAILED)$", text)
            kept = Outcome(PROVED if found else NOTHING, f"{found.count('SATISFIED')} of {len(found)}", text, *used)
            self.kept.put(key, kept)
        return kept.detail

    def prove_wp(self, tree, proof, quick=False):
        """
        `quick`: one goal that is not proved is enough. Goals that a change leaves as they were are kept by WP itself. What the
        sources themselves leave open is tried once more, with more time: the provers' limits are of the clock.
        """
        outcome = self.wp(tree, proof, quick)
        if outcome.verdict == REFUTED and not quick:
            again = self.wp(tree, proof, quick, 4, "update")
            outcome = again._replace(seconds=outcome.seconds + again.seconds, kib=max(outcome.kib, again.kib))
        return outcome

    def wp(self, tree, proof, quick, times=1, cache=None):
        file = tree / proof.sources[0]
        # longer limits on a machine with other work
        goal_seconds = times * proof.goal_seconds * max(1, round(os.getloadavg()[0] / os.cpu_count()))
        status, text, used = self.run(
            ["frama-c", "-c11", "-machdep", "gcc_x86_64", f"-cpp-extra-args=-I{tree}/include -I{tree} " + PORT.replace('"', '\\"')
             + " ".join(["", *proof.defines]), "-wp", "-wp-rte", "-wp-prover", "z3,cvc4", "-wp-par", "1", "-wp-timeout",
             str(goal_seconds), "-wp-cache", cache or ("update" if quick else "rebuild"), "-wp-cache-dir", self.out / "kept/goals", "-wp-fct", ",".join(proof.functions), *proof.options, file], tree, proof.seconds, WP_UNPROVED if quick else None)
        goals, one = re.search(r"Proved goals: +(\d+) / (\d+)", text), re.search(WP_UNPROVED, text)
        if quick and one:
            return Outcome(REFUTED, one[1], text, *used)
        if status != 0 or not goals:
            return Outcome(NOTHING, "limit" if status is None else (text.strip().splitlines() or [""])[-1], text, *used)
        if goals[1] == goals[2] and int(goals[2]):
            return Outcome(PROVED, f"{goals[2]} goals", text, *used)
        return Outcome(REFUTED, f"{goals[1]} of {goals[2]} goals", text, *used)

    def prove_spin(self, tree, proof, defines=()):
        with tempfile.TemporaryDirectory(dir=self.out) as folder:
            status, text, used = self.run(["spin", *proof.defines, *defines, "-a", tree / "test/proof" / proof.sources[0]], folder, 60)
            if status == 0:
                status, text, used = self.run(["gcc", "-w", "-O0" if proof.seconds <= 60 else "-O2", "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=5000",
                                               "-o", "pan", "pan.c"], folder, 120)
            if status != 0:
                return Outcome(NOTHING, text, text, *used)
            status, text, used = self.run(["./pan", "-m100000", "-w20" if proof.seconds <= 60 else "-w24"], folder, proof.seconds)
        errors, states = re.search(r"errors: (\d+)", text), re.search(r"(\d+) states, stored", text)
        if status is None or not errors or not states or "MEMLIM" in text or "search depth too small" in text:
            return Outcome(NOTHING, "limit", text, *used)
        if errors[1] != "0":
            return Outcome(REFUTED, (re.search(r"pan:\d+: (.*?) \(at depth", text) or [0, ""])[1], text, *used)
        return Outcome(PROVED, f"{states[1]} states", text, *used)

    def prove(self, tree, proof, quick=False, defines=(), only_kept=False):
        """What is kept of an earlier run, or a run, or None. That one of the properties themselves is refuted is not kept."""
        if proof.tool == CBMC:
            key = self.cbmc_key(tree, proof)
        elif proof.tool == WP:
            key = self.kept.key(tree, proof, ["WP", *proof.functions, *proof.options, str(proof.goal_seconds)], True,
                                ["frama-c -version", "z3 --version", "cvc4 --version"])
        else:
            key = self.kept.key(tree, proof, ["Spin", *defines], False, ["spin -V", "gcc --version"])
        outcome = self.kept.get(key)
        if not outcome and not only_kept:
            outcome = {CBMC: self.prove_cbmc, WP: self.prove_wp, SPIN: lambda t, p, _: self.prove_spin(t, p, defines)}[proof.tool](tree, proof, quick)
            if quick or defines or outcome.verdict == PROVED:
                self.kept.put(key, outcome)
        return outcome


def survivors():
    """{(property, changed line): reason}"""
    lines = (HERE / "survivors.txt").read_text().splitlines()
    return {tuple(line.split(" | ")[:4]): line.split(" | ")[4] for line in lines if line and not line.startswith("#")}


def object_of(tree, file, defines):
    """What the compiler makes of a file, or None: it does not compile."""
    made = tree / "one.o"
    done = subprocess.run(["gcc", "-std=gnu11", "-O2", "-g0", "-Werror=int-conversion", "-Werror=incompatible-pointer-types", PORT,
                           *defines, "-Iinclude", "-I.", "-frandom-seed=0", "-x", "c", "-c", "-o", made, file], cwd=tree, check=False,
                          stderr=subprocess.DEVNULL)
    return made.read_bytes() if done.returncode == 0 else None


def used_in(file):
    """A source that the functions of a header get into."""
    return file if file.endswith(".c") else {"mm/alloc/alloc_internal.h": "mm/alloc/page_ref.c", "mm/free_map.h": "mm/buddy/map.c",
                                             "mm/memblock/memblock_internal.h": "mm/memblock/memblock.c",
                                             "mm/state.h": "mm/buddy/buddy.c"}[file]


def changes(tree, proof, most):
    """Small changes of the functions a proof is about, `most` of each, in an order that what else changes does not move."""
    for file in sorted({place.split(":")[0] for place in proof.of}):
        names = {place.split(":")[1] for place in proof.of if place.startswith(file + ":")}
        text = (ROOT / file).read_text()
        found = [mutant for mutant in mutants_of(file, text, ARITHMETIC) if mutant.function in names]
        seen, counts = {object_of(tree, used_in(file), proof.defines)}, Counter()
        for mutant in choose(found, "1"):
            if counts[mutant.function] == most:
                continue
            (tree / file).write_text(changed(text, mutant))
            made = object_of(tree, used_in(file), proof.defines)
            if made is not None and made not in seen:
                seen.add(made)
                counts[mutant.function] += 1
                yield mutant
        (tree / file).write_text(text)


def changed(text, mutant):
    return text[:mutant.start] + mutant.text + text[mutant.end:]


def copy_tree(out, number):
    tree = out / f"tree{number}"
    shutil.rmtree(tree, ignore_errors=True)
    for folder in ("mm", "include", "test/proof"):
        shutil.copytree(ROOT / folder, tree / folder)
    return tree


def sources():
    """What was proved: the last commit that changed it, and whether it is not as it is there."""
    def git(*words):
        return subprocess.run(["git", *words, "--", "mm", "include"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              check=False).stdout.strip()
    return f"`mm/` of commit {git('log', '-1', '--format=%h', '--abbrev=12') or 'none'}{' with changes' if git('status', '--porcelain') else ''}"


class Run:
    def __init__(self, tools, options):
        self.tools, self.options, self.failed = tools, options, 0
        self.known, self.trees = survivors(), queue.SimpleQueue()
        self.end = time.monotonic() + 60 * options.minutes
        self.workers = ThreadPoolExecutor(options.jobs)
        for number in range(options.jobs + 1):
            self.trees.put(copy_tree(tools.out, number))

    def say(self, proof, text):
        print(f"prove: {proof.name}: {text}", flush=True)

    def fail(self, proof, text):
        self.failed += 1
        self.say(proof, "FAILED: " + text)

    def property(self, proof):
        outcome = self.tools.prove(ROOT, proof)
        verdict, detail = outcome.verdict, outcome.detail
        result = {"verdict": verdict, "detail": detail, "seconds": outcome.seconds, "kib": outcome.kib, "killed": 0, "survived": 0,
                  "undecided": 0, "not_tried": 0, "variants": 0, "more": 0}
        (self.tools.out / f"{proof.name}.log").write_text(outcome.text)
        if verdict != PROVED:
            self.fail(proof, f"{verdict}: {detail} (all of it: {self.tools.out}/{proof.name}.log)")
            return result
        self.say(proof, f"proved: {detail}, {outcome.seconds:.0f} s, {outcome.kib >> 10} MiB")
        covered = self.tools.cover_cbmc(proof) if proof.tool == CBMC else None
        if covered:
            result["covered"] = covered
            self.say(proof, f"{covered} states that must be possible are")
            if covered.split()[0] != covered.split()[2] or covered.startswith("0 "):
                self.fail(proof, "the assumptions leave too little")
        for variant, wanted in proof.variants.items():
            outcome = self.tools.prove(ROOT, proof, defines=[f"-D{variant}"])
            result["more"] += outcome.seconds
            if outcome.verdict == REFUTED and wanted in outcome.detail:
                result["variants"] += 1
            else:
                self.fail(proof, f"without its safeguard, {variant}, it is {outcome.verdict}: {outcome.detail}")
        return result

    def mutant(self, proof, mutant):
        tree = self.trees.get()
        file, text = tree / mutant.file, (ROOT / mutant.file).read_text()
        file.write_text(changed(text, mutant))
        outcome = self.tools.prove(tree, proof, quick=True, only_kept=time.monotonic() > self.end)
        file.write_text(text)
        self.trees.put(tree)
        return outcome

    def mutants(self, proof, result):
        tree = self.trees.get()
        found = list(changes(tree, proof, self.options.mutants))
        self.trees.put(tree)
        for mutant, outcome in zip(found, self.workers.map(lambda one: self.mutant(proof, one), found)):
            key = (proof.name, mutant.function, mutant.before, mutant.after)
            if not outcome:
                result["not_tried"] += 1
                continue
            if "CONVERSION ERROR" in outcome.detail or "PARSING ERROR" in outcome.detail:
                continue  # it is no C
            result["more"] += outcome.seconds
            if outcome.verdict == REFUTED:
                result["killed"] += 1
            elif key in self.known:
                result["survived"] += 1
            else:
                result["undecided"] += 1
                self.fail(proof, f"a change is {outcome.verdict} ({outcome.detail}): " + " | ".join(key))
        if result["not_tried"]:
            self.failed += 1
        self.say(proof, f"{result['killed']} changes refuted, {result['survived']} of no account, {result['undecided']} not refuted, "
                 f"{result['not_tried']} not tried, {result['more']:.0f} s")


def spent(seconds):
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def rows(results):
    """The table of docs/proof.md."""
    yield "| property | of | by | checked | time, memory | changes refuted |"
    yield "|--|--|--|--|--|--|"
    for proof in PROPERTIES:
        result = results.get(proof.name)
        if not result:
            yield f"| `{proof.name}`: {proof.says} | | {proof.tool} | **not run** | | |"
            continue
        functions = ", ".join(f"`{place.split(':')[1]}()`" for place in [*proof.of, *proof.about])
        verdict = result["detail"] if result["verdict"] == PROVED else f"**{result['verdict']}**: {result['detail']}"
        if "covered" in result:
            verdict += f"; {result['covered']} covers"
        tried = result["killed"] + result["undecided"]
        refuted = f"{result['variants']} of {len(proof.variants)} variants" if proof.variants else \
            f"{result['killed']} of {tried}" + (f", {result['survived']} let pass" if result["survived"] else "") if tried else "**none tried**" if proof.of else ""
        if refuted and result["more"] >= 1:
            refuted += f", {spent(result['more'])}"
        if result["not_tried"] and tried:
            refuted += f"; **{result['not_tried']} not tried**"
        yield (f"| `{proof.name}`: {proof.says} | {functions} | {proof.tool} | {verdict} | {spent(result['seconds'])}, "
               f"{result['kib'] >> 10} MiB | {refuted} |")


def summary(results):
    total = sum(result["seconds"] + result["more"] for result in results.values())
    return (f"A run of {sources()}: {sum(r['verdict'] == PROVED for r in results.values())} of {len(PROPERTIES)} properties proved, "
            f"{sum(r['killed'] for r in results.values())} changes of sources and {sum(r['variants'] for r in results.values())} of models refuted, "
            f"{total / 60:.0f} minutes of processor time, {max(r['kib'] for r in results.values()) >> 10} MiB at most.")


def write_docs(results):
    document = ROOT / "docs/proof.md"
    text = document.read_text()
    begin, end = "<!-- written by make prove DOCS=1 -->\n", "<!-- end -->\n"
    head, rest = text.split(begin)
    document.write_text(head + begin + summary(results) + "\n\n" + "\n".join(rows(results)) + "\n" + end + rest.split(end)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="properties; default all")
    parser.add_argument("--out", type=Path, default=ROOT / "build/prove")
    parser.add_argument("--mutants", type=int, default=20, help="changes of each function; 0: none")
    parser.add_argument("--seconds", type=int, default=0, help="processor time of a run, instead of each property's own")
    parser.add_argument("--jobs", type=int, default=2, help="solvers at a time, 6 GiB each at most")
    parser.add_argument("--nice", type=int, default=19, help="of the solvers")
    parser.add_argument("--minutes", type=int, default=120, help="of the clock: no change is tried after that")
    parser.add_argument("--quick", action="store_true", help="what fits in three minutes, without changes")
    parser.add_argument("--again", action="store_true", help="keep nothing of earlier runs")
    parser.add_argument("--docs", action="store_true", help="write the table of docs/proof.md")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{proof.name:28}{proof.tool:6}{proof.says}" for proof in PROPERTIES + BEGUN))
        return 0
    unknown = set(options.names) - {proof.name for proof in PROPERTIES + BEGUN}
    if unknown:
        parser.error(f"no property {', '.join(sorted(unknown))}; --list has them")
    if options.docs and (options.names or options.quick or not options.mutants):
        parser.error("the table is of a run of all")
    options.out.mkdir(parents=True, exist_ok=True)
    if options.again:
        shutil.rmtree(options.out / "kept", ignore_errors=True)
    tools = Tools(options.out.resolve(), options.seconds, options.nice)
    if shutil.which("why3") and not (tools.out / "why3.conf").exists():
        subprocess.run(["why3", "config", "detect"], env={**os.environ, "WHY3CONFIG": str(tools.out / "why3.conf")}, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run = Run(tools, options)
    try:
        chosen = [proof for proof in PROPERTIES if not options.names and options.quick <= proof.quick]
        chosen += [proof for proof in PROPERTIES + BEGUN if proof.name in options.names]
        results = dict(zip([proof.name for proof in chosen], run.workers.map(run.property, chosen)))
        for proof in sorted(chosen, key=lambda proof: results[proof.name]["seconds"]):  # the cheapest first
            if proof.of and results[proof.name]["verdict"] == PROVED and options.mutants and not options.quick:
                run.mutants(proof, results[proof.name])
    finally:
        for pid in list(tools.running):
            os.killpg(pid, 9)
    if options.docs:
        write_docs(results)
    print(f"prove: {summary(results)} {run.failed} failures.")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Does a test notice? mm/ is changed in one small way at a time (mutants.py), and the host programs of test/host/mm, the
campaign of failures and the fuzzers' kept inputs run against each mutant until one of them fails; those that do
not come to the changed line are passed over. Programs are built with
-O1 and no sanitizers; only the changed object is compiled anew. A mutant whose object is the same as before, at -O1 or at
-O2, is none and does not count; nor does one that does not compile.

The mutants are chosen by a seed, and an edit elsewhere moves none of them. What survives must stand in survivors.txt with
the reason, and 90 of 100 must be killed. A program is stopped by processor time, not by the clock.
"""
import argparse
import hashlib
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from mutants import KINDS, choose, mutants_of, name_of

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
CC = os.environ.get("HOST_CC", "gcc")
FLAGS = ["-std=gnu11", "-g0", "-Werror=int-conversion", "-Werror=incompatible-pointer-types", "-DQUARRY_HOST",
         "-DCONFIG_FAULT_POINTS", "-pthread", "-Iinclude"]
def small():
    """The geometry of test/exhaust."""
    text = (ROOT / "mk/exhaust.mk").read_text().replace("\\\n", " ")
    return re.search(r"(?m)^EXHAUST_GEOMETRY := (.*)$", text)[1].split()


# The same sources with other ports, and with another geometry.
VARIANTS = {"small": [*small(), "-I."], "host": [], "fuzz": ["-DQUARRY_PORT_HEADER=\"test/fuzz/port_fuzz.h\"", "-I."],
            "moving": ["-DQUARRY_PORT_HEADER=\"test/host/mm/port_moving.h\"", "-I."]}
COVERED = 3  # seconds of a program whose lines are counted
QUICK = 1  # seconds of a program that is asked before it is known what kills the mutants of a file
TIMES, SECONDS = 4, 2  # processor time a program may need: so many times what it needs unchanged, and so much more


def sources(pattern):
    return sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(pattern))


MM = sources("mm/**/*.c")
STUCK = "test/mutate/stuck.c"


class Program:
    """What runs against each mutant: its own sources, and the arguments it is called with."""

    def __init__(self, name, own, variant="host", arguments=()):
        self.name, self.own, self.variant, self.arguments = name, own, variant, list(arguments)
        self.seconds = 0

    def limit(self):
        """Threads wait for each other longer on a machine with other work."""
        return (int(self.seconds * TIMES) + SECONDS) * (1 if STUCK in self.own else 6)


def besides(text):
    """What a host program is linked with besides mm/ and the common files."""
    return [*(["test/target/stress.c"] if "stress.h" in text else []), *([] if "pthread" in text else [STUCK])]


def programs():
    support = [path for path in sources("test/host/*.c") + sources("test/host/mm/*.c") if "/test_" not in path]
    # Those of cost count instructions, which -O1 changes; test_mix takes minutes without being made for it; that the threads of
    # test_smp and test_spinlock meet as they want it is a matter of what else the machine does.
    left_out = ("_cost.c", "/test_moving.c", "/test_mix.c", "/test_smp.c", "/test_spinlock.c")
    tests = [path for path in sources("test/host/mm/test_*.c") if not path.endswith(left_out)]
    found = [Program(Path(path).stem, [path, *support, *besides((ROOT / path).read_text())]) for path in tests]
    found.append(Program("test_moving", ["test/host/mm/test_moving.c", "test/host/port_host.c", STUCK], "moving"))
    for name in ("section", "caches", "marks"):
        found.append(Program(f"exhaust {name}", [*sources("test/exhaust/*.c"), "test/host/port_host.c", STUCK], "small", [name]))
    for path in sources("test/fuzz/fuzz_*.c"):
        name = Path(path).stem.removeprefix("fuzz_")
        if "boot/" in (ROOT / path).read_text():
            continue  # it is of more than mm/
        found.append(Program(f"corpus {name}", [path, *sources(f"test/fuzz/{name}_*.c"), "test/fuzz/port_fuzz.c",
                                                "test/host/port_host.c", "test/mutate/replay.c", STUCK], "fuzz",
                             sources(f"test/fuzz/corpus/{name}/*")))
    return found


def compile_object(tree, source, variant, target, *optimise):
    """Compile a source of `tree`, which has the layout of the root. False: it is no C."""
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([CC, *FLAGS, *VARIANTS[variant], "-I" + str(ROOT), *(optimise or ["-O1"]), "-c", "-o", str(target), source], cwd=tree,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    compile_object.message = done.stderr
    return done.returncode == 0


def must(done, what):
    if not done:
        sys.exit(f"mutate: {what}: {compile_object.message}")


def run(program, binary, limit):
    """How it ended: 0, or the status that says it noticed. Its processor time is bounded."""
    def bounds():
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    env = dict(os.environ, CMOCKA_TEST_ABORT="1")
    return subprocess.run([str(binary), *program.arguments], cwd=ROOT, env=env, preexec_fn=bounds, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode


class Bench:
    """The unchanged objects and programs, and what is killed by what."""

    def __init__(self, out, names):
        self.out = out
        self.programs = [p for p in programs() if not names or p.name in names]
        self.kills = {}
        self.objects = {}
        self.lines = {}  # of mm/ that a program comes to, by its name
        self.message = ""  # of the linker

    def build(self, jobs, cover):
        wanted = {(path, program.variant) for program in self.programs for path in [*program.own, *MM]}
        wanted |= {(path, "host") for path in MM}
        waiting = sorted(wanted)
        lock = threading.Lock()

        def work():
            while True:
                with lock:
                    if not waiting:
                        return
                    path, variant = waiting.pop()
                target = self.out / "base" / variant / (path + ".o")
                must(compile_object(ROOT, path, variant, target), path)
                self.objects[path, variant] = target
        parallel(work, jobs)
        kept = self.out / "programs.json"
        known = json.loads(kept.read_text()) if kept.exists() else {}
        for program in self.programs:
            digest = self.digest(program)
            if known.get(program.name, {}).get("digest") != digest:
                known[program.name] = {"digest": digest, "seconds": self.time(program)}
                keep(kept, known)
            program.seconds = known[program.name]["seconds"]
        if cover:
            self.cover(known, kept)

    def digest(self, program):
        """Of all that the program is made of: what was found of it holds as long as this is the same."""
        headers = sources("mm/**/*.h") + sources("include/**/*.h") + sources("test/**/*.h")
        return hashlib.sha256(b"".join((ROOT / path).read_bytes() for path in [*program.own, *MM, *headers])).hexdigest()

    def time(self, program):
        binary = self.link(program, {}, self.out / "base" / program.name.replace(" ", "-"))
        if not binary:
            sys.exit(f"mutate: {program.name}: {self.message}")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        if run(program, binary, 1000):
            sys.exit(f"mutate: {program.name} fails without any change")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def cover(self, known, kept):
        """
        Which lines of mm/ each program comes to: where it does not come to a change, it cannot notice. Those that are slow, and
        threads, which are much slower when they count lines, run against every mutant that the others let live.
        """
        waiting = [program for program in self.programs
                if "lines" not in known[program.name] and program.seconds < COVERED and STUCK in program.own]
        variants = {program.variant for program in waiting}
        objects = {(path, variant): self.out / "cover" / variant / (path + ".o") for path in MM for variant in variants}
        for (path, variant), target in objects.items():
            must(compile_object(ROOT, path, variant, target, "-O0", "--coverage"), path)
        for program in waiting:
            binary = self.link(program, objects, self.out / "cover" / "program", "--coverage")
            for data in (self.out / "cover").rglob("*.gcda"):
                data.unlink()
            if run(program, binary, 1000):
                sys.exit(f"mutate: {program.name} fails without any change")
            found = known[program.name]["lines"] = {}
            for data in (self.out / "cover" / program.variant).rglob("*.gcda"):
                text = subprocess.run(["gcov", "--json-format", "--stdout", str(data)], cwd=ROOT, check=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
                for file in json.loads(text)["files"]:
                    name = os.path.normpath(file["file"])
                    if name.startswith("mm/"):
                        found.setdefault(name, [])
                        found[name] += [line["line_number"] for line in file["lines"] if line["count"]]
            keep(kept, known)
        self.lines = {program.name: {name: set(numbers) for name, numbers in known[program.name]["lines"].items()}
                      for program in self.programs if "lines" in known[program.name]}

    def comes_to(self, program, mutant, text):
        if program.name not in self.lines:
            return True
        first = text.count("\n", 0, mutant.start) + 1
        last = text.count("\n", 0, mutant.end) + 1
        return not self.lines[program.name].get(mutant.file, set()).isdisjoint(range(first - 3, last + 4))

    def link(self, program, changed, binary, *options):
        objects = [changed.get((path, program.variant)) or self.objects[path, program.variant]
                   for path in [*program.own, *MM]]
        done = subprocess.run([CC, "-pthread", *options, "-o", str(binary), *map(str, objects),
                               *(["-lcmocka"] if program.variant not in ("fuzz", "small") else [])],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, text=True)
        self.message = done.stderr
        return binary if done.returncode == 0 else None

    def order(self, file):
        """
        Two lists, each by how much a program killed of this folder for its time: those that are quick or have killed a mutant of
        this file, and the others.
        """
        folder = str(Path(file).parent)
        def key(program):
            return (program.seconds + 0.05) / (0.2 + self.kills.get((folder, program.name), 0))
        first = [program for program in self.programs if program.seconds < QUICK or (file, program.name) in self.kills]
        return sorted(first, key=key), sorted((program for program in self.programs if program not in first), key=key)

    def killed(self, file, name):
        for place in file, str(Path(file).parent):
            self.kills[place, name] = self.kills.get((place, name), 0) + 1

    def judge(self, mutant, place):
        """'killed by X', 'survived', 'equivalent' or 'no C'."""
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(ROOT / "mm", place / "mm")
        (place / "include").symlink_to(ROOT / "include")
        text = (ROOT / mutant.file).read_text()
        (place / mutant.file).write_text(text[:mutant.start] + mutant.text + text[mutant.end:])
        files = MM if mutant.file.endswith(".h") else [mutant.file]
        objects = {"host": self.changed(files, place, "host")}
        if objects["host"] is False:
            return "no C"
        if not objects["host"]:
            return "equivalent"
        first, others = self.order(mutant.file)
        for program in [*first, None, *others]:
            if program is None:
                if self.same_at_o2(files, place):
                    return "equivalent"
                continue
            if not self.comes_to(program, mutant, text):
                continue
            if program.variant not in objects:
                objects[program.variant] = self.changed(files, place, program.variant)
            if not objects[program.variant]:
                continue  # it is what it was there, or the place has no such code
            binary = self.link(program, objects[program.variant], place / "program")
            if not binary or run(program, binary, program.limit()):
                self.killed(mutant.file, program.name)
                return f"killed by {program.name}"
        return "survived"

    def changed(self, files, place, variant):
        """The objects that are not as before; False: it is no C."""
        changed = {}
        for path in files:
            target = place / "object" / variant / (path + ".o")
            if not compile_object(place, path, variant, target):
                return False
            if target.read_bytes() != self.objects[path, variant].read_bytes():
                changed[path, variant] = target
        return changed

    def same_at_o2(self, files, place):
        for path in files:
            before, after = (place / "object" / name / (path + ".o") for name in ("before", "after"))
            if not compile_object(place, path, "host", after, "-O2") or \
                    not compile_object(ROOT, path, "host", before, "-O2") or after.read_bytes() != before.read_bytes():
                return False
        return True


def parallel(work, jobs):
    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def listed(path):
    """survivors.txt: {(file, function, before, after): reason}."""
    reasons, where, before, after, reason = {}, None, None, None, []
    for line in [*path.read_text().splitlines(), ""]:
        if line.startswith("#"):
            continue
        if line.startswith("- "):
            before = line[2:]
        elif line.startswith("+ "):
            after = line[2:]
        elif line.startswith("  "):
            reason.append(line.strip())
        elif line:
            where = tuple(line.split())
        elif before is not None:
            reasons[(*where, before, after)] = " ".join(reason)
            before, reason = None, []
    return reasons


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build/mutate")
    parser.add_argument("--count", type=int, default=320, help="mutants that count")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--programs", default="", help="only these, joined by commas")
    parser.add_argument("--files", default="", help="only files whose path has this in it")
    parser.add_argument("--least", type=int, default=90, help="of 100 to be killed")
    parser.add_argument("--survivors", action="store_true", help="only those that survived the last run")
    parser.add_argument("--resume", action="store_true", help="take over what the last run, which was stopped, found")
    parser.add_argument("--all-programs", action="store_true", help="also those that do not come to the change: for a few mutants")
    parser.add_argument("--list", action="store_true", help="show the mutants and stop")
    options = parser.parse_args()
    options.out = options.out.resolve()

    everything = [mutant for file in MM + sources("mm/**/*.h") if options.files in file
                  for mutant in mutants_of(file, (ROOT / file).read_text())]
    chosen = choose(everything, options.seed)
    results_file = options.out / "results.json"
    before = json.loads(results_file.read_text()) if results_file.exists() else {}
    if options.survivors:
        chosen = [mutant for mutant in chosen if before.get(name_of(mutant)) == "survived"]
    print(f"mutate: {len(everything)} possible mutants")
    if options.list:
        for mutant in chosen[:options.count]:
            print(f"{mutant.file} {mutant.function} ({mutant.kind})\n- {mutant.before}\n+ {mutant.after}")
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.out, [name for name in options.programs.split(",") if name])
    bench.build(options.jobs, not options.all_programs)
    for program in bench.programs:
        print(f"mutate: {program.name}: {program.seconds:.1f} s")

    lock, queue, began = threading.Lock(), list(chosen), time.monotonic()
    last = before if options.resume else {}
    for name, verdict in before.items():
        if verdict.startswith("killed by "):
            bench.killed(name.split("|")[0], verdict.removeprefix("killed by "))
    results = {}
    counted = lambda: sum(verdict not in ("equivalent", "no C") for _, verdict in results.values())

    def work():
        place = options.out / f"work-{threading.get_ident()}"
        while True:
            with lock:
                if not queue or counted() >= options.count:
                    break
                mutant = queue.pop(0)
            verdict = last.get(name_of(mutant)) or bench.judge(mutant, place)
            with lock:
                results[name_of(mutant)] = mutant, verdict
                keep(results_file, (before if options.survivors or options.programs else last) |
                     {name: verdict for name, (_, verdict) in results.items()})
                if verdict not in ("equivalent", "no C"):
                    print(f"{counted()}: {mutant.file} {mutant.function} ({mutant.kind}): {verdict}\n"
                          f"- {mutant.before}\n+ {mutant.after}", flush=True)
        shutil.rmtree(place, ignore_errors=True)
    parallel(work, options.jobs)
    return report(results, options, time.monotonic() - began)


def keep(path, verdicts):
    """Whole or not at all: the run may be stopped at any moment."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(verdicts, indent=1))
    new.replace(path)


def report(results, options, seconds):
    reasons = listed(HERE / "survivors.txt")
    verdicts = list(results.values())
    print("\nkind          mutants  killed  equivalent  no C")
    for kind in KINDS:
        of_kind = [verdict for mutant, verdict in verdicts if mutant.kind == kind]
        print(f"{kind:12} {sum(v not in ('equivalent', 'no C') for v in of_kind):8} {sum(v.startswith('killed') for v in of_kind):7} "
              f"{of_kind.count('equivalent'):11} {of_kind.count('no C'):5}")
    killed = sum(verdict.startswith("killed") for _, verdict in verdicts)
    survivors = sorted((mutant for mutant, verdict in verdicts if verdict == "survived"), key=name_of)
    unexplained = 0
    for mutant in survivors:
        reason = reasons.get((mutant.file, mutant.function, mutant.before, mutant.after))
        unexplained += reason is None
        print(f"\n{mutant.file} {mutant.function}\n- {mutant.before}\n+ {mutant.after}\n  {reason or 'NO REASON in survivors.txt'}")
    total = killed + len(survivors)
    print(f"\nmutate: {total} mutants, {killed} killed ({100 * killed / max(total, 1):.1f} %), {len(survivors)} survived, "
          f"{unexplained} of them without a reason; {seconds / 60:.0f} minutes")
    enough = total and killed * 100 >= options.least * total
    return 0 if enough and (not unexplained or options.least < 90) else 1


if __name__ == "__main__":
    sys.exit(main())

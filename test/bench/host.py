# SPDX-License-Identifier: BSD-2-Clause
"""
`make bench-host`: the workloads on this machine, in nanoseconds, on one, two and four threads of two
processors, and in callgrind's instructions; what shared cache lines and memory beyond the caches cost. Nothing here is a gate: nanoseconds depend on the machine
and on what else runs.
"""
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

COUNTED = ["B1", "B2", "B3", "B4", "B5", "B11"]
REPEATS = 7
THREADS = (1, 2, 4)
PROCESSORS = 2


def run(*command):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, check=False)
    print(done.stdout, end="", flush=True)
    if done.returncode:
        sys.exit(f"bench-host: {' '.join(map(str, command))}: status {done.returncode}")


def confine():
    """This process to so many of the processors that it may use."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])


def threads(program):
    """Of each workload the median of some runs, those of all numbers of threads in turn."""
    found = {count: {} for count in THREADS}
    for _ in range(REPEATS):
        for count, figures in found.items():
            done = subprocess.run([program, "-t", str(count)], text=True, stdout=subprocess.PIPE,
                                  check=False, preexec_fn=confine)
            if done.returncode:
                sys.exit(f"bench-host: {count} threads: {done.stdout}")
            for name, value in re.findall(r"(\w+)=~([\d.]+)", done.stdout):
                figures.setdefault(name, []).append(float(value))
    print(f"{'':<12}" + "".join(f"{f'{count} threads':>12}" for count in THREADS) + f"{THREADS[-1]} : 1".rjust(8))
    for name in found[1]:
        medians = [statistics.median(found[count][name]) for count in THREADS]
        ratio = f"{medians[-1] / medians[0]:>8.1f}" if medians[0] else ""
        print(f"{name:<12}" + "".join(f"{value:>12.2f}" for value in medians) + ratio)


def functions(dump):
    """Instructions of each function itself, from one of callgrind's files."""
    cost, name, inclusive = {}, None, False
    for line in dump.splitlines():
        if line.startswith("fn="):
            name = line[3:]
        elif line.startswith("calls="):
            inclusive = True  # the next line is what the callee cost
        elif line[:1].isdigit() and name:
            if not inclusive:
                cost[name] = cost.get(name, 0) + int(line.split()[1])
            inclusive = False
    return cost


def callgrind(program):
    """Instructions a call or pair, the loop around it included, and whose they are."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--collect-atstart=no", "-q", "--compress-strings=no",
             "--compress-pos=no", f"--callgrind-out-file={folder}/out", program, *COUNTED],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            sys.exit(f"bench-host: valgrind: {done.stdout}")
        dumps = sorted(Path(folder).glob("out.*"), key=lambda path: int(path.suffix[1:]))
        for dump in dumps:
            text = dump.read_text()
            name = re.search(r"^desc: Trigger: Client Request: (\S+) (\d+)$", text, re.M)
            if not name:
                continue
            cost, count = functions(text), int(name[2])
            parts = sorted(cost.items(), key=lambda item: -item[1])
            shares = ", ".join(f"{part} {value / count:.1f}" for part, value in parts
                               if value * 20 >= count)
            print(f"bench: {name[1]} instructions={sum(cost.values()) / count:.2f}: {shares}")


def main():
    program = Path(sys.argv[1]).resolve()
    print("nanoseconds, 1 GiB, one thread")
    run(program)
    print(f"nanoseconds on {PROCESSORS} processors, mean of the threads, median of {REPEATS} runs: a pair, a pair in bursts that a "
          "cache holds and beyond, one call of a churn; _cpu: of them those that the thread ran")
    threads(program)
    print("nanoseconds of a pair on two threads whose pages' descriptors have cache lines of their own, or share one")
    run(program, "-l")
    print("nanoseconds of a random free in 64 GiB")
    run(program, "-f")
    if not shutil.which("valgrind"):
        print("no valgrind, so no instructions: apt-get install valgrind")
        return
    print("instructions of this machine's, callgrind; pairs but for B5")
    callgrind(program)


if __name__ == "__main__":
    main()

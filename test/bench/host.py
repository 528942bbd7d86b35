# SPDX-License-Identifier: BSD-2-Clause
"""
`make bench-host`: the workloads on this machine, in nanoseconds, on one and two threads, and in
callgrind's instructions. Nothing here is a gate: nanoseconds depend on the machine and on what else
runs.
"""
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

COUNTED = ["B1", "B2", "B3", "B4", "B5", "B11"]


def run(*command):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, check=False)
    print(done.stdout, end="", flush=True)
    if done.returncode:
        sys.exit(f"bench-host: {' '.join(map(str, command))}: status {done.returncode}")


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
    print("nanoseconds, mean of the threads: a pair, a pair in bursts, one call of a churn")
    for threads in ("1", "2"):
        run(program, "-t", threads)
    if not shutil.which("valgrind"):
        print("no valgrind, so no instructions: apt-get install valgrind")
        return
    print("instructions of this machine's, callgrind; pairs but for B5")
    callgrind(program)


if __name__ == "__main__":
    main()

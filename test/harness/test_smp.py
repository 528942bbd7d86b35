# SPDX-License-Identifier: BSD-2-Clause
"""
All CPUs: that they come up, or are named if they do not; the suites with several of them; `stress`; and the
models of the page caches and of the lock (test/proof), sound as they are and found out when a safeguard is taken away.
"""
import os
import re
import subprocess

import pexpect
import pytest

import ktap
from board import BOARDS, ROOT

MULTI = ["-accel", "tcg,thread=multi"]
SINGLE = ["-accel", "tcg,thread=single"]


def smp(cpus, *accel):
    return ["-smp", str(cpus), *accel]


def cpu_lines(board):
    lines = [re.match(r"cpu (\S+) id (0x[0-9a-f]+) (\S.*?)( boot)? (?:cached (\d+) )", line)
             for line in board.lines("cpus")]
    return [(int(m.group(1)), int(m.group(2), 16), m.group(3), bool(m.group(4)), int(m.group(5)))
            for m in lines if m]


@pytest.mark.parametrize("cpus", [2, 5, 64])
def test_all_come_up(boot, setup, cpus):
    # 64 emulated CPUs on a thread each would mostly wait for each other's turn
    many = cpus > 8
    gic = ["-machine", "gic-version=3"] if many and setup.isa == "arm64" else []
    board = boot(extra=[*smp(cpus, *(SINGLE if many else MULTI)), *gic])
    assert f"smp: {cpus} of {cpus} CPUs online" in board.expect_prompt()
    found = cpu_lines(board)
    assert len({hart for _, hart, *_ in found}) == len(found) == cpus
    assert sorted(number for number, *_ in found) == list(range(cpus))
    assert [number for number, _, _, is_boot, _ in found if is_boot] == [0]
    for number, _, state, _, cached in found:
        assert state == "online"
        assert number == 0 or cached == 0, "an idle CPU keeps pages"


def tree_with(setup, name, change, cpus=2, extra=()):
    """QEMU's tree for so many CPUs, changed as text."""
    base = setup.scratch / f"smp-{name}-{setup.isa}"
    subprocess.run([*setup.qemu(), "-machine", f"dumpdtb={base}.raw", "-smp", str(cpus), "-m", "128M", *extra,
                    "-display", "none"], check=True, capture_output=True)
    text = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", f"{base}.raw"], check=True,
                          capture_output=True, text=True).stdout
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", f"{base}.dtb", "-"], check=True,
                   input=change(text), text=True)
    return f"{base}.dtb"


def firmware_stops_at_an_unknown_cpu(setup):
    """OpenSBI 1.3 and later (QEMU 8.1 and later) stop without a word when the tree has one."""
    version = subprocess.run(["qemu-system-riscv64", "--version"], text=True, check=True,
                             capture_output=True).stdout
    found = re.search(r"version (\d+)\.(\d+)", version)
    return setup.isa == "riscv64" and (int(found[1]), int(found[2])) >= (8, 1)


def test_absent_cpu_is_named(boot, setup):
    """The tree has a CPU that the machine has not: one line, its memory is free again, the rest go on."""
    if firmware_stops_at_an_unknown_cpu(setup):
        pytest.skip("this OpenSBI does not boot with a tree that has such a CPU")

    def add_cpu(text):
        # firmware takes a CPU without mmu-type out of the tree
        return text.replace("cpu@1 {", 'cpu@7 { device_type = "cpu"; compatible = "none"; reg = <7>; '
                            'mmu-type = "riscv,sv48"; };\ncpu@1 {', 1)

    board = boot(extra=[*smp(2), "-dtb", tree_with(setup, "absent", add_cpu)])
    log = board.expect_prompt()
    said = r"smp: CPU \d \(0x7\)(: the firmware does not start it| did not come up within 1 s)"
    assert len(re.findall(said, log)) == 1
    assert "smp: 2 of 3 CPUs online" in log
    assert any(re.match(r"cpu \d id 0x7 (refused|no answer) ", line) for line in board.lines("cpus"))
    results = ktap.check(board.cmd("test mmu.tables"))
    assert all(result.passed for result in results), results
    assert "0 mismatches, buddyinfo as before" in board.cmd("stress ops=20000")


def silent(setup, text):
    """Three CPUs that never answer. PSCI 0.1 has the function's number in the tree: here one that says yes and does nothing."""
    if setup.isa == "arm64":
        return re.sub(r"psci \{.*?\};", 'psci { compatible = "arm,psci"; method = "hvc"; cpu_on = <0xc4000004>; };', text,
                      count=1, flags=re.DOTALL)
    for hart in (7, 6, 5):
        text = text.replace("cpu@1 {", f'cpu@{hart} {{ device_type = "cpu"; compatible = "none"; reg = <{hart}>; '
                            'mmu-type = "riscv,sv48"; };\ncpu@1 {', 1)
    return text


def test_silent_cpus_cost_a_second_together(boot, setup):
    """By the log's own time: they are given up at the same moment, not one second after the other."""
    if firmware_stops_at_an_unknown_cpu(setup):
        pytest.skip("this OpenSBI does not boot with a tree that has such CPUs")
    cpus = 4 if setup.isa == "arm64" else 2
    blob = tree_with(setup, "silent", lambda text: silent(setup, text), cpus)
    options = setup.with_fdt(blob, "128M")
    options["extra"] = [*smp(cpus), *options["extra"]]
    board = boot(**options)
    log = board.expect_prompt()
    given_up = [float(when) for when in re.findall(r"\[ *(\d+\.\d+)\] smp: CPU \d \(0x\w+\) did not come up within 1 s", log)]
    assert len(given_up) == 3, log
    assert max(given_up) - min(given_up) < 0.5
    assert re.search(r"smp: [12] of [45] CPUs online", log)
    assert [state for _, _, state, *_ in cpu_lines(board)].count("no answer") == 3
    results = ktap.check(board.cmd("test smp", timeout=200))
    assert all(result.passed for result in results), results


def test_disabled_cpu_is_left_alone(boot, setup):
    def disable(text):
        text = text.replace('status = "okay";', "")  # absent means the same
        return text.replace("cpu@1 {", 'cpu@1 { status = "disabled";', 1)

    board = boot(extra=[*smp(2), "-dtb", tree_with(setup, "disabled", disable)])
    log = board.expect_prompt()
    if [hart for _, hart, _, is_boot, _ in cpu_lines(board) if is_boot] == [0]:
        assert "smp:" not in log
        assert any("id 0x1 disabled" in line for line in board.lines("cpus"))
    else:  # which hart boots is a lottery
        assert "smp: 2 of 2 CPUs online" in log


@pytest.mark.parametrize("cpus, accel, suite", [
    (4, MULTI, ""), (4, SINGLE, "smp"), (8, MULTI, "smp"),
], ids=["4", "4-one-thread", "8"])
def test_suites(boot, subresults, cpus, accel, suite):
    board = boot(extra=smp(cpus, *accel))
    board.expect_prompt()
    results = ktap.check(board.cmd(f"test {suite}".rstrip(), timeout=500))
    assert suite == "" or all(result.name.startswith(suite) for result in results)
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])


SOAK_OPS = int(os.environ.get("SOAK_OPS", "5000000"))  # make soak has a hundred million


@pytest.mark.parametrize("accel, amount", [(SINGLE, f"ops={SOAK_OPS} mix=handle,compact,range,cma"), (MULTI, "seconds=10")],
                         ids=["moving", "threads"])
def test_stress(boot, accel, amount):
    """
    Four CPUs and their interrupts; in one run blocks move meanwhile, by compaction and out of ranges and areas, where memory is
    little, so that there is something to move. With a thread each the number is the host's to say: where there are fewer processors, who waits for a lock may take the time of who holds it.
    """
    moves = "mix=" in amount
    board = boot(memory="16M" if moves else "1G", append="cma=4M", extra=smp(4, *accel))
    board.expect_prompt()
    output = board.cmd(f"stress {amount} seed=7", timeout=500 + SOAK_OPS // 10000)
    if moves:
        assert re.search(r"stress: mix: handle \d{4,} compact \d{4,} range \d{4,} cma \d{4,}", output)
        moved = re.search(r"(?m)^stress: (\d+) pages moved, (\d+) blocks could not\r?\n"
                          r"stress: (\d+) requests compacted, (\d+) had a block so\r?$", output)
        assert int(moved[1]) >= SOAK_OPS // 100 and int(moved[3]) >= 20, moved[0]  # 50 in a thousand, hundreds
        assert all(len(line) <= 80 for line in moved[0].splitlines()), moved[0]
    last = re.search(r"stress: (\d+) operations on 4 cpus, 0 mismatches, buddyinfo as before", output)
    assert last, output[-1000:]
    assert int(last.group(1)) >= (SOAK_OPS if accel is SINGLE else 1000)
    assert re.search(r"stress: [1-9]\d* in interrupts, [1-9]\d* exchanged, \d+ drains, "
                     r"\d+ refused, mm_check\(\) finds 0 violations", output), output[-1000:]
    assert re.search(r"(?m)^zone_lock_acquired_dma32 [1-9]", board.cmd("vmstat"))
    assert re.search(r"(?m)^zone_lock_contended_dma32 \d", board.cmd("vmstat"))
    assert re.search(r"(?m)^zone_lock_overtaken_dma32 \d", board.cmd("vmstat"))


def test_ten_million_object_operations(boot):
    """Four CPUs and their interrupts: slabinfo and buddyinfo are as before, by the command and by what is shown."""
    board = boot(memory="256M", extra=smp(4, *SINGLE))
    board.expect_prompt()

    def tables():
        board.cmd("drain")
        return board.lines("slabinfo -a"), board.lines("buddyinfo")
    board.cmd("slabstress 1000")  # what it needs of its own lies where it will
    before = tables()
    output = board.cmd("slabstress 10000000", timeout=500)
    sums = re.search(r"slabstress: (\d+) operations on 4 cpus, (\d+) in interrupts\r?\n(\d+) exchanged, \d+ refused, 0 mismatches, 0 violations", output)
    assert sums and int(sums[1]) >= 9999990 and int(sums[2]) >= 100 and int(sums[3]) >= 1000000, output
    assert re.search(r"(?m)^slabinfo as before, buddyinfo as before\r?$", output)
    assert tables() == before


KINDS = ["refuse", "explain", "atomic", "sysctl", "callback", "drain", "stats", "trace", "fail", "hotplug",
         "reference", "misuse", "handle", "compact", "range", "cma"]
INITRD_PAGES = 64


def test_stress_mix(boot, setup, tmp_path):
    """
    Refusals with reports, HIGHATOMIC pressure, sysctls, callbacks, drains, statistics, CPUs that leave and return, and the initrd
    freed late, in pieces, between the requests and interrupts of four CPUs: then the books are right and all is as it was.
    """
    initrd = tmp_path / "initrd"
    initrd.write_bytes(bytes(INITRD_PAGES * 4096 - 100))
    # the threads of this emulator's harts wait well; of arm64's CPUs each would use up its share of the host in waiting
    accel = MULTI if setup.isa == "riscv64" else SINGLE
    board = boot(memory="64M", append="cma=8M", extra=[*smp(4, *accel), "-initrd", str(initrd)])
    board.expect_prompt()
    settings = [line for line in board.lines("sysctl") if line.startswith("vm.")]
    done, released = dict.fromkeys(KINDS, 0), 0
    for seed in range(1, 11):
        output = board.cmd(f"stress mix=all seconds=3 seed={seed}", timeout=300)
        assert re.search(r"stress: \d+ operations on 4 cpus, 0 mismatches, buddyinfo as before", output), output[-1500:]
        assert re.search(r"[1-9]\d* in interrupts, .*mm_check\(\) finds 0 violations", output), output[-1500:]
        for kind, count in re.findall(r"(\w+) (\d+)", re.search(r"stress: mix: (.*)", output)[1]):
            done[kind] += int(count)
        late = re.search(r"stress: (\d+) pages of the initrd were freed late, (.*) left", output)
        released += int(late[1]) if late else 0
        if late and late[2] == "none is" and min(done.values()):
            break
    assert min(done.values()) > 0 and list(done) == KINDS, done
    assert released == INITRD_PAGES - 1  # the last is not the initrd's whole
    assert [line for line in board.lines("sysctl") if line.startswith("vm.")] == settings
    output = board.cmd("stress mix=drain,hotplug ops=1000")  # nothing is left to free late
    assert "initrd" not in output and "0 mismatches, buddyinfo as before" in output


def test_stress_stops_on_ctrl_c(boot):
    board = boot(extra=smp(2))
    board.expect_prompt()
    board.send("stress seconds=1000 orders=0-2\r")
    board.expect(r"stress: 1 s, ")
    board.send("typed meanwhile\x03")
    output = board.expect_prompt()
    assert "stopped by Ctrl-C" in output
    assert re.search(r"stress: \d+ operations on 2 cpus, 0 mismatches, buddyinfo as before", output)


# ---- a CPU that stops with a trap ------------------------------------------------------------------


@pytest.mark.parametrize("place", ["thread", "masked", "irq", "printing"])
def test_a_trap_leaves_the_others(boot, place):
    """CPU 1 stops, wherever it was: the console answers, its memory is free unless it may have been in the allocator."""
    board = boot(extra=smp(4))
    board.expect_prompt()
    free = board.lines("meminfo")[1]
    output = board.cmd(f"trap 1 {place}")
    assert re.search(r"(?m)^\[.*\] trap: .* at (sepc|ELR_EL1) 0x", output), output
    lost = re.search(r"\] trap: CPU 1 stopped, the others go on(?:; pages lost in its caches: (\d+))?", output)
    assert lost and "trap: CPU 1 is stopped" in output, output
    assert bool(lost[1]) == (place in ("masked", "irq"))
    states = {number: state for number, _, state, *_ in cpu_lines(board)}
    assert states == {0: "online", 1: "stopped", 2: "online", 3: "online"}
    assert board.lines("alloc 0")[0].startswith("0x")
    assert "No such device" in board.cmd("trap 1")
    board.lines("drain")  # asks all CPUs
    assert board.lines("meminfo")[1].split()[0] == free.split()[0]
    assert all(result.passed for result in ktap.check(board.cmd("test smp", timeout=200)))
    output = board.cmd("stress ops=20000", timeout=100)
    assert re.search(r"stress: \d+ operations on 3 cpus, 0 mismatches, buddyinfo as before", output), output
    assert "mm_check() finds 0 violations" in output
    assert "trap: CPU 2 is stopped" in board.cmd("trap 2")  # another one too
    assert "0 mismatches, buddyinfo as before" in board.cmd("stress ops=2000")


def test_a_trap_while_a_cpu_starts(boot, setup):
    """
    The tree says that redistributors lie twice as far apart as they do, in the 64 bits of the binding: CPU 1 and CPU 3
    look for theirs where nothing answers. They are named, and the boot goes on.
    """
    gic = ["-machine", "gic-version=3"]
    blob = tree_with(setup, "stride", lambda text: re.sub(
        r"(intc@[0-9a-f]+ \{)", r"\1 redistributor-stride = <0 0x40000>;", text, count=1), 4, gic)
    board = boot(extra=[*smp(4), *gic, "-dtb", blob])
    log = board.expect_prompt()
    assert re.findall(r"smp: CPU (\d) \(0x\d\) stopped while it started: left out", log) == ["1", "3"]
    assert "smp: 2 of 4 CPUs online" in log
    assert [state for _, _, state, *_ in cpu_lines(board)] == ["online", "stopped", "online", "stopped"]
    assert "0 mismatches, buddyinfo as before" in board.cmd("stress ops=2000")


test_a_trap_while_a_cpu_starts.boards = ["qemu-virt-arm64"]


def test_a_trap_with_a_lock_stops_all(boot):
    board = boot(extra=smp(4))
    board.expect_prompt()
    board.send("trap 1 locked\r")
    board.expect("trap: CPU 1 stopped with a lock of the page allocator: all CPUs stop")
    board.send("cpus\r")
    with pytest.raises(pexpect.TIMEOUT):
        board.expect("timebase", timeout=3)


@pytest.mark.parametrize("line", ["trap", "trap 0", "trap 1", "trap x", "trap 1 nowhere", "trap 1 irq now"])
def test_trap_refuses(console, line):
    assert len(console.lines(line)) == 1


@pytest.mark.parametrize("line", ["stress cpus=3", "stress cpus=0", "stress ops=1 seconds=1", "stress orders=5-3",
                                  "stress orders=0-11", "stress what=1", "stress now", "stress ops=-1",
                                  "stress mix=", "stress mix=nothing", "stress mix=drain,"])
def test_stress_refuses(console, line):
    assert len(console.lines(line)) == 1


# ---- the models ------------------------------------------------------------------------------------


def spin(setup, model, name, *defines):
    """Check every interleaving of the model; what the checker printed."""
    folder = setup.scratch / f"spin-{model}-{name}"
    folder.mkdir(exist_ok=True)

    def run(*command, timeout=300):
        return subprocess.run(command, cwd=folder, text=True, capture_output=True, timeout=timeout,
                              check=False)

    made = run("spin", *defines, "-a", str(ROOT / "test/proof" / model))
    assert made.returncode == 0, made.stdout + made.stderr
    built = run("gcc", "-w", "-O2", "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=1900", "-o", "pan", "pan.c")
    assert built.returncode == 0, built.stderr
    return run("./pan", "-m100000", "-w24").stdout


@pytest.mark.parametrize("model", ["pcp.pml", "spinlock.pml"])
def test_model_is_sound(setup, model):
    text = spin(setup, model, "sound")
    assert re.search(r"errors: 0\b", text), text
    assert "MEMLIM" not in text and "max search depth too small" not in text, text
    assert int(re.search(r"(\d+) states, stored", text).group(1)) > 100000


@pytest.mark.parametrize("model, mutation, found", [
    ("pcp.pml", "NO_MASK", "assertion violated"),
    ("pcp.pml", "EARLY_ACK", "assertion violated  !(asked_for"),
    ("pcp.pml", "NO_LOCK", "assertion violated"),
    ("pcp.pml", "NO_SERVE", "invalid end state"),
    ("spinlock.pml", "NO_LINE", "assertion violated  !(before"),
    ("spinlock.pml", "NO_EXCHANGE", "assertion violated  !(inside"),
    ("spinlock.pml", "NO_REDRAW", "invalid end state"),
    ("spinlock.pml", "BLIND_TURN", "assertion violated ( !(locked)&&(next==head))"),
    ("spinlock.pml", "BLIND_PASS", "assertion violated ( !(locked)&&(next==head))"),
])
def test_model_finds(setup, model, mutation, found):
    text = spin(setup, model, mutation, f"-D{mutation}")
    assert found in text and re.search(r"errors: 1\b", text), text


# The models are not of a board.
test_model_is_sound.boards = test_model_finds.boards = BOARDS[:1]

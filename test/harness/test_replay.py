# SPDX-License-Identifier: BSD-2-Clause
"""
build/host/replay: what a machine of four CPUs recorded is made again here, to the same state; the page and the trace made of it
say what it says.
"""
import base64
import json
import os
import random
import re
import shutil
import struct
import subprocess
import time
import zlib

import pytest

from board import ROOT

STATE, EVENTS = 2, 3  # MM_RECORD_STATE, MM_RECORD_EVENTS
MEMMAP = 7  # MM_RECORD_MEMMAP
TYPE = {name: number for number, name in enumerate(re.findall(
    r"(?m)^\tMM_RECORD_(\w+),", re.search(r"(?s)enum mm_record_type \{(.*?)\};", (ROOT / "include/quarry/record.h").read_text())[1]))}


TOOK = {}  # seconds of here that the recording took
CALLS = int(os.environ.get("RECORD_CALLS", "40000"))  # make recording has a million


def replay(setup, path, *options):
    done = subprocess.run([setup.host / "replay", *options, path], text=True, timeout=300, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def recording(setup, tmp_path_factory):
    """The console's log of some calls, which the machine recorded."""
    from board import Board  # pylint: disable=import-outside-toplevel
    board = Board(setup, extra=["-smp", "4"])
    board.expect_prompt()
    start = time.monotonic()
    for line in ("trace stream 64", "stress ops=1500", "alloc 3", "drain", "sysctl vm.min_free_kbytes=3000",
                 "fail every=3 times=2", "alloc 0; alloc 0; alloc 0", "fail off", "test migrate", "compact",
                 "range any 700", f"soft_offline {setup.place(0x5432000):#x}", "stress ops=500 orders=0-2", "compact"):
        board.cmd(line)
    last = board.lines("trace off")[-1]
    TOOK[setup.isa] = time.monotonic() - start
    board.close()
    text = board.transcript.getvalue()
    assert int(re.fullmatch(r"trace: (\d+) records", last).group(1)) == text.count("@QT ")
    path = tmp_path_factory.mktemp("replay") / "trace"
    path.write_text(text, encoding="latin-1")
    return path


def test_same_state(setup, recording):
    code, text = replay(setup, recording)
    done = re.fullmatch(r"(\d+) of (\d+) events replayed, (\d+) checks equal\n", text)
    assert code == 0 and done, text
    events, whole, checks = map(int, done.groups())
    assert events == whole > 2000 and checks > events // 100


def frames_of(text):
    return [bytearray(base64.b64decode(frame)) for frame in re.findall(r"@QT ([A-Za-z0-9+/=]+)", text)]


def write_frames(path, frames):
    """As a machine would have written them, one after the other."""
    lines = []
    for number, frame in enumerate(frames):
        struct.pack_into("<I", frame, 4, number)
        frame[-4:] = struct.pack("<I", zlib.crc32(frame[:-4]))
        lines.append("@QT " + base64.b64encode(frame).decode() + "\n")
    path.write_text("".join(lines))


def part_of(frame):
    return struct.unpack_from("<H", frame, 8)[0]


def test_moves_are_recorded(recording):
    """The trace has what it is to show: blocks that moved, ranges, what fault injection refused, sysctls."""
    frames = frames_of(recording.read_text(encoding="latin-1"))
    types = {frame[at + 36] for frame in frames if part_of(frame) == EVENTS for at in range(24, len(frame) - 4, 40)}
    assert {TYPE[name] for name in ("ALLOC", "FREE", "SYSCTL", "TAKE_AT", "MOVED", "LEFT", "ISOLATE", "TAKE_RANGE", "INJECTED", "BAD")} <= types


def test_lost_events(setup, recording, tmp_path):
    """In the middle, and at the end, where no event follows that would tell."""
    frames = frames_of(recording.read_text(encoding="latin-1"))
    path = tmp_path / "lost"
    middle = [n for n, frame in enumerate(frames) if part_of(frame) == EVENTS][20]
    write_frames(path, frames[:middle] + frames[middle + 1:])
    code, text = replay(setup, path)
    assert code == 1 and re.search(r"event \d+, .*: \d+ events before it were lost on the machine", text), text
    struct.pack_into("<Q", frames[-1], 16, struct.unpack_from("<Q", frames[-1], 16)[0] + 5)
    write_frames(path, frames)
    code, text = replay(setup, path)
    assert code == 1 and "\nthe last 5 events were lost on the machine\n" in text, text


def test_each_byte_counts(setup, recording, tmp_path):
    """One bit of any byte of any record."""
    text = recording.read_bytes()
    places = [at for match in re.finditer(rb"@QT [A-Za-z0-9+/=]+", text) for at in range(*match.span())]
    chance = random.Random(16)
    path = tmp_path / "flipped"
    for at in [places[0], places[-1]] + chance.sample(places, 60):
        flipped = bytearray(text)
        flipped[at] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        code, said = replay(setup, path)
        assert code == 2 and re.search(r"record \d+: |no recording", said), (at, said)


def untrue(frames, chance):
    """Some numbers of an event, or a word of the state, or where a piece of that belongs, are anything."""
    frames = [bytearray(frame) for frame in frames]
    wild = lambda bits: chance.choice([0, 1, (1 << bits) - 1, 1 << (bits - 4), chance.getrandbits(bits)])  # pylint: disable=unnecessary-lambda-assignment
    events = [frame for frame in frames if part_of(frame) == EVENTS][:400]
    for frame in chance.sample(events, 2):
        at = chance.randrange(24, len(frame) - 4, 40)
        for what in chance.sample(("value", "gfp", "more", "type", "order", "cpu", "flags"), 2):
            if what == "value":
                struct.pack_into("<Q", frame, at + 16, wild(64))
            elif what in ("gfp", "more"):
                struct.pack_into("<I", frame, at + (28 if what == "gfp" else 32), wild(32))
            else:
                frame[at + 36 + ("type", "order", "cpu", "flags").index(what)] = wild(8)
    state = [frame for frame in frames if part_of(frame) == STATE]
    tables = [frame for frame in state if frame[23] != MEMMAP]
    for frame in chance.sample(chance.choice((state, tables)), chance.choice((0, 1))):
        if chance.randrange(4):
            struct.pack_into("<I", frame, chance.randrange(24, len(frame) - 7, 4), wild(32))
        else:
            struct.pack_into("<Q", frame, 16, wild(64))
    return frames


def test_any_trace_is_judged(setup, recording, tmp_path):
    """Whatever a whole trace says, replay ends, and by itself: no place outside of what it has, no list without end."""
    frames = frames_of(recording.read_text(encoding="latin-1"))
    chance = random.Random(17)
    path = tmp_path / "untrue"
    codes = set()
    for n in range(60):
        write_frames(path, untrue(frames, chance))
        code, said = replay(setup, path, "--html", "/dev/null")
        assert code in (0, 1, 2) and (code == 0 or said), (n, code, said)
        codes.add(code)
    assert codes >= {1, 2}


def test_what_is_not_isolated(setup, recording, tmp_path):
    """The end of an isolation that there was none of would lead a list to nowhere: it is judged before it is made."""
    frames = frames_of(recording.read_text(encoding="latin-1"))
    events = [frame for frame in frames if part_of(frame) == EVENTS]
    path = tmp_path / "untrue"
    for pageblock in (0, 3, 7):
        frame = events[40]
        struct.pack_into("<Q", frame, 24 + 16, pageblock)
        frame[24 + 36], frame[24 + 37], frame[24 + 39] = TYPE["ISOLATE"], 0, 0
        write_frames(path, frames)
        code, said = replay(setup, path, "--html", "/dev/null")
        assert code == 1 and re.search(r"event \d+, isolate of order 0 on CPU \d: no machine has recorded that: ", said), (pageblock, said)


def test_to(setup, recording):
    code, text = replay(setup, recording, "--to", "1000")
    assert code == 0 and "\n1001 of " in text and re.search(r"zone 0: \d+ free, by order: ", text), text


def test_damage_is_noticed(setup, recording, tmp_path):
    """One character of a record, a record, the end: each is named by the record's number."""
    lines = recording.read_text(encoding="latin-1").split("\n")
    records = [i for i, line in enumerate(lines) if "@QT " in line]
    path = tmp_path / "damaged"
    for n, change in ((5, lambda line: line[:60] + ("A" if line[60] != "A" else "B") + line[61:]),
                      (len(records) // 2, lambda line: line.replace("@QT", "@QU")), (len(records) - 1, lambda line: "")):
        # CPUs number their records before they print them: those of the state are one CPU's
        number = n if n != len(records) // 2 else None
        damaged = list(lines)
        damaged[records[n]] = change(damaged[records[n]])
        path.write_text("\n".join(damaged), encoding="latin-1")
        code, text = replay(setup, path)
        said = re.search(r"record (\d+): (its CRC is wrong|it is missing)", text)
        assert code == 2 and said, text
        assert number is None or int(said.group(1)) == number


def test_another_machine_differs(setup, recording, tmp_path):
    """What is whole but untrue is found where it first matters."""
    frames = re.findall(r"@QT ([A-Za-z0-9+/=]+)", recording.read_text(encoding="latin-1"))
    path = tmp_path / "untrue"
    out = []
    changed = False
    for text in frames:
        frame = bytearray(base64.b64decode(text))
        if not changed and struct.unpack_from("<H", frame, 8)[0] == EVENTS and struct.unpack_from("<I", frame, 4)[0] > 300:
            for at in range(24, len(frame) - 4, 40):
                if frame[at + 36] == 0 and not frame[at + 39] & 1:  # MM_RECORD_ALLOC, whole
                    frame[at + 16] ^= 1
                    changed = True
                    break
            frame[-4:] = struct.pack("<I", zlib.crc32(frame[:-4]))
        out.append("@QT " + base64.b64encode(frame).decode())
    assert changed
    path.write_text("\n".join(out) + "\n")
    code, text = replay(setup, path)
    assert code == 1 and re.search(r"event \d+, alloc of order \d+ on CPU \d: recorded 0x[0-9a-f]+, replayed 0x", text), text


def exhausted(boot, path):
    """A trace: blocks of order 9 until there are no more, a refusal, and two pages; how many blocks there were."""
    board = boot(memory="32M")
    board.expect_prompt()
    board.cmd("trace stream")
    taken = 0
    while "refused" not in board.cmd("alloc 9 GFP_KERNEL|__GFP_NOWARN") and taken < 20:
        taken += 1
    board.cmd("fail every=1 times=1")
    board.cmd("alloc 0; alloc 0; alloc 0")
    board.cmd("trace off")
    path.write_text(board.transcript.getvalue(), encoding="latin-1")
    return taken


def test_first_fail(boot, setup, tmp_path):
    """The request after which none of order 9 can be had is the one that took the last of them."""
    path = tmp_path / "trace"
    taken = exhausted(boot, path)
    code, text = replay(setup, path, "--first-fail", "9")
    assert code == 0, text
    found = re.search(r"event \d+, alloc of order 9 on CPU 0 at quarry.elf\+0x[0-9a-f]+: a request of order 9 fails from here on", text)
    held = re.search(r"held: (\d+) pages in (\d+) blocks, allocated at (quarry.elf\+0x[0-9a-f]+)", text)
    assert found and held, text
    assert (int(held.group(1)), int(held.group(2))) == (512 * taken, taken)
    named = subprocess.run([ROOT / "mk/symbols.py", setup.out / "quarry.elf"], input=text, capture_output=True, text=True, check=True).stdout
    assert re.search(re.escape(held.group(3)) + r" \w+ cmd_alloc\.c:\d+", named), named

    page = tmp_path / "page.html"
    assert replay(setup, path, "--html", page)[0] == 0
    figures = figures_of(page)
    assert [(of["what"], of["order"]) for of in figures["refusals"]] == [("request", 9), ("injected", 0)]
    assert any("order" in line for line in figures["refusals"][0]["why"]) and len(figures["refusals"][0]["why"]) > 2
    # of the other two, one of which was refused
    assert [(site["held"], site["blocks"]) for site in figures["sites"] if site["site"] == held.group(3)] == [(512 * taken + 2, taken + 2)]


def figures_of(page):
    text = page.read_text()
    assert not re.search(r"(?i)https?:|\b(src|href)=|url\(|@import|fetch\(|XMLHttp", text), "it reaches for something"
    return json.loads(re.search(r'(?s)<script id="figures" type="application/json">(.*?)</script>', text)[1])


def free_by_order(text):
    """Of all zones, from the lines that --to prints."""
    return [sum(column) for column in zip(*(map(int, row.split()) for row in re.findall(r"by order: ([\d ]+);", text)))]


@pytest.fixture(scope="module")
def page(setup, recording, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "page.html"
    code, text = replay(setup, recording, "--html", path)
    assert code == 0, text
    return path, text.strip()


def test_page_has_what_replay_says(setup, recording, page):
    figures = figures_of(page[0])
    assert page[1] == f"{figures['done']} of {figures['total']} events replayed, {figures['checks']} checks equal"
    assert len(figures["shots"]) > 100 and figures["good"]
    for shot in (figures["shots"][3], figures["shots"][70], figures["shots"][-1]):
        text = replay(setup, recording, "--to", str(shot["event"]))[1]
        assert shot["free"] == free_by_order(text)
        assert shot["pages"] == sum(map(int, re.findall(r"zone \d: (\d+) free", text)))
        assert len(shot["map"]) == len(figures["shots"][0]["map"]) and "U" in shot["map"][::2]
    held = re.findall(r"held: (\d+) pages in (\d+) blocks, allocated at (\S+), the oldest by event (\d+)", text)
    names = {"0x0": "ranges"}
    assert [(str(of["held"]), str(of["blocks"]), of["site"], str(of["oldest"])) for of in figures["sites"] if of["held"]] == \
        [(pages, blocks, names.get(site, site), event) for pages, blocks, site, event in held]
    assert figures["shots"][-1]["moved"] > 100
    elf = setup.out / "quarry.elf"
    text = subprocess.run([ROOT / "mk/symbols.py", elf], input=text, capture_output=True, text=True, check=True).stdout
    assert re.search(r"held: 700 pages in 1 blocks, allocated at quarry\.elf\+0x[0-9a-f]+ \w+ cmd_range\.c:\d+, ", text), text
    calls = sum(of["calls"] for of in figures["latency"])
    events = [frame[at:at + 40] for frame in frames_of(recording.read_text(encoding="latin-1")) if part_of(frame) == EVENTS
              for at in range(24, len(frame) - 4, 40)]
    assert calls == sum(event[36] in (TYPE["ALLOC"], TYPE["FREE"]) and not event[39] & 1 for event in events)


def test_page_in_a_browser(page):
    """What the page shows is what it has, at an event that is asked for; no error, and nothing from outside of the file."""
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("no chromium here: apt-get install chromium")
    figures = figures_of(page[0])
    shot = figures["shots"][70]
    done = subprocess.run([chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={page[0].parent / 'profile'}", "--dump-dom",
                           f"file://{page[0]}#{shot['event']}"], text=True, capture_output=True, timeout=120, check=True)
    seen = done.stdout
    assert '<p id="errors"></p>' in seen, seen[:2000]
    rows = [list(map(int, row)) for row in re.findall(r"<tr><td>(\d+)</td><td>(\d+)</td><td>(\d+)</td></tr>", re.search(r'id="free">(.*?)</table>', seen)[1])]
    assert rows == [[order, blocks, blocks << order] for order, blocks in enumerate(shot["free"])]
    assert f"event {shot['event']}, " in seen and f": {shot['pages']} pages free, {shot['cached']} cached, {shot['moved']} moved so far" in seen
    assert f'id="verdict" class="">{page[1]}</p>' in seen
    for name in ("latency", "sites", "refusals"):
        assert re.search(rf'id="{name}">(.*?)</table>', seen)[1].count("<tr>") == len(figures[name]) + 1


def test_perfetto(setup, recording, tmp_path):
    path = tmp_path / "trace.json"
    assert replay(setup, recording, "--perfetto", path)[0] == 0
    events = json.loads(path.read_text())["traceEvents"]
    whole = [event for event in events if event["ph"] == "X"]
    frames = [frame[at:at + 40] for frame in frames_of(recording.read_text(encoding="latin-1")) if part_of(frame) == EVENTS
              for at in range(24, len(frame) - 4, 40)]
    assert len(whole) == sum(event[36] in (TYPE["ALLOC"], TYPE["FREE"]) and not event[39] & 1 for event in frames)
    assert len(whole) + sum(event["ph"] == "i" for event in events) == len(frames)
    # microseconds: a machine's clock is the one of here
    assert 0 < max(event["ts"] + event["dur"] for event in whole) - min(event["ts"] for event in whole) < 1.1e6 * TOOK[setup.isa]
    assert {event["args"]["name"] for event in events if event["name"] == "thread_name"} == {f"CPU {n}" for n in range(4)}
    assert all(event["ts"] >= 0 and event.get("dur", 0) >= 0 for event in events if "ts" in event)


def image_file(path, size):
    with open(path, "wb") as image:
        image.truncate(size)
    return path


def with_disks(*paths, device="virtio-blk-pci,addr={}"):
    """QEMU's options: the first is disk 0."""
    return [option for n, path in enumerate(paths) for option in
            ("-drive", f"if=none,id=disk{n},format=raw,file={path}", "-device", f"{device.format(n + 4)},drive=disk{n}")]


def events_on_disk(image):
    """The events in the order of the frames, and where the last frame ends."""
    at, events = 0, []
    while True:
        magic, _, part, size = struct.unpack_from("<IIHH", image, at)
        assert magic == 0x63725451
        if part == EVENTS:
            events += [image[n:n + 40] for n in range(at + 24, at + 24 + size, 40)]
        at += 24 + size + 4
        if part == 4:  # MM_RECORD_END
            return events, at


def test_recording_on_a_disk(boot, setup, tmp_path):
    """So many calls on four CPUs, while pages are moved and ranges taken; and one bit of any byte of it."""
    trace, data = image_file(tmp_path / "trace.img", (16 << 20) + 64 * CALLS), image_file(tmp_path / "data.img", 1 << 20)
    data.write_bytes(random.Random(14).randbytes(1 << 20))
    board = boot(memory="256M", extra=["-smp", "4", *with_disks(data, trace)])
    board.expect_prompt()
    board.cmd("trace disk 1 20000")
    board.cmd(f"stress ops={CALLS + CALLS // 10} orders=0-6", timeout=120 + CALLS // 1000)
    moving = board.cmd("test bufcache.moving")
    assert "\nok 1 bufcache.moving" in moving, moving
    (said,) = board.lines("trace off")
    assert re.fullmatch(r"trace: \d+ records on the disk, \d+ sectors", said)
    board.close()
    image = trace.read_bytes()
    events, end = events_on_disk(image)
    assert sum(event[36] in (TYPE["ALLOC"], TYPE["FREE"]) and not event[39] & 1 for event in events) >= CALLS
    assert {event[38] for event in events} == {0, 1, 2, 3}
    moved = {event[38] for event in events if event[36] == TYPE["MOVED"]}
    assert moved and any(event[36] == TYPE["TAKE_RANGE"] for event in events)
    code, text = replay(setup, trace)
    done = re.fullmatch(r"(\d+) of (\d+) events replayed, (\d+) checks equal\n", text)
    assert code == 0 and done and int(done[1]) == int(done[2]) == len(events), text
    assert int(done[3]) >= len(events) // 25000 + 2
    chance = random.Random(18)
    with open(trace, "r+b") as file:
        for at in [0, end - 1, (end - 1 | 511) if end % 512 else 0] + chance.sample(range(end), 8):
            file.seek(at)
            file.write(bytes([image[at] ^ 1 << chance.randrange(8)]))
            file.flush()
            code, text = replay(setup, trace)
            assert code == 2 and re.search(r"record \d+: |no recording", text), (at, text)
            file.seek(at)
            file.write(image[at:at + 1])
    assert replay(setup, trace)[0] == 0


def test_disk_of_a_recording(boot, setup, tmp_path):
    """It is full, it is another's, it goes: each is said, and what there is of the recording ends where it says."""
    small, large = image_file(tmp_path / "small.img", 256 << 10), image_file(tmp_path / "large.img", 8 << 20)
    device = {"device": "virtio-blk-device"} if setup.isa == "riscv64" else {}  # where the first is the first
    board = boot(memory="32M", extra=with_disks(small, large, **device))
    board.expect_prompt()
    assert board.lines("trace disk 2") == ["trace: there is no disk 2"]
    assert board.lines("trace disk x") == ["trace: x: not the number of a disk"]
    # one that is refused, for want of the rings or of the disk's buffer, leaves the disk as it was, and anybody's
    for every in (1, 2):
        board.cmd(f"disk write 0 hello{every}; fail every={every} order>=4 times=1")
        assert re.fullmatch("trace: (no memory for the rings of 1 CPUs|disk 0: .*)", board.lines("trace disk")[-1])
        assert board.lines("fail")[-1].endswith(" 1 failed")
        board.cmd("fail off")
        assert small.read_bytes()[:512] == f"hello{every}".encode().ljust(512, b"\0")
    board.cmd("trace disk; drain")
    assert board.lines("disk write 0 hello") == ["disk: disk 0: sector 0 not written: Device or resource busy"]
    assert board.lines("trace disk 1") == ["trace: is on"]
    board.cmd("stress ops=20000")
    board.cmd("disk 1 write 0 hello")
    written, lost = board.lines("trace off")
    kept = int(re.fullmatch(r"trace: (\d+) records on the disk, 512 sectors", written)[1])
    assert re.fullmatch(r"trace: \d+ records are lost: the disk is full", lost)
    code, text = replay(setup, small)
    assert code == 2 and f"record {kept}: " in text, text
    board.cmd("trace disk 1; stress ops=500")
    gone = board.lines("shutdown")
    assert re.fullmatch(r"trace: \d+ records on the disk, \d+ sectors", gone[0]) and gone[-1] == "shutdown: without drivers buddyinfo is the boot picture"
    assert board.lines("trace off") == ["trace: is off"]
    code, text = replay(setup, large)
    assert code == 0 and re.fullmatch(r"(\d+) of \1 events replayed, \d+ checks equal\n", text), text
    # of a machine that stops meanwhile there is no recording, not the one before, nor its end
    board.cmd("trace disk 1")
    assert replay(setup, large) == (2, f"replay: {large}: no recording\n")
    board.cmd("stress ops=2000; stress ops=2000")
    board.close()
    code, text = replay(setup, large)
    assert code == 2 and re.search(r"record \d+: ", text), text

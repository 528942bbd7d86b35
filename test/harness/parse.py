# SPDX-License-Identifier: BSD-2-Clause
"""What the console prints, as numbers."""
import re

PAGE = 4096


def buddyinfo(lines):
    """{zone: [free blocks of order 0 .. 10]}, Linux's layout."""
    zones = {}
    for line in lines:
        match = re.fullmatch(r"Node 0, zone +(\w+)((?: +\d+){11}) *", line)
        assert match, f"not a line of buddyinfo: {line!r}"
        zones[match.group(1)] = [int(n) for n in match.group(2).split()]
    return zones


def free_pages(zones):
    return sum(n << order for blocks in zones.values() for order, n in enumerate(blocks))


def zoneinfo(lines):
    """{zone: {field: number}}; 'cached' is the sum of the per-CPU counts."""
    zones, zone = {}, None
    for line in lines:
        match = re.fullmatch(r"Node 0, zone +(\w+)", line)
        if match:
            zone = zones.setdefault(match.group(1), {"cached": 0})
        match = re.fullmatch(r" +(?:pages )?(free|boost|min|low|high|spanned|present|managed) +(\d+)",
                             line)
        if match:
            zone[match.group(1)] = int(match.group(2))
        match = re.fullmatch(r" +count: +(\d+)", line)
        if match:
            zone["cached"] += int(match.group(1))
    return zones


def memblock(lines):
    """
    ([(base, end)] of memory, the same of reserved), ends exclusive. Memory that is only set apart as
    no-map is a part of its bank, and reserved.
    """
    memory, reserved = [], []
    for line in lines:
        match = re.match(r"(memory|reserved) +\[0x([0-9a-f]+)-0x([0-9a-f]+)\)(.*)", line)
        if not match:
            continue
        region = int(match.group(2), 16), int(match.group(3), 16)
        if match.group(1) == "reserved" or "no-map" in match.group(4):
            reserved.append(region)
        if match.group(1) == "memory" and memory and memory[-1][1] == region[0]:
            memory[-1] = memory[-1][0], region[1]
        elif match.group(1) == "memory":
            memory.append(region)
    return memory, reserved


def free_by_map(memory, reserved):
    """Whole pages of the map that no reservation touches."""
    pages = 0
    for base, end in memory:
        at = -(-base // PAGE)
        last = end // PAGE
        for start, stop in sorted(reserved):
            first, past = start // PAGE, -(-stop // PAGE)
            if past <= at or first >= last:
                continue
            pages += max(0, first - at)
            at = max(at, past)
        pages += max(0, last - at)
    return pages


def meminfo(lines):
    """{name: kB}."""
    return {name: int(kb) for name, kb in
            (re.fullmatch(r"(\w+): +(\d+) kB", line).groups() for line in lines)}

# SPDX-License-Identifier: BSD-2-Clause
"""
Readers of what Linux shows under /proc, written from proc(5) and from the kernel's own documentation
(admin-guide/mm, filesystems/proc.rst), not from our console: they take its output as they find it.
"""
import re


def vmstat(text):
    """/proc/vmstat: `name value` a line."""
    result = {}
    for line in text.splitlines():
        name, value = line.split(" ")
        assert re.fullmatch(r"\w+", name) and name not in result
        result[name] = int(value)
    return result


def meminfo(text):
    """/proc/meminfo: `Name: value kB`, the unit optional. Bytes, or a plain number."""
    result = {}
    for line in text.splitlines():
        name, rest = line.split(":", 1)
        words = rest.split()
        assert len(words) in (1, 2) and (len(words) == 1 or words[1] == "kB"), line
        result[name] = int(words[0]) * (1024 if len(words) == 2 else 1)
    return result


def buddyinfo(text):
    """/proc/buddyinfo: {(node, zone): [free blocks of order 0, 1, ..]}."""
    result = {}
    for line in text.splitlines():
        match = re.match(r"Node (\d+), zone\s+(\S+)\s+(.*)$", line)
        result[int(match[1]), match[2]] = [int(word) for word in match[3].split()]
    return result


def pagetypeinfo(text):
    """
    /proc/pagetypeinfo: (pages per block, {(node, zone, type): [free blocks by order]},
    {(node, zone): {type: pageblocks}}).
    """
    per_block, free, blocks, types = None, {}, {}, None
    for line in text.splitlines():
        match = re.match(r"Pages per block:\s+(\d+)", line)
        if match:
            per_block = int(match[1])
        match = re.match(r"Node\s+(\d+), zone\s+(\S+), type\s+(\S+)\s+(.*)$", line)
        if match:
            free[int(match[1]), match[2], match[3]] = [int(word) for word in match[4].split()]
            continue
        if line.startswith("Number of blocks type"):
            types = line[len("Number of blocks type"):].split()
            continue
        match = re.match(r"Node\s+(\d+), zone\s+(\S+)\s+(.*)$", line)
        if match:
            counts = [int(word) for word in match[3].split()]
            assert types and len(counts) == len(types), line
            blocks[int(match[1]), match[2]] = dict(zip(types, counts))
    return per_block, free, blocks


def zoneinfo(text):
    """
    /proc/zoneinfo: {(node, zone): {"pages": {free, boost, min, ..}, "protection": [..],
    "stats": {nr_..}, "pagesets": [{cpu, count, high, batch}], "start_pfn": n}}.
    """
    zones, zone, cpu = {}, None, None
    for line in text.splitlines():
        match = re.match(r"Node (\d+), zone\s+(\S+)$", line)
        if match:
            zone = {"pages": {}, "stats": {}, "pagesets": []}
            zones[int(match[1]), match[2]] = zone
            cpu = None
            continue
        match = re.match(r"  pages free\s+(\d+)$", line)
        if match:
            zone["pages"]["free"] = int(match[1])
            continue
        match = re.match(r"\s+protection: \((.*)\)$", line)
        if match:
            zone["protection"] = [int(word) for word in match[1].split(", ")]
            continue
        match = re.match(r"    cpu: (\d+)$", line)
        if match:
            cpu = {"cpu": int(match[1])}
            zone["pagesets"].append(cpu)
            continue
        match = re.match(r"\s+(count|high|batch):\s+(\d+)$", line)
        if match and cpu is not None:
            cpu[match[1]] = int(match[2])
            continue
        match = re.match(r"  (start_pfn|node_unreclaimable):\s+(\d+)$", line)
        if match:
            zone[match[1]] = int(match[2])
            continue
        match = re.match(r"        (\w+)\s+(\d+)$", line)
        if match:
            zone["pages"][match[1]] = int(match[2])
            continue
        match = re.match(r"      (\w+)\s+(\d+)$", line)
        if match:
            zone["stats"][match[1]] = int(match[2])
            continue
        assert line.strip() in ("pagesets", "per-node stats"), f"not a line of zoneinfo: {line!r}"
    return zones


def slabinfo(text):
    """{cache: (active_objs, num_objs, objsize, objperslab, pagesperslab, active_slabs, num_slabs)}, as slabtop reads it."""
    lines = text.splitlines()
    assert lines[0] == "slabinfo - version: 2.1" and lines[1].startswith("# name ")
    caches = {}
    for line in lines[2:]:
        figures, tunables, slabs = line.split(" : ")
        name, *numbers = figures.split()
        assert tunables.split()[0] == "tunables" and slabs.split()[0] == "slabdata" and len(numbers) == 5
        caches[name] = tuple(map(int, numbers + slabs.split()[1:3]))
    return caches

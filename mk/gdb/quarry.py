# SPDX-License-Identifier: BSD-2-Clause
"""
Commands for gdb that read the page allocator from outside, of a machine that runs, has stopped, or has left a core file:
`quarry zones | pageblocks [zone] | page ADDRESS | pcp | owner | slab | check | dmesg`. They call nothing on the machine, so that one that has
crashed answers too, and take what they know of structures from the program's own debug information.
"""
import struct
import subprocess

import gdb

PAGE_SHIFT, SECTION_SHIFT, PAGEBLOCK_SHIFT = 12, 10, 9
STATES = ["none", "free", "allocated", "compound", "reserved", "frozen", "range", "objects"]
RESERVED, CONTIG, SLAB, BAD_BIT, NIL32 = 4, 6, 7, 1, 0xffffffff


def memory(address, size):
    return bytes(gdb.selected_inferior().read_memory(int(address), size))


class Allocator:
    """What is read once for a command."""

    def __init__(self):
        self.mm = gdb.parse_and_eval("mm")
        if int(self.mm["nr_pages"]) == 0:
            raise gdb.GdbError("quarry: the allocator has not started yet")
        self.types = [field.name.removeprefix("MIGRATE_") for field in gdb.lookup_type("enum migratetype").fields()
                      if field.enumval < int(gdb.parse_and_eval("MIGRATE_TYPES"))
                      and field.name != "MIGRATE_PCPTYPES"]
        self.kept = int(gdb.parse_and_eval("MIGRATE_HIGHATOMIC"))
        self.zones = [(name, self.mm["zones"][i]) for i, name in enumerate(("DMA32", "Normal"))]
        self.banks = [(int(bank["start"]), int(bank["first"]), int(bank["pages"]))
                      for bank in (self.mm["banks"][i] for i in range(int(self.mm["nr_banks"])))]
        self.spans = [(int(span["first"]), int(span["opened"]), int(span["end"]))
                      for span in (self.mm["spans"][i] for i in range(int(self.mm["nr_spans"])))]

    def pfn(self, index):
        return next(start + index - first for start, first, pages in self.banks if first <= index < first + pages)

    def index(self, pfn):
        return next((first + pfn - start for start, first, pages in self.banks if start <= pfn < start + pages), None)

    def section_state(self, section):
        for first, opened, end in self.spans:
            if first <= section < end:
                return "open" if section < opened else "untouched"
        return "reserved"

    def pageblocks(self, zone):
        """(number, prev, next, nr_free, list, type) of each in an open section."""
        for first, opened, _ in self.spans:
            begin, end = first << SECTION_SHIFT, opened << SECTION_SHIFT
            if begin == end or not int(zone["start"]) <= begin < int(zone["end"]):
                continue
            number = begin >> PAGEBLOCK_SHIFT
            heads = memory(self.mm["pageblocks"][number].address, 16 * ((end - begin) >> PAGEBLOCK_SHIFT))
            for i, (prev, after, free, where, kind, _) in enumerate(struct.iter_unpack("<IIHbBI", heads)):
                yield number + i, prev, after, free, where, kind

    def map(self, pageblock):
        """The free pages of a pageblock, a bit each."""
        return int.from_bytes(memory(self.mm["map"][pageblock << PAGEBLOCK_SHIFT >> 6].address, 64), "little")

    def word(self, index):
        """(state, order, holders, owner, raw) of a descriptor."""
        word, owner = struct.unpack("<II", memory(self.mm["memmap"][index].address, 8))
        return word >> 12 & 15, word >> 8 & 15, word >> 16, owner, word

    def trusted(self, index):
        trust = struct.unpack("<b", memory(self.mm["trust"][index >> 5].address, 1))[0]
        return trust < (index % 32 == 0)

    def caches(self):
        for cpu in range(int(self.mm["end_cpu"])):
            area = self.mm["pcpu"][cpu]
            if int(area) == 0:
                continue
            for order in range(11):
                for kind in range(8):
                    pcp = area["cache"][order * 8 + kind]  # where they are, hidden or not
                    if int(pcp["capacity"]):
                        yield cpu, order, kind, pcp


    def blocks(self):
        """(index, state, order, holders, owner) of each block that is in no free list."""
        for first, opened, _ in self.spans:
            at, end = first << SECTION_SHIFT, opened << SECTION_SHIFT
            if at == end:
                continue
            words = memory(self.mm["memmap"][at].address, 8 * (end - at))
            trust = memory(self.mm["trust"][at >> 5].address, end - at >> 5)
            free = int.from_bytes(memory(self.mm["map"][at >> 6].address, end - at >> 3), "little")
            n, count = 0, end - at
            while n < count:
                word, owner = struct.unpack_from("<II", words, 8 * n)
                trusted = (trust[n >> 5] ^ 128) - 128 < (n % 32 == 0)
                if free >> n & 1 or not trusted or not word >> 12 & 15:
                    n += 1
                    continue
                state, order = word >> 12 & 15, word >> 8 & 15
                yield at + n, state, order, word >> 16, owner
                n += 1 << order if state != RESERVED else 1


def zones(_):
    quarry = Allocator()
    for name, zone in quarry.zones:
        free = int(zone["nr_free"]) + sum(int(zone["nr_free_kept"][i]) for i in range(len(quarry.types) - quarry.kept))
        print(f"zone {name:6} managed {int(zone['managed'])} free {free} untouched {int(zone['nr_untouched'])}"
              f" min {int(zone['mark']['min'])} low {int(zone['mark']['low'])} high {int(zone['mark']['high'])}"
              f" lock {'held or waited for' if lock_held(zone) else 'free'}")


def lock_held(zone):
    """A ticket lock: the ticket that is served and the next one differ. By whatever two fields it has."""
    fields = [int(zone["lock"][field.name]) for field in zone["lock"].type.fields()
              if zone["lock"][field.name].type.strip_typedefs().code == gdb.TYPE_CODE_INT][:2]
    return len(fields) == 2 and fields[0] != fields[1]


def pageblocks(words):
    quarry = Allocator()
    print("pageblock address            zone   type          free list")
    for name, zone in quarry.zones:
        if words and words[0] != name:
            continue
        for number, _, _, free, where, kind in quarry.pageblocks(zone):
            print(f"{number:9} {quarry.pfn(number << PAGEBLOCK_SHIFT) << PAGE_SHIFT:#018x} {name:6} {quarry.types[kind]:12}"
                  f" {free:5} {where if where >= 0 else '-'}")


def page(words):
    if len(words) != 1:
        raise gdb.GdbError("usage: quarry page ADDRESS")
    quarry, address = Allocator(), int(gdb.parse_and_eval(words[0]))
    index = quarry.index(address >> PAGE_SHIFT)
    if index is None:
        raise gdb.GdbError(f"quarry: {address:#x}: no such memory")
    state = quarry.section_state(index >> SECTION_SHIFT)
    text = f"page {address >> PAGE_SHIFT << PAGE_SHIFT:#x} index {index}: "
    if state != "open":
        print(text + {"untouched": "free (untouched)", "reserved": "reserved"}[state])
        return
    if quarry.map(index >> PAGEBLOCK_SHIFT) >> index % 512 & 1:
        print(text + "free")
        return
    for order in range(11):
        head = index >> order << order
        if not quarry.trusted(head):
            continue
        kind, size, holders, owner, raw = quarry.word(head)
        if kind and size >= order:
            name = "bad memory" if kind == RESERVED and raw & BAD_BIT else STATES[kind]
            if kind == 2 and holders == 0:
                name = "free (in a per-CPU cache)"
            print(f"{text}{name}, order {size} head {quarry.pfn(head) << PAGE_SHIFT:#x} refs {holders} owner {owner:#x}")
            return
    print(text + "in no block")


def pcp(_):
    quarry = Allocator()
    print("cpu zone   order class count capacity")
    for cpu, order, kind, cache in quarry.caches():
        count = int(cache["top"] - cache["base"])
        print(f"{cpu:3} {quarry.zones[int(cache['zone'])][0]:6} {order:5} {kind:5} {count:5} {int(cache['capacity']):8}")


def named(text):
    """With function, file and line behind each quarry.elf+0x.., as for what the console prints."""
    elf = next(objfile.filename for objfile in gdb.objfiles() if objfile.filename.endswith("quarry.elf"))
    try:
        return subprocess.run(["mk/symbols.py", elf], input=text, text=True, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):  # not in the tree, or no addr2line
        return text


def owner_name(state, word):
    """As include/quarry/page_owner.h has the word."""
    if state == SLAB:
        return "objects (quarry slab)"
    if state == CONTIG:
        return "range"
    if word >> 31:
        return f"quarry.elf+{(word & 0xfffff) << 1:#x}" if word & 0xfffff else "a call site outside of the image"
    if word >> 24:
        return f"movable, operations {word >> 24}"
    return f"tag {word:#x}" if word else "unknown"


def owner(_):
    """Pages in use, by who has them; call sites are known of what was allocated while the console's `owner` was on."""
    quarry, sums = Allocator(), {}
    for _, state, order, holders, word in quarry.blocks():
        if state in (1, RESERVED) or (state == 2 and holders == 0):  # free, of nobody, in a cache
            continue
        word = 0 if state in (SLAB, CONTIG) else word & ~(0x7ff << 20) if word >> 31 else word  # without the mark
        pages, blocks = sums.get((state if state in (SLAB, CONTIG) else 2, word), (0, 0))
        sums[state if state in (SLAB, CONTIG) else 2, word] = pages + (1 << order), blocks + 1
    print("   pages   blocks  owner")
    print(named("".join(f"{pages:8} {blocks:8}  {owner_name(state, word)}\n"
                        for (state, word), (pages, blocks) in sorted(sums.items(), key=lambda item: -item[1][0]))), end="")
    print(f"{sum(pages for pages, _ in sums.values())} pages in {sum(blocks for _, blocks in sums.values())} blocks")


def slab(_):
    """The caches that have slabs: objects in use, and all there are; free ones lie in slabs and on CPUs' stacks."""
    quarry = Allocator()
    kmem = quarry.mm["kmem"]
    print("cache               active objects stacked   size  slabs  pages")
    for n in range(kmem["caches"].type.range()[1] + 1 if int(kmem) else 0):
        cache = kmem["caches"][n]
        if int(cache) == 0 or int(cache["nr_slabs"]) == 0:
            continue
        stacked = 0
        for cpu in range(int(quarry.mm["end_cpu"])):
            area = kmem["cpu"][cpu]
            if int(area) == 0:
                continue
            stack = gdb.Value(int(area) + int(cache["hot"]["stack"])).cast(gdb.lookup_type("struct object_stack").pointer())
            if int(stack["limit"]) != int(kmem["none"]["stack"][0]["limit"]):
                stacked += int(cache["limit"]) - int(stack["limit"] - stack["top"])
        objects = int(cache["nr_objects"])
        print(f"{cache['name'].string():17} {objects - int(cache['nr_free']) - stacked:8} {objects:7} {stacked:7} {int(cache['hot']['object_size']):6}"
              f" {int(cache['nr_slabs']):6} {int(cache['nr_pages']):6}")


def check(_):
    """Each pageblock against its map, each list against its members, each zone against both, each cached page."""
    quarry, wrong = Allocator(), []
    for name, zone in quarry.zones:
        sums, blocks = [0] * len(quarry.types), {}
        for number, prev, after, free, where, kind in quarry.pageblocks(zone):
            bits = bin(quarry.map(number)).count("1")
            if kind >= len(quarry.types):
                wrong.append(f"pageblock {number}: type {kind} is none")
                continue
            if bits != free:
                wrong.append(f"pageblock {number}: nr_free {free}, but {bits} pages are free in its map")
            sums[kind] += free
            blocks[number] = prev, after, where
        plain = sum(sums[:quarry.kept]) + int(zone["nr_untouched"])
        if plain != int(zone["nr_free"]):
            wrong.append(f"zone {name}: nr_free {int(zone['nr_free'])}, but {plain} by its pageblocks and untouched sections")
        for kind in range(quarry.kept, len(quarry.types)):
            if sums[kind] != int(zone["nr_free_kept"][kind - quarry.kept]):
                wrong.append(f"zone {name}: nr_free_kept of {quarry.types[kind]} is not the sum of its pageblocks: {sums[kind]}")
        for number, (prev, after, where) in blocks.items():
            if where >= 0 and after in blocks and blocks[after][0] != number:
                wrong.append(f"pageblock {number}: the next one, {after}, has {blocks[after][0]} before it")
            if where >= 0 and after in blocks and blocks[after][2] != where:
                wrong.append(f"pageblock {number} is on the list of order {where}, the next one, {after}, on that of {blocks[after][2]}")
    memmap = int(quarry.mm["memmap"])
    for cpu, order, kind, cache in quarry.caches():
        count = int(cache["top"] - cache["base"])
        if not 0 <= count <= int(cache["capacity"]):
            wrong.append(f"cpu {cpu}: cache of order {order}, class {kind}: {count} pages of {int(cache['capacity'])}")
            continue
        pages = memory(int(cache["base"]) + 8, 8 * count) if count else b""
        for (at,) in struct.iter_unpack("<Q", pages):
            index = (at - memmap) // 8
            if not 0 <= index < int(quarry.mm["nr_pages"]) or (at - memmap) % 8:
                wrong.append(f"cpu {cpu}: cache of order {order}, class {kind}: {at:#x} is no descriptor")
            elif quarry.word(index)[:3] != (2, order, 0):
                wrong.append(f"cpu {cpu}: cache of order {order}, class {kind}: page {quarry.pfn(index) << PAGE_SHIFT:#x}"
                             " is no such cached page")
    for line in wrong:
        print("quarry: " + line)
    print(f"quarry: {len(wrong)} violations")


def dmesg(_):
    ring = gdb.parse_and_eval("log_ring")
    size, head, used = ring.type.sizeof, int(gdb.parse_and_eval("log_ring_head")), int(gdb.parse_and_eval("log_ring_used"))
    text = memory(ring.address, size)
    print((text + text)[head:head + used].rstrip(b"\0").replace(b"\0", b"\n").decode("latin-1"))


COMMANDS = {"zones": zones, "pageblocks": pageblocks, "page": page, "pcp": pcp, "owner": owner, "slab": slab, "check": check, "dmesg": dmesg}


class Quarry(gdb.Command):
    """quarry zones | pageblocks [zone] | page ADDRESS | pcp | owner | slab | check | dmesg: the page allocator and the log, from outside."""

    def __init__(self):
        super().__init__("quarry", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if not words or words[0] not in COMMANDS:
            raise gdb.GdbError("usage: quarry " + " | ".join(COMMANDS))
        COMMANDS[words[0]](words[1:])

    def complete(self, text, word):
        return [name for name in COMMANDS if name.startswith(word)]


Quarry()

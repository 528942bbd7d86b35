# SPDX-License-Identifier: BSD-2-Clause
"""What `make prove` proves: each property, the sources of its proof, what it is about, and its limits."""
from dataclasses import dataclass, field

CBMC, WP, SPIN = "CBMC", "WP", "Spin"

# Sections of 8 pages, as test/exhaust has them: pageblocks of 4, a word of the map each.
SMALL = ["-DCONFIG_MAX_PAGE_ORDER=3", "-DCONFIG_PAGEBLOCK_ORDER=2", "-DCONFIG_TRUST_GROUP_SHIFT=1", "-DCONFIG_DEBUG_HOOKS=0"]


@dataclass
class Property:
    name: str
    tool: str
    says: str
    sources: list  # CBMC: harnesses of test/proof/cbmc; WP: the file itself; Spin: the model
    of: list = field(default_factory=list)  # file:function, whose small changes must break the proof
    about: list = field(default_factory=list)  # and functions whose changes are another proof's
    defines: list = field(default_factory=list)
    unwind: int = 1  # CBMC: of each loop but those of `loops`
    loops: dict = field(default_factory=dict)
    seconds: int = 120  # of processor time
    goal_seconds: int = 10  # WP: of each goal
    variants: dict = field(default_factory=dict)  # Spin: without a safeguard, and what is found then

    options: list = field(default_factory=list)  # of the tool
    entry: str = ""  # CBMC: prove_ENTRY() of the harness, by default the name
    quick: bool = True  # in make prove-quick
    begun: bool = False  # it has not run to its end yet: only by its name, and docs/proof.md has it below what is not proved

    def __post_init__(self):
        self.entry = self.entry or self.name

    @property
    def functions(self):
        return sorted({place.split(":")[1] for place in self.of})


def weak(name, says, without):
    """A model in memory that is not sequentially consistent, and the safeguards it needs."""
    return Property(name, SPIN, says, [name + ".pml"], seconds=60, variants=dict.fromkeys(without.split(), "assertion violated"))


MAP_LOOPS = {"map_change.1": 10, "map_change.0": 9, "word_largest.0": 7, "pb_largest.1": 8, "pb_first.0": 9, "pb_first.1": 9}
# The bounds of loops in the small geometry, each checked by the run; what is not named goes round 8 times at most.
LOOPS = {"map_change.0": 2, "map_change.1": 3, "word_largest.0": 3, "map_fill.0": 2, "buddy_add.0": 3, "buddy_free_range.0": 3,
         "word_free.0": 4, "pb_largest.1": 4, "span_of.0": 1, "bank_of.0": 1, "take_whole.0": 3, "whole_take.0": 3, "pb_pick.0": 3}


def small(name, says, sources, of, about=(), defines=(), **more):
    """Of the small geometry: from any state that meets the invariant to one that does."""
    folder = "mm/buddy/"
    return Property(name, CBMC, says, sources, [folder + place for place in of], [folder + place for place in about], [*SMALL, *defines],
                    unwind=9, loops=LOOPS, **{"seconds": 600, "quick": False, **more})


LATE = ["mm/memblock/memblock_query.c:" + name for name in ("memblock_check_late", "covers")]

PROPERTIES = [
    Property("page_ref_change", CBMC, "counts one holder more or less, or changes nothing; for all words", ["page_ref.c"],
             ["mm/alloc/alloc_internal.h:page_ref_change"], unwind=2),
    *[Property(name, CBMC, says, ["map.c"], of, unwind=65, seconds=300, loops=MAP_LOOPS,
               quick=name == "word_largest") for name, says, of in (
        ("word_largest", "the largest aligned run of a word of the map; for all words", ["mm/free_map.h:word_largest"]),
        ("pb_largest", "no free block of a pageblock is larger; for all maps", ["mm/buddy/map.c:pb_largest"]),
        ("pb_pick", "a free block of the order asked for, of a pageblock that has one; for all maps", ["mm/buddy/map.c:pb_pick"]))],
    Property("small_zone", CBMC, "the invariant of the proofs below is mm_check()'s, for any contents of the tables", ["small_zone.c"],
             defines=SMALL, unwind=9, seconds=900, options=["--no-standard-checks"], quick=False),
    small("buddy_free_0", "a page comes back: the invariant stays, nothing else changes", ["buddy_free.c"],
          ["buddy_free.c:word_free", "buddy_free.c:buddy_free", "buddy_free.c:whole_free"], defines=["-DORDER=0"], entry="buddy_free", quick=True),
    *[small(f"buddy_free_{order}", says, ["buddy_free.c"], of, about, [f"-DORDER={order}"], entry="buddy_free", begun=order > 1) for order, says, of, about in (
        (1, "so does a block of two", [], ["buddy_free.c:word_free", "buddy_free.c:buddy_free", "buddy_free.c:whole_free"]),
        (2, "so does a pageblock", ["buddy_free.c:buddy_add", "buddy_free.c:buddy_added"], ["buddy_free.c:buddy_free_range"]),
        (3, "so do two", ["buddy_free.c:pair_free", "buddy.c:whole_add"], ["buddy_free.c:buddy_free_range"]))],
    small("buddy_alloc_0", "a page that was free, for any type; none only if none is free; nothing else changes", ["buddy.c"],
          ["buddy.c:buddy_alloc", "buddy.c:pb_take", "buddy.c:pb_open"], ["fallback.c:buddy_fallback", "fallback.c:steal_candidate"],
          ["-DORDER=0"], entry="buddy_alloc"),
    *[small(f"buddy_alloc_{order}", says, ["buddy.c"], of, about, [f"-DORDER={order}"], entry="buddy_alloc", begun=True) for order, says, of, about in (
        (1, "so is a block of two, or of one where that will do", ["fallback.c:buddy_fallback", "fallback.c:steal_candidate"],
         ["buddy.c:buddy_alloc", "buddy.c:pb_take", "buddy.c:pb_open"]),
        (2, "so is a pageblock", ["buddy.c:take_whole", "buddy.c:whole_take"], ["buddy.c:buddy_alloc"]),
        (3, "so are two", [], ["buddy.c:take_whole", "buddy.c:whole_take", "buddy.c:buddy_alloc"]))],
    *[small(name, says, ["buddy_type.c"], of, about, begun=True) for name, says, of, about in (
        ("buddy_isolate", "a pageblock is isolated, or part of a block in use: its type is noted, no page is lost", ["isolation.c:buddy_isolate"],
         ["isolation.c:retype", "isolation.c:note_place"]),
        ("buddy_unisolate", "and is of its type again", ["isolation.c:buddy_unisolate"], ["isolation.c:retype", "isolation.c:restore_place"]),
        ("highatomic_unreserve", "a HIGHATOMIC pageblock is given up for a request, whose block is free then", ["fallback.c:highatomic_unreserve"],
         ["fallback.c:buddy_complete"]),
        ("highatomic_alloc", "a block of a HIGHATOMIC pageblock, that was free", ["fallback.c:highatomic_alloc"], ["buddy.c:pb_take"]),
        ("buddy_alloc_at", "a block of a pageblock by its number, that was free", ["isolation.c:buddy_alloc_at"], ["buddy.c:pb_take"]),
        ("buddy_free_tails", "what is cut off a block in use is free, what is kept is a block in use", ["buddy_free.c:buddy_free_tails"],
         ["buddy_free.c:buddy_free_range"]))],
    Property("check_late", CBMC, "what is released late is mapped, reserved and nobody's, every frame of it; 3 regions of each kind",
             ["check_late.c"], LATE, unwind=5, seconds=600),
    Property("check_late_one", CBMC, "a single frame that is so is released, and another is refused with the error that says why",
             ["check_late_one.c"], about=LATE, unwind=5, seconds=600, quick=False),
    Property("check_late_refuses", CBMC, "and what is refused has a frame that is not, of up to 3 frames", ["check_late.c"], about=LATE,
             unwind=5, seconds=600, quick=False, begun=True),
    *[Property(name, CBMC, says, ["pcp.c"], ["mm/pcp/" + place for place in of], defines=[*SMALL, *defines], unwind=9, seconds=900, quick=False,
               begun=name != "pcp_refill") for name, says, of, defines in (
        ("pcp_refill", "an empty cache, or any, takes pages of the buddy, and the caller one; none is lost or doubled; caches of 0 to 4 pages, and without slots",
         ["pcp.c:pcp_refill"], ["-DROOM=4UL", "-DLARGE=0UL"]),
        ("pcp_return", "a page comes to a full cache, and some of it go back to the buddy; none is lost or doubled, nor another touched",
         ["pcp.c:return_some", "pcp.c:return_pages", "pcp.c:are_a_block"], ["-DROOM=6UL", "-DLARGE=0UL"]),
        ("pcp_return_fast", "the same where a free found the cache full", [], ["-DROOM=6UL", "-DLARGE=0UL"]),
        ("pcp_give_back", "a CPU gives back what it has cached of a range, and nothing else",
         ["pcp_drain.c:give_back_until", "pcp_drain.c:give_back_some", "pcp_drain.c:give_back", "pcp_drain.c:give_back_newest"],
         ["-DROOM=2UL", "-DLARGE=2UL"]))],
    *[Property(name, CBMC, says, ["gfp.c"], ["mm/debug/gfp.c:" + place for place in of], defines=[f"-DLENGTH={length}"], unwind=length + 3,
               loops=loops, seconds=300, quick=length < 10, begun=length > 10) for name, says, of, length, loops in (
        ("parse_number", "a number of flags has its value, or changes nothing; any text of up to 6 characters", ["parse_number", "digit_of"], 6, {}),
        ("gfp_parse", "text of flags: each access; what is not wholly right changes nothing; any text of up to 16 characters, two words",
         ["gfp_parse", "parse_one"], 16, {"gfp_parse.0": 2, "parse_one.0": 20}))],
    Property("memblock_search", WP, "the first region that ends above an address, in an array of any length",
             ["mm/memblock/memblock.c"], ["mm/memblock/memblock.c:memblock_search"]),
    Property("span_of", WP, "the span that holds a section, of any number of spans", ["mm/zone/sections.c"],
             ["mm/zone/sections.c:span_of"]),
    Property("bank_of", WP, "the last bank that starts at or before a frame or an index, of any number", ["mm/zone/sections.c"],
             ["mm/zone/sections.c:bank_of"]),
    Property("region_at", WP, "the region that holds an address, mapped or not, in an array of any length",
             ["mm/memblock/memblock_query.c"], ["mm/memblock/memblock_query.c:" + name for name in (
                 "region_at", "memblock_is_memory", "memblock_is_reserved", "memblock_is_map_memory")]),
    Property("calc_protection", WP, "what a zone keeps from requests that could use a higher one: nothing overflows, of any figures",
             ["mm/zone/watermark.c"], ["mm/zone/watermark.c:calc_protection"], options=["-warn-unsigned-overflow", "-wp-no-volatile"]),
    Property("calc_watermarks", WP, "a zone's marks: nothing overflows, whatever memory and settings; what each is made of",
             ["mm/zone/watermark.c"], ["mm/zone/watermark.c:calc_watermarks", "mm/zone/watermark.c:share_of"],
             options=["-warn-unsigned-overflow", "-wp-no-volatile"]),
    Property("region_end", WP, "of a region that lies in the address space", ["mm/memblock/memblock.c"],
             ["mm/memblock/memblock_internal.h:region_end"]),
    Property("pcp", SPIN, "caches, the zone's lock and the drain of 3 CPUs: no page lost or doubled, no wait for ever", ["pcp.pml"],
             seconds=300, variants={"NO_MASK": "assertion violated", "EARLY_ACK": "assertion violated  !(asked_for",
                                    "NO_LOCK": "assertion violated", "NO_SERVE": "invalid end state"}),
    Property("spinlock", SPIN, "the lock and its line of 3 CPUs, any of which may stop: one holder, first come, no wait for ever",
             ["spinlock.pml"], seconds=300,
             variants={"NO_LINE": "assertion violated  !(before", "NO_EXCHANGE": "assertion violated  !(inside",
                       "NO_REDRAW": "invalid end state", "BLIND_TURN": "assertion violated ( !(locked)&&(next==head))",
                       "BLIND_PASS": "assertion violated ( !(locked)&&(next==head))"}),
    Property("isolation", SPIN, "a range taken while 2 CPUs allocate, free and cache: isolated and free it stays free; nobody waits for ever",
             ["isolation.pml"], seconds=60,
             variants={"IGNORE_TYPE": "assertion violated", "NO_LOCK": "assertion violated", "NO_DRAIN": "assertion violated",
                       "DRAIN_LOCKED": "invalid end state", "NO_LOOK": "assertion violated"}),
    Property("pieces", SPIN, "a request served in pieces, CPUs that allocate, free and post in between: no page is missed, nobody waits for ever",
             ["pieces.pml"], seconds=120,
             variants={"EARLY_ACK": "assertion violated  !(asked_for", "NO_AGAIN": "invalid end state", "LATE_SET": "invalid end state",
                       "OLD_PLACE": "assertion violated  !(asked_for"}),
    weak("publication", "a CPU that sees a section open sees its trust map cleared, and its one block", "NO_RELEASE NO_ACQUIRE"),
    weak("lock_order", "what is read with a zone's lock is what its last holder wrote", "NO_ACQUIRE NO_RELEASE"),
    weak("request", "a drain gives back what it was asked for, and the CPU that asked sees it",
         "POST_RELAXED SERVE_RELAXED ACK_RELAXED SEEN_RELAXED FREE_RELAXED BUSY_RELAXED"),
    weak("online", "a CPU that comes online sees what was set or asked, or is asked", "NO_FENCE_POST NO_FENCE_SET NO_FENCE_ONLINE"),
    weak("offline", "a drain that goes on without a CPU that left sees what it gave back", "NO_RELEASE NO_ACQUIRE"),
    weak("last_reference", "of two holders one frees the block, and sees what both wrote", "NO_RELEASE NO_ACQUIRE NO_SWAP"),
    weak("caches_seen", "another CPU's caches end with a NULL for whoever looks at them",
         "NO_FENCE NO_RELEASE NO_ACQUIRE NO_DEPENDENCY"),
]
PROPERTIES, BEGUN = [proof for proof in PROPERTIES if not proof.begun], [proof for proof in PROPERTIES if proof.begun]

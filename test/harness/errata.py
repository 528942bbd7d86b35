# SPDX-License-Identifier: BSD-2-Clause
"""
errata.py FILE..: sequences of instructions in arm64 programs that Cortex-A53's errata 835769 and 843419 are about (Arm's
Software Developers Errata Notice, EPM-048406), one line each; the exit status says whether there are any.
"""
import re
import subprocess
import sys

OBJDUMP = "aarch64-linux-gnu-objdump"
LINE = re.compile(r" *([0-9a-f]+):\t([0-9a-f]{8}) \t(\S+)")
ZERO = 31


def field(word, low, width=5):
    return word >> low & (1 << width) - 1


def is_memory(word):
    """Loads and stores: op0 is x1x0 (Arm ARM, C4.1)."""
    return word & 0x0a000000 == 0x08000000


def is_pair(word):
    return word & 0x3a000000 == 0x28000000


def is_vector(word):
    return is_memory(word) and word >> 26 & 1 == 1


def is_load(word):
    literal = word & 0x3b000000 == 0x18000000
    return literal or word >> 22 & 1 == 1 or (word & 0x3b000000 == 0x38000000 and word >> 23 & 1 == 1)


def is_branch(word):
    """b, bl; b.cond; cbz, tbz and theirs; br, blr, ret; exceptions."""
    return (word & 0x7c000000 in (0x14000000, 0x34000000) or word & 0xff000000 == 0x54000000
            or word >> 25 == 0xd6000000 >> 25 or word >> 24 == 0xd4)


def targets(word):
    """The general registers that a load writes."""
    if is_vector(word) or not is_load(word):
        return set()
    return {field(word, 0), field(word, 10)} if is_pair(word) else {field(word, 0)}


def is_accumulate(word):
    """64-bit multiply-accumulate: madd, msub, smaddl, smsubl, umaddl, umsubl with an addend."""
    return word & 0xff000000 == 0x9b000000 and field(word, 21, 3) in (0, 1, 5) and field(word, 10) != ZERO


def is_835769(first, second):
    """A load or store right before a multiply-accumulate that does not wait for what is loaded."""
    if not is_memory(first) or not is_accumulate(second):
        return False
    return not targets(first) & {field(second, 5), field(second, 16), field(second, 10)}


def is_adrp(word):
    return word & 0x9f000000 == 0x90000000


def uses_page(word, register):
    """A load or store with an unsigned offset from the register."""
    return word & 0x3b000000 == 0x39000000 and field(word, 5) == register


def is_843419(address, words):
    """
    adrp in one of the last two words of 4 KiB; a load or store, of two registers only a store; and at once or one
    instruction later a load or store from the page that adrp named.
    """
    if address & 0xfff not in (0xff8, 0xffc) or len(words) < 3 or not is_adrp(words[0]):
        return False
    if not is_memory(words[1]) or (is_pair(words[1]) and is_load(words[1])):
        return False
    register = field(words[0], 0)
    if uses_page(words[2], register):
        return True
    return len(words) > 3 and not is_branch(words[2]) and uses_page(words[3], register)


def code(program):
    """[(address, word)..] of the program's instructions, without the data between them."""
    text = subprocess.run([OBJDUMP, "-d", "-z", program], check=True, capture_output=True, text=True).stdout
    found = [match.groups() for match in map(LINE.match, text.splitlines()) if match]
    return [(int(address, 16), int(word, 16)) for address, word, name in found if not name.startswith(".")]


BARRIER = 0xd5033f9f  # dsb sy, on both sides of each access to a device (drivers/base/io.h)


def writes_base_back(word):
    """Pre- and post-indexed loads and stores, of one register or two."""
    one = word & 0x3b200400 == 0x38000400
    return one or (is_pair(word) and field(word, 23, 2) in (1, 3))


def written_back(program):
    """(addresses of accesses to devices, those of them that a hypervisor cannot emulate)"""
    words = code(program)
    found = [address for (_, before), (address, word), (_, after) in zip(words, words[1:], words[2:])
             if before == after == BARRIER and is_memory(word)]
    text = dict(words)
    return found, [address for address in found if writes_base_back(text[address])]


def scan(program):
    """[(erratum, address)..]"""
    found, instructions = [], code(program)
    for i, (address, word) in enumerate(instructions):
        run = [word]
        for after, (next_address, next_word) in enumerate(instructions[i + 1:i + 4], 1):
            if next_address != address + 4 * after:
                break
            run.append(next_word)
        if len(run) > 1 and is_835769(*run[:2]):
            found.append((835769, address))
        if is_843419(address, run):
            found.append((843419, address))
    return found


def main():
    found = [(program, erratum, address) for program in sys.argv[1:] for erratum, address in scan(program)]
    for program, erratum, address in found:
        print(f"{program}: {address:#x}: erratum {erratum}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Names for addresses in what the console prints: symbols.py build/riscv64/quarry.elf < LOG. After each quarry.elf+0x.., as `owner` and
a panic print them, it writes the function, file and line that addr2line finds; all else stays as it is.
"""
import re
import struct
import subprocess
import sys
from functools import cache


TOOLS = {243: "riscv64-linux-gnu-", 183: "aarch64-linux-gnu-"}  # by e_machine


@cache
def tool(elf):
    with open(elf, "rb") as file:
        return TOOLS.get(struct.unpack_from("<H", file.read(64), 18)[0], "") + "addr2line"


@cache
def name(elf, offset):
    # A call site is what the call returns to: the byte before it is the call's.
    address = hex(max(int(offset, 16) - 1, 0))
    text = subprocess.run([tool(elf), "-f", "-i", "-s", "-e", elf, address], check=True, capture_output=True, text=True).stdout
    # A function, then its place; those inlined first. What a header has is not who is asked for.
    frames = list(zip(*[iter(text.splitlines())] * 2))
    function, place = next((frame for frame in frames if ".h:" not in frame[1]), frames[-1])
    return f" {function} {place}"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    for stream in (sys.stdin, sys.stdout):  # a log is bytes, whatever the locale's encoding
        stream.reconfigure(errors="surrogateescape")
    for line in sys.stdin:
        print(re.sub(r"quarry\.elf\+(0x[0-9a-f]+)", lambda found: found[0] + name(sys.argv[1], found[1]), line), end="", flush=True)


main()

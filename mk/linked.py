# SPDX-License-Identifier: BSD-2-Clause
"""
What a program links of an archive: linked.py MAP OBJECT NAME prints a line as size(1) does, of the sections of OBJECT that the linker
has kept (ld -Map, --gc-sections), as long as they are when calls are relaxed.
"""
import re
import sys
from pathlib import Path

SECTION = re.compile(r"(?m)^ \.s?(text|rodata|data|bss)\S*\s+0x[0-9a-f]+\s+(0x[0-9a-f]+)\s+(\S+)$")


def main():
    path, wanted, name = sys.argv[1:]
    kept = Path(path).read_text().split("Linker script and memory map")[1]
    sizes = {"text": 0, "rodata": 0, "data": 0, "bss": 0}
    for kind, size, of in SECTION.findall(kept):
        if Path(of).name == wanted:
            sizes[kind] += int(size, 16)
    text = sizes["text"] + sizes["rodata"]
    total = text + sizes["data"] + sizes["bss"]
    print(f"{text:7}\t{sizes['data']:7}\t{sizes['bss']:7}\t{total:7}\t{total:7x}\t{name}")


main()

# SPDX-License-Identifier: BSD-2-Clause
"""
How much stack a call of the library takes: what gcc says of each function (-fstack-usage), and who calls
whom, from the relocations of the objects and POINTERS. Callbacks of others and the port's functions are not counted.
"""
import re
import subprocess

# Functions of the library that others of it call through pointers.
POINTERS = {"alloc_pages_slowpath": ("compact_direct",),
            "migrate_block": ("take_target", "take_room", "elsewhere", "isolate_page", "migrate_page", "putback_page"),
            "shrink_all": ("count_empty", "give_empty")}
OPTIONS = re.compile(r"__NR_CPUS_\w+")  # of a linker name: MM_LINK_NAME()
SECTION = re.compile(r"^\.text\.(?:unlikely\.|hot\.|startup\.|exit\.)?")


def calls(objdump, path):
    """{function: functions it calls or goes on to} of one object."""
    text = subprocess.run([objdump, "-dr", "--no-show-raw-insn", str(path)], check=True, text=True,
                          capture_output=True).stdout
    found, caller, before = {}, None, ""
    for line in text.splitlines():
        if match := re.match(r"^[0-9a-f]+ <([\w.]+)>:$", line):
            if not match[1].startswith(".L"):
                caller = found.setdefault(OPTIONS.sub("", match[1]), set())
        elif match := re.match(r"^\s+[0-9a-f]+: R_\w*(CALL|JUMP26|PLT32|JAL|BRANCH|PC32)\w*\s+(\S+)", line):
            if match[1] == "PC32" and not re.search(r"\s(?:call|j\w+)\s", before):  # x86: an address
                continue
            callee = re.sub(r"[+-]0x[0-9a-f]+$", "", match[2])
            caller.add(OPTIONS.sub("", SECTION.sub("", callee)))
        before = line
    return found


def frames(path):
    """{function: bytes} of one object; those without a bound are refused."""
    found, parts = {}, {}
    for line in path.read_text().splitlines():
        where, size, kind = line.split("\t")
        assert kind in ("static", "dynamic,bounded"), line
        name = where.rsplit(":", 1)[1]
        found[name] = max(found.get(name, 0), int(size))
        name = name.split(".")[0]  # where a part is not named: the largest
        parts[name] = max(parts.get(name, 0), int(size))
    return parts | found


class Graph:
    """
    All functions of some objects, by (object, name). Of a name in several the first object's is meant by the
    others; of a weak one by its own too, so those that replace it come first. Calls of those in `without`
    are left out, and so are they themselves.
    """

    def __init__(self, objdump, objects, weak=(), without=()):
        self.weak, self.without = weak, without
        self.size, self.calls, self.deepest, self.globals = {}, {}, {}, {}
        for path in objects:
            own = frames(path.with_suffix(".su"))
            for name, callees in calls(objdump, path).items():
                # the rarely used part of a function works on the same frame
                self.size[path, name] = 0 if name.endswith(".cold") else own.get(name, own.get(name.split(".")[0]))
                prefix = "quarry__" if name.startswith("quarry__") else ""
                through = POINTERS.get(name.removeprefix(prefix).split(".")[0], ())
                self.calls[path, name] = callees | {prefix + callee for callee in through}
                if "." not in name:
                    self.globals.setdefault(name, (path, name))
        for key, size in self.size.items():
            assert size is not None, f"{key}: -fstack-usage says nothing of it"

    def chain(self, key, above=()):
        """(bytes, names): the deepest chain of calls from a function on."""
        assert key not in above, f"recursion: {[name for _, name in above]}"
        if key not in self.deepest:
            below = (0, ())
            for name in self.calls[key]:
                own = (key[0], name) in self.calls and name not in self.weak
                callee = (key[0], name) if own else self.globals.get(name)
                if callee and name not in self.without and callee != key and not name.startswith(key[1] + ".cold"):
                    below = max(below, self.chain(callee, (*above, key)))
            self.deepest[key] = (self.size[key] + below[0], (key[1], *below[1]))
        return self.deepest[key]

    def worst(self):
        """(bytes, names) of the deepest of all."""
        return max(self.chain(key) for key in self.calls if key[1] not in self.without)

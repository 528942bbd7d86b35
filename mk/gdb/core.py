# SPDX-License-Identifier: BSD-2-Clause
"""
core.py FILE LOG COMMAND..: start QEMU, which writes the console to LOG, wait until it is at its prompt, or says nothing more,
and have it write the machine's memory and registers to FILE as a core file.
"""
import struct
import subprocess
import sys
import time

SECONDS = 120
PROMPT = b"\nquarry> "
QUIET = 1, 5  # seconds without a word, at the prompt or elsewhere: it has done what it was asked, or has stopped


def wait(log):
    deadline, last, since = time.monotonic() + SECONDS, -1, time.monotonic()
    while time.monotonic() < deadline:
        with open(log, "rb") as file:
            text = file.read()
        if len(text) != last:
            last, since = len(text), time.monotonic()
        if last > 0 and time.monotonic() - since > QUIET[not text.endswith(PROMPT)]:
            return
        time.sleep(0.1)


def give_addresses(path):
    """QEMU leaves out where physical memory appears; the firmware maps it where it is."""
    with open(path, "r+b") as file:
        header = file.read(64)
        offset, size, count = struct.unpack_from("<Q", header, 32)[0], *struct.unpack_from("<HH", header, 54)
        for i in range(count):
            file.seek(offset + i * size)
            kind, flags, at, _, physical = struct.unpack("<IIQQQ", file.read(32))
            if kind == 1:
                file.seek(offset + i * size)
                file.write(struct.pack("<IIQQQ", kind, flags, at, physical, physical))


def main():
    path, log, *command = sys.argv[1:]
    open(log, "wb").close()
    qemu = subprocess.Popen([*command, "-display", "none", "-serial", f"file:{log}", "-monitor", "stdio"], text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        wait(log)
        qemu.communicate(f"stop\ndump-guest-memory {path}\nquit\n", timeout=SECONDS)
    finally:
        if qemu.poll() is None:
            qemu.kill()
            qemu.wait()
    give_addresses(path)
    print(f"core file: {path}; to read it: make debug CORE={path}")


if __name__ == "__main__":
    main()

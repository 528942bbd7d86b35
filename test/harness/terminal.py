# SPDX-License-Identifier: BSD-2-Clause
"""`make run` in a terminal of 80 columns and 24 rows, which tmux emulates: keys go in, and what is read is the screen."""
import os
import re
import signal
import subprocess
import time

from board import ROOT

COLUMNS, ROWS = 80, 24
MORE = "-- more:"


class Terminal:
    """A machine in a window of tmux; one server for each, so that nobody else's is touched."""

    def __init__(self, board, options="SMP=2 QEMU_EXTRA='-device edu -device virtio-rng-device'"):
        self.socket = f"quarry-{os.getpid()}-{board}"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS),
                  f"cd {ROOT} && exec make -s run BOARD={board} {options}")
        self.tmux("set-option", "-g", "history-limit", "20000")

    def tmux(self, *args):
        return subprocess.run(["tmux", "-L", self.socket, *args], text=True, capture_output=True, check=True).stdout

    def type(self, text, *keys):
        if text:
            self.tmux("send-keys", "-l", "--", text)
        if keys:
            self.tmux("send-keys", *keys)

    def screen(self):
        return self.tmux("capture-pane", "-p").rstrip("\n").split("\n")

    def history(self, *options):
        return self.tmux("capture-pane", "-p", "-S", "-", *options).rstrip("\n").split("\n")

    def wait(self, pattern, seconds=60):
        """Until the last line of the screen is so; the screen."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            screen = self.screen()
            if re.fullmatch(pattern, screen[-1].rstrip()):
                return screen
            time.sleep(0.03)
        raise AssertionError("\n".join([f"no {pattern!r} within {seconds} s:", *self.screen()]))

    def until(self, seen, seconds=30):
        """Until the screen is so; the screen."""
        deadline = time.monotonic() + seconds
        while not seen(screen := self.screen()):
            assert time.monotonic() < deadline, "\n".join(screen)
            time.sleep(0.03)
        return screen

    def prompt(self, seconds=60):
        """Page through to the next prompt."""
        while True:
            if self.wait(f"quarry>|{MORE}.*", seconds)[-1].startswith(MORE):
                self.type("", "Space")
                time.sleep(0.03)
                continue
            return

    def meet(self):
        """The first prompt; from now on the console knows that a terminal answers."""
        self.wait("quarry>", 120)
        self.type(" ")
        self.wait("quarry>")
        time.sleep(0.3)  # its answer
        self.type("", "C-u")

    def run(self, line):
        self.type(line)
        self.until(lambda screen: screen[-1].endswith(line))
        self.type("", "Enter")
        self.until(lambda screen: not screen[-1].endswith(line))
        self.prompt()

    def close(self):
        # The pane's process group is make and QEMU, which outlives its terminal.
        os.killpg(int(self.tmux("display-message", "-p", "#{pane_pid}")), signal.SIGTERM)
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], capture_output=True, check=False)

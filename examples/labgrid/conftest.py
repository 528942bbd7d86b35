# SPDX-License-Identifier: BSD-2-Clause
"""The board's console, at its prompt, whichever drivers the environment of labgrid names."""
import os
from pathlib import Path

import pytest

PROMPT = r"\nquarry> "
BOOT_SECONDS = 300  # a loader may wait for its network first


class Console:
    """The shell at the other end of the serial line; everything it prints goes to a file too."""

    def __init__(self, driver, log):
        self.driver, self.log = driver, log

    def until_prompt(self, seconds):
        before = self.driver.expect(PROMPT, timeout=seconds)[1].decode("latin-1")
        self.log.write(before + "\nquarry> ")
        self.log.flush()
        return before

    def run(self, line, seconds):
        """What a command prints."""
        self.driver.sendline(line)
        return self.until_prompt(seconds)


@pytest.fixture(scope="session")
def console(target):
    folder = Path(os.environ["FARM_FOLDER"])
    folder.mkdir(parents=True, exist_ok=True)
    driver = target.get_driver("ConsoleProtocol", activate=False)
    power = target.get_driver("PowerProtocol", activate=False)
    target.activate(driver)
    with (folder / "console.log").open("w", encoding="latin-1") as log:
        console = Console(driver, log)
        if os.environ.get("LG_RUNNING") == "1":
            driver.sendline("")
        else:
            target.activate(power)
            power.on() if power is driver else power.cycle()
        console.until_prompt(BOOT_SECONDS)
        yield console
    if power is driver:
        power.off()

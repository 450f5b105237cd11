"""Links of reports into Inspect's viewer, followed in a browser."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import PROGRAM, Browser

from mdevalbench.leaderboard.evaluation import Evaluation
from mdevalbench.leaderboard.run import evaluate

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium here")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("viewed")
    evaluate(Evaluation("mdevalbench/wrong", suite="demo", family="lattice_constant", log_dir=made), "none")
    return made


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    number = free_port()
    command = [sys.executable, "-m", "inspect_ai", "view", "--log-dir", str(folder), "--port", str(number)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", number)) == 0:
                break
        assert process.poll() is None and time.monotonic() < end, "the viewer did not start"
        time.sleep(0.1)
    yield number
    process.kill()
    process.wait()


async def test_a_link_of_the_report_opens_the_answer(folder: Path, port: int) -> None:
    (report,) = folder.glob("*.html")
    links = re.findall(r'href="(http://127.0.0.1:7575/[^"]+)"', report.read_text())
    task = "lattice_constant/" + links[0].partition("%2F")[2].partition("/")[0]
    async with Browser() as browser:
        await browser.open(links[0].replace(":7575/", f":{port}/"))
        end = time.monotonic() + 60
        while f"Sample {task} (Epoch 1)" not in (said := await browser.run("document.body.innerText")):
            assert time.monotonic() < end, said
            await asyncio.sleep(0.2)

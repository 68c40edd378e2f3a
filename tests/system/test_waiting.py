"""A queue that is full of photos refuses photos, and nothing else."""

import asyncio

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.utils import QueueError
from support.browser import finish, serve
from support.mocks import Counting, methods, noise, save

from benchmarks.visitor import RefusedError, Site, Visitor
from demo.blind.store import Store
from demo.compare import waiting
from demo.page import LAUNCH, build_page
from srgan.images import enlarge


async def begun(site, path):
    """A visitor who has uploaded a photo, and whose run is in the queue or has begun."""
    visitor = Visitor(site)
    await visitor.ask(site.chosen, [await visitor.upload(path), None])
    joined = asyncio.Event()

    async def watch(kind, number):
        joined.set()
        return True

    run = asyncio.create_task(visitor.ask(site.run, [None, "original", None, None], watch))
    await joined.wait()
    return visitor, run


async def fill(url, folder):
    async with httpx.AsyncClient(timeout=60) as client:
        site = Site(url, client)
        people = [await begun(site, save(folder, noise(seed=i), f"{i}.png")) for i in range(3)]
        late = Visitor(site)
        photo = await late.upload(save(folder, noise(seed=3), "late.png"))
        assert (await late.ask(site.chosen, [photo, None]))["success"]
        with pytest.raises(RefusedError, match=r"2 photos are waiting here already\. Please try"):
            await late.ask(site.run, [None, "original", None, None])
        api = Client(url, verbose=False)
        with pytest.raises(QueueError, match="full"):
            await asyncio.to_thread(
                api.predict, handle_file(str(folder / "late.png")), "original", None,
                api_name="/compare",
            )  # fmt: skip
        assert (await late.ask(site.renewed, [None] * 4))["success"]
        for _, run in people:
            assert (await run)["success"]
        assert people[2][0].is_told
        assert (await late.ask(site.run, [None, "original", None, None]))["success"]


def test_a_full_queue_refuses_runs_alone_and_says_when_to_come_back(monkeypatch, tmp_path):
    monkeypatch.setattr(waiting, "MAX_WAITING", 2)
    monkeypatch.setattr(waiting, "BUSY", waiting.BUSY.replace("16", "2"))
    slow = methods(Bicubic=enlarge, SRResNet=Counting(10, wait=0.1))
    page = build_page(slow, store=Store(tmp_path / "ratings.db"))
    with serve(page, **LAUNCH) as url:
        finish(fill(url, tmp_path))

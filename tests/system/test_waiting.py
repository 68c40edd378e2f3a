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


async def worked(visitor, site, photo):
    """Give a photo as a set of one; whether it was worked on."""
    await visitor.ask(site.opened, [None, None], carried={"token": "0" * 32})
    given = {"files": [{"name": "late.png", "path": photo["path"]}], "refused": []}
    await visitor.ask(site.added, ["original", None, None], carried=given)
    return (await visitor.ask(site.work, [None]))["success"]


async def fill(url, folder):
    api = Client(url, verbose=False)
    async with httpx.AsyncClient(timeout=60) as client:
        site = Site(url, client)
        people = [await begun(site, save(folder, noise(seed=i), f"{i}.png")) for i in range(3)]
        late = Visitor(site)
        photo = await late.upload(save(folder, noise(seed=3), "late.png"))
        assert (await late.ask(site.chosen, [photo, None]))["success"]
        with pytest.raises(RefusedError, match=r"2 photos are waiting here already\. Please try"):
            await late.ask(site.run, [None, "original", None, None])
        of_set = asyncio.create_task(worked(Visitor(site), site, photo))
        with pytest.raises(QueueError, match="full"):
            await asyncio.to_thread(
                api.predict, handle_file(str(folder / "late.png")), "original", None,
                api_name="/compare",
            )  # fmt: skip
        assert (await late.ask(site.renewed, [None] * 4))["success"]
        for _, run in people:
            assert (await run)["success"]
        assert await of_set  # a set's photo waits, and is not refused
        assert people[2][0].is_told
        assert (await late.ask(site.run, [None, "original", None, None]))["success"]


def test_a_full_queue_refuses_runs_alone_and_says_when_to_come_back(monkeypatch, tmp_path):
    monkeypatch.setattr(waiting, "MAX_WAITING", 2)
    monkeypatch.setattr(waiting, "BUSY", waiting.BUSY.replace("16", "2"))
    page = slow_page(10, tmp_path)
    with serve(page, **LAUNCH) as url:
        finish(fill(url, tmp_path))


def slow_page(steps, folder):
    slow = methods(Bicubic=enlarge, SRResNet=Counting(steps, wait=0.1))
    return build_page(slow, store=Store(folder / "ratings.db"))


async def drain(url, folder, page, seconds):
    """Two photos are on their way when the server is told to end; another one comes then."""
    async with httpx.AsyncClient(timeout=60) as client:
        site = Site(url, client)
        people = [await begun(site, save(folder, noise(seed=i), f"{i}.png")) for i in range(2)]
        assert (await client.get(f"{url}health")).json() == {"state": "ready"}
        drained = asyncio.create_task(asyncio.to_thread(page.drain, seconds))
        while (health := await client.get(f"{url}health")).status_code == 200:
            await asyncio.sleep(0.01)
        assert health.json() == {"state": "draining"}
        late = Visitor(site)
        photo = await late.upload(save(folder, noise(seed=2), "late.png"))
        body = {"fn_index": site.run, "session_hash": late.session, "data": [None] * 4}
        refused = await client.post(f"{site.api}queue/join", json=body)
        assert (refused.status_code, refused.json()["detail"]) == (503, waiting.RENEWED)
        assert int(refused.headers["Retry-After"]) > 0
        assert (await late.ask(site.chosen, [photo, None]))["success"]  # all else goes on
        return [await run for _, run in people], await drained


def test_a_server_that_is_to_end_finishes_its_photos_and_takes_none(monkeypatch, tmp_path):
    monkeypatch.setattr(waiting, "SETTLE", 0.1)
    page = build_page(
        methods(Bicubic=enlarge, SRResNet=Counting(5, wait=0.1)),
        store=Store(tmp_path / "ratings.db"),
    )
    with serve(page, **LAUNCH) as url:
        runs, in_time = finish(drain(url, tmp_path, page, 60))
    assert [run["success"] for run in runs] == [True, True]
    assert in_time


def test_who_waits_for_too_long_is_told_that_the_server_is_renewed(monkeypatch, tmp_path):
    monkeypatch.setattr(waiting, "SETTLE", 1)
    page = build_page(
        methods(Bicubic=enlarge, SRResNet=Counting(1000, wait=0.1)),
        store=Store(tmp_path / "ratings.db"),
    )
    with serve(page, **LAUNCH) as url:
        runs, in_time = finish(drain(url, tmp_path, page, 0.5))
    assert [run["output"] for run in runs] == [{"error": waiting.RENEWED}] * 2
    assert not in_time


def test_a_full_queue_is_told_to_a_balancer(monkeypatch, tmp_path):
    monkeypatch.setattr(waiting, "MAX_WAITING", 1)
    page = build_page(
        methods(Bicubic=enlarge, SRResNet=Counting(10, wait=0.1)),
        store=Store(tmp_path / "ratings.db"),
    )

    async def crowd(url):
        async with httpx.AsyncClient(timeout=60) as client:
            site = Site(url, client)
            people = [await begun(site, save(tmp_path, noise(seed=i), f"{i}.png")) for i in (0, 1)]
            health = await client.get(f"{url}health")
            assert (health.status_code, health.json()) == (200, {"state": "full"})
            assert [(await run)["success"] for _, run in people] == [True, True]
            # somebody whose photo was taken by a server that has ended since
            lost = await Visitor(site).ask(site.run, [None, "original", None, None])
            assert waiting.RENEWED in lost["output"]["data"]

    with serve(page, **LAUNCH) as url:
        finish(crowd(url))

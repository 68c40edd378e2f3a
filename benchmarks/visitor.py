"""A person at the page as the server sees one: the requests that a browser makes, by asyncio."""

import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

Watch = Callable[[str, str], Awaitable[bool]]  # what the server says and the event: go on?


class RefusedError(Exception):
    """The queue did not take an event; says why."""


class Site:
    """The running page: its address, and the numbers of its events.

    Args:
        url: Address, which ends with a slash.
        client: For all requests.
    """

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url, self.api, self.client = url, f"{url}gradio_api/", client
        config = httpx.get(f"{url}config").json()
        self._events = [d for d in config["dependencies"] if d["backend_fn"]]
        self._names = {c["props"].get("elem_id"): c["id"] for c in config["components"]}
        self._labels = {c["props"].get("value"): c["id"] for c in config["components"]
                        if c["type"] == "button"}  # fmt: skip
        chosen = self._event(self._names["photo"], "upload")
        self.chosen, begun = chosen["id"], chosen["outputs"][1]
        self.run = self._event(begun, "change")["id"]
        self.stop = self._event(self._names["stop"], "click")["id"]
        if "blind" in self._names:
            self.begin = self._event(self._names["blind"], "begin")["id"]
            self.vote = self._event(self._names["blind"], "vote")["id"]
        self.example = self._event(self._labels["Fur"], "click")["id"]
        self.opened, self.added, self.work = (
            self._event(self._names["strip"], name)["id"] for name in ("opened", "added", "work")
        )
        # What follows a run: the plots, if they are open.
        self.renewed = next(d for d in self._events if d["targets"] == [[None, "then"]])["id"]

    def _event(self, component: int, name: str) -> dict[str, Any]:
        return next(d for d in self._events if [component, name] in d["targets"])


class Visitor:
    """One open page.

    Args:
        site: Where.
    """

    def __init__(self, site: Site) -> None:
        self._site, self.session = site, uuid.uuid4().hex
        self.is_told = False  # of the place in the queue, in the last event

    async def upload(self, path: Path) -> dict[str, Any]:
        """Upload a file; returns the value of the drop zone."""
        data = await _read(path)
        files = {"files": (path.name, data)}
        answer = await self._site.client.post(f"{self._site.api}upload", files=files)
        answer.raise_for_status()
        return {"path": answer.json()[0], "meta": {"_type": "gradio.FileData"}}

    async def call(self, event: int, data: list[Any], carried: Any = None) -> list[Any]:  # noqa: ANN401
        """Call an event that is not queued; `carried` is what a component sends with it."""
        answer = await self._site.client.post(
            f"{self._site.api}run/predict", json=self._body(event, data, carried)
        )
        answer.raise_for_status()
        return answer.json()["data"]

    async def ask(
        self,
        event: int,
        data: list[Any],
        watch: Watch | None = None,
        carried: Any = None,  # noqa: ANN401
    ) -> dict[str, Any]:
        """Queue an event and return its last message; {} if `watch` ended it.

        `carried` is what a component sends with it.

        Raises:
            RefusedError: The queue did not take it.
        """
        answer = await self._site.client.post(
            f"{self._site.api}queue/join", json=self._body(event, data, carried)
        )
        if answer.status_code != 200:
            raise RefusedError(f"{answer.status_code} {answer.json().get('detail')}")
        number, self.is_told = answer.json()["event_id"], False
        async for message in self._messages():
            if message.get("event_id") not in (number, None):
                continue
            kind = message["msg"]
            self.is_told |= kind == "estimation" and message["rank"] is not None
            if watch and not await watch(kind, number):
                return {}
            if kind in ("process_completed", "unexpected_error"):
                return message
        return {}

    async def cancel(self, event: int, number: str) -> None:
        """Take an event out of the queue, or end it."""
        body = {"session_hash": self.session, "fn_index": event, "event_id": number}
        (await self._site.client.post(f"{self._site.api}cancel", json=body)).raise_for_status()

    async def _messages(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what the server says; whoever stops listening has left."""
        address = f"{self._site.api}queue/data?session_hash={self.session}"
        async with self._site.client.stream("GET", address) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data:"):
                    yield json.loads(line[5:])

    def _body(self, event: int, data: list[Any], carried: Any = None) -> dict[str, Any]:  # noqa: ANN401
        return {
            "data": data,
            "event_data": carried,
            "fn_index": event,
            "session_hash": self.session,
            "trigger_id": None,
        }


async def timed(work: Awaitable[Any]) -> tuple[float, Any]:
    """Return the seconds that something took, and what it returned."""
    start = time.perf_counter()
    result = await work
    return time.perf_counter() - start, result


async def _read(path: Path) -> bytes:
    return path.read_bytes()  # small, and in the page cache

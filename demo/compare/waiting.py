"""How many may wait for the networks, and how a server that is to end is emptied."""

import asyncio
import time
from collections.abc import Collection, Iterator
from typing import Any, Literal

from gradio.queueing import Event, Queue
from gradio.server_messages import ProcessCompletedMessage

MAX_WAITING = 16  # for the networks: a minute or two of two cores
MAX_QUEUED = 200  # events of all kinds
BUSY = f"{MAX_WAITING} photos are waiting here already. Please try again in a minute."
RENEWED = "This server is being renewed. Please choose the photo again in a few seconds."
SETTLE = 4.0  # seconds in which browsers fetch their last pictures
_LOOK = 0.05  # seconds

State = Literal["ready", "full", "draining"]


class Waiting:
    """Refuses events of some queues, and of these alone, when MAX_WAITING wait in them.

    Gradio 6.31 counts the events of all queues together: as many photos as may wait would have it
    refuse everything else, too, such as taking an upload or scoring a region.

    Args:
        queue: Of the page.
        concurrency_ids: Of the queues.
        always: Names of functions that are not refused for want of room, and do not count, as their
            number is bounded otherwise.
    """

    def __init__(
        self, queue: Queue, concurrency_ids: Collection[str], always: Collection[str] = ()
    ) -> None:
        self._queue, self._ids, self._always = queue, concurrency_ids, always
        self._is_draining = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._push = queue.push
        queue.push = self._bounded

    def state(self) -> State:
        """What a balancer wants to know."""
        if self._is_draining:
            return "draining"
        counted = [event for event in self._waiting() if event.fn.name not in self._always]
        return "full" if len(counted) >= MAX_WAITING else "ready"

    def drain(self, seconds: float) -> bool:
        """Take no more, and wait until all that came before have ended.

        Those that have not by then are told. Not to be called in the server's own thread.

        Returns:
            Whether all have ended in time.
        """
        self._is_draining = True
        end = time.monotonic() + seconds
        while (left := [*self._waiting(), *self._running()]) and time.monotonic() < end:
            time.sleep(_LOOK)
        if self._loop:
            for event in left:
                self._loop.call_soon_threadsafe(self._send_away, event)
            time.sleep(SETTLE)
        return not left

    async def _bounded(
        self,
        body: Any,  # noqa: ANN401 - Gradio's, all three
        request: Any,  # noqa: ANN401
        username: str | None,
    ) -> tuple[bool, Any, str]:
        self._loop = asyncio.get_running_loop()
        event = self._queue.blocks.fns.get(body.fn_index)
        if event and event.concurrency_id in self._ids:
            if self._is_draining:
                return False, RENEWED, "queue_full"
            if self.state() == "full" and event.name not in self._always:
                # Of a queue that is full the page has words of its own, which do not say when to
                # come back, and a client of the API an error of its own.
                is_page = event.api_visibility == "private"
                return False, BUSY, "error" if is_page else "queue_full"
        return await self._push(body, request, username)

    def _waiting(self) -> Iterator[Event]:
        for name in self._ids:
            if each := self._queue.event_queue_per_concurrency_id.get(name):
                yield from tuple(each.queue)

    def _running(self) -> Iterator[Event]:
        for events in tuple(self._queue.active_jobs):
            yield from (e for e in events or () if e.concurrency_id in self._ids and e.alive)

    def _send_away(self, event: Event) -> None:
        told = ProcessCompletedMessage(output={"error": RENEWED}, success=False, title="Error")
        self._queue.send_message(event, told)
        event.alive = False

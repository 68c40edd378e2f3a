"""How many may wait for the networks."""

from collections.abc import Collection
from typing import Any

from gradio.queueing import Queue

MAX_WAITING = 16  # for the networks: a minute or two of two cores
MAX_QUEUED = 200  # events of all kinds
BUSY = f"{MAX_WAITING} photos are waiting here already. Please try again in a minute."


def bound_waiting(queue: Queue, concurrency_ids: Collection[str]) -> None:
    """Refuse events of some queues, and of these alone, when MAX_WAITING wait in them.

    Gradio 6.31 counts the events of all queues together: as many photos as may wait would have it
    refuse everything else, too, such as taking an upload or scoring a region.
    """
    push = queue.push

    async def bounded(body: Any, request: Any, username: str | None) -> tuple[bool, Any, str]:  # noqa: ANN401
        event = queue.blocks.fns.get(body.fn_index)
        if event and event.concurrency_id in concurrency_ids:
            waiting = (queue.event_queue_per_concurrency_id.get(name) for name in concurrency_ids)
            if sum(len(each.queue) for each in waiting if each) >= MAX_WAITING:
                # Of a queue that is full the page has words of its own, which do not say when to
                # come back, and a client of the API an error of its own.
                is_page = event.api_visibility == "private"
                return False, BUSY, "error" if is_page else "queue_full"
        return await push(body, request, username)

    queue.push = bounded

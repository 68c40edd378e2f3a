"""The page as a site: its own addresses are relative, so that any proxy may stand before it."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import BlockFunction
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.parts.disk import FULL, FULL_DISK
from demo.parts.links import NOT_UPLOADED
from demo.parts.templates import page_script

RETRY_AFTER = b"30"  # seconds: a full queue has moved on by then, a renewed server is back
HERE = "."  # relative to the page, wherever a browser has found it
logger = logging.getLogger(__name__)

SCRIPT = page_script(Path(__file__).with_suffix(".js"))


class Site(gr.Blocks):
    """Blocks whose page works under every name, port, protocol and folder.

    Gradio makes addresses of the name and port that a request brings, which a proxy may have
    replaced. The browser knows where it is: it gets relative addresses, in the page and in the
    answers to what the page asks. Programs, which call what the API shows, get them whole.
    """

    # What `/health` tells: "ready", "full" or "draining"; and what empties the server at its end.
    state: Callable[[], str] = staticmethod(lambda: "ready")
    drain: Callable[[float], bool] = staticmethod(lambda seconds: True)

    async def process_api(
        self,
        block_fn: BlockFunction | int,
        *args: Any,  # noqa: ANN401 - Gradio's, here and below
        **kwargs: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        """Run an event as Gradio does; addresses of files are relative in the page's own."""
        function = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
        if function.api_visibility == "private" and kwargs.get("root_path") is not None:
            kwargs["root_path"] = HERE
        return await super().process_api(block_fn, *args, **kwargs)

    async def preprocess_data(
        self,
        block_fn: BlockFunction,
        *args: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> list[Any]:
        """Take an event's values as Gradio does.

        Raises:
            gr.Error: What a program sends is not what the API takes; says what to send.
        """
        try:
            return await super().preprocess_data(block_fn, *args, **kwargs)
        except (ValueError, TypeError) as error:
            if block_fn.api_visibility != "public":
                raise
            logger.info("The API was called with something else: %s", error)
            raise gr.Error(NOT_UPLOADED, print_exception=False) from None

    def launch(self, **kwargs: Any) -> Any:  # noqa: ANN401 - Gradio's
        """Serve the page; takes and returns what Gradio's own does, but `app_kwargs`."""
        app = {
            "routes": [Route("/health", self._health)],
            "middleware": [Middleware(_RelativePage), Middleware(_RetryAfter)],
            "exception_handlers": {OSError: _no_room, TypeError: _not_understood},
        }
        return super().launch(app_kwargs=app, **kwargs)

    def _health(self, request: Request) -> Response:
        """Tell a balancer how it is: only a server that is to end gets nobody new.

        To a full one people are still sent: it has pages, examples and votes for them.
        """
        state = self.state()
        gone = HTTPStatus.SERVICE_UNAVAILABLE if state == "draining" else HTTPStatus.OK
        return JSONResponse({"state": state}, gone)


def _no_room(request: Request, error: OSError) -> Response:
    """Tell an upload that the disk is full; upload.js knows the status."""
    if error.errno not in FULL_DISK or not request.url.path.endswith("/upload"):
        raise error
    return PlainTextResponse(FULL, HTTPStatus.INSUFFICIENT_STORAGE)


def _not_understood(request: Request, error: TypeError) -> Response:
    """Tell a program what it has left out."""
    if "/call/" not in request.url.path:
        raise error
    return PlainTextResponse(f"{error}. {NOT_UPLOADED}", HTTPStatus.UNPROCESSABLE_ENTITY)


class _RelativePage:
    """Tells Gradio that the page is where it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == f"{scope.get('root_path', '')}/":
            kept = [h for h in scope["headers"] if h[0] not in (b"x-forwarded-host", _ROOT)]
            scope = {**scope, "headers": [*kept, (_ROOT, HERE.encode())]}
        await self._app(scope, receive, send)


class _RetryAfter:
    """Says with every 503 when to come back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message.get("status") == HTTPStatus.SERVICE_UNAVAILABLE:
                message["headers"] = [*message["headers"], (b"retry-after", RETRY_AFTER)]
            await send(message)

        await self._app(scope, receive, answer)


_ROOT = b"x-gradio-server"  # what Gradio then takes for its address

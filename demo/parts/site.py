"""The page as a site: its own addresses are relative, so that any proxy may stand before it."""

import logging
from http import HTTPStatus
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import BlockFunction
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.parts.disk import FULL, FULL_DISK
from demo.parts.links import NOT_UPLOADED

HERE = "."  # relative to the page, wherever a browser has found it
logger = logging.getLogger(__name__)

SCRIPT = f"() => {{\n{Path(__file__).with_suffix('.js').read_text('utf-8')}}}"  # for `load`


class Site(gr.Blocks):
    """Blocks whose page works under every name, port, protocol and folder.

    Gradio makes addresses of the name and port that a request brings, which a proxy may have
    replaced. The browser knows where it is: it gets relative addresses, in the page and in the
    answers to what the page asks. Programs, which call what the API shows, get them whole.
    """

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
            "middleware": [Middleware(_RelativePage)],
            "exception_handlers": {OSError: _no_room, TypeError: _not_understood},
        }
        return super().launch(app_kwargs=app, **kwargs)


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


_ROOT = b"x-gradio-server"  # what Gradio then takes for its address

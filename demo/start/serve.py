"""Load the upscalers, build the page, launch."""

import os
import re
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from demo.start import StartError
from demo.start.address import Address, find_address, without_proxies
from demo.start.folders import Folders, find_folders

DRAIN, DRAIN_SECONDS = "SRGAN_DRAIN_SECONDS", 15.0


class _Terminated(Exception):  # noqa: N818 - no error
    """SIGTERM has come while the page was served."""


def start(
    host: str | None = None,
    port: str | int | None = None,
    models: Sequence[tuple[str, Path]] = (),
    only: Sequence[str] = (),
) -> None:
    """Serve the page until interrupted; end with one line that says why, if that cannot be.

    At SIGTERM photos that were sent before are finished, for at most SRGAN_DRAIN_SECONDS; a second
    one ends it at once.

    SRGAN_PRECISION=fp32, bf16 or fp16 overrides the choice. The places of what is written are those
    of `demo.start.folders`; the votes, with HF_TOKEN and RATINGS_REPO, are kept in a dataset on the
    Hub, too.

    Args:
        host: Where to listen, see `demo.start.address`.
        port: The same.
        models: Names and files of networks to add, see `srgan.own_models`.
        only: Names of the methods to be shown; empty for all.
    """
    try:
        folders = find_folders()
        address = find_address(host, port)
        for notice in filter(None, (folders.notice, address.notice)):
            print(notice, file=sys.stderr, flush=True)  # noqa: T201 - for who starts it
        with tempfile.TemporaryDirectory(prefix="srgan-examples-") as examples:
            _serve(address, folders, models, only, Path(examples))
    except StartError as error:
        sys.exit(f"Cannot start: {error}")
    except KeyboardInterrupt:  # while it starts; once it serves, it ends in order
        sys.exit(130)


def _serve(
    address: Address,
    folders: Folders,
    models: Sequence[tuple[str, Path]],
    only: Sequence[str],
    examples: Path,
) -> None:
    with without_proxies():  # and not before the environment is set: see `demo.start`
        import httpx

        from demo.blind.store import Store
        from demo.blind.sync import start_sync
        from demo.engine.cache import Cache
        from demo.page import LAUNCH, build_page
        from demo.start.memory import keep_memory_small
        from demo.start.methods import find_methods
    keep_memory_small()
    precision = os.environ.get("SRGAN_PRECISION", "auto")
    seconds = _drain_seconds()
    cache = Cache(folders.results)
    methods = find_methods(models, only, precision, examples, cache)
    cache.sweep_always()
    store = Store(folders.votes, is_lasting=folders.is_lasting)
    # As if Ctrl+C were pressed, until the page is served.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sync = start_sync(store)
    try:
        page = build_page(**methods._asdict(), cache=cache, store=store)
        where = {"server_name": address.host, "server_port": address.port}
        try:
            with without_proxies():
                page.launch(**LAUNCH, **where, prevent_thread_lock=True)
        except (OSError, ValueError, httpx.HTTPError, httpx.InvalidURL) as error:
            raise StartError(
                f"the page does not answer at {address.host}, port {address.port} ({error})."
            ) from error
        try:
            signal.signal(signal.SIGTERM, _terminate)
            page.block_thread()
        except _Terminated:
            page.drain(seconds)
            page.close(verbose=False)
    finally:
        if sync:
            sync.stop()


def _terminate(number: int, frame: object) -> None:
    signal.signal(number, signal.default_int_handler)
    raise _Terminated


def _drain_seconds() -> float:
    asked = os.environ.get(DRAIN) or str(DRAIN_SECONDS)
    if not re.fullmatch(r"\d{1,4}(\.\d+)?", asked, re.ASCII):
        raise StartError(f"{DRAIN}={asked} is no number of seconds from 0 to 9999.")
    return float(asked)

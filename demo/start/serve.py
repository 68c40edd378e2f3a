"""Load the upscalers, build the page, launch."""

import os
import re
import signal
import sys

from demo.start import StartError
from demo.start.address import Address, find_address, without_proxies
from demo.start.folders import Folders, find_folders

DRAIN, DRAIN_SECONDS = "SRGAN_DRAIN_SECONDS", 15.0


class _Terminated(Exception):  # noqa: N818 - no error
    """SIGTERM has come while the page was served."""


def start(host: str | None = None, port: str | int | None = None) -> None:
    """Serve the page until interrupted; end with one line that says why, if that cannot be.

    At SIGTERM photos that were sent before are finished, for at most SRGAN_DRAIN_SECONDS; a second
    one ends it at once.

    SRGAN_PRECISION=fp32, bf16 or fp16 overrides the choice. The places of what is written are those
    of `demo.start.folders`; the votes, with HF_TOKEN and RATINGS_REPO, are kept in a dataset on the
    Hub, too.

    Args:
        host: Where to listen, see `demo.start.address`.
        port: The same.
    """
    try:
        folders = find_folders()
        address = find_address(host, port)
        for notice in filter(None, (folders.notice, address.notice)):
            print(notice, file=sys.stderr, flush=True)  # noqa: T201 - for who starts it
        _serve(address, folders)
    except StartError as error:
        sys.exit(f"Cannot start: {error}")
    except KeyboardInterrupt:  # while it starts; once it serves, it ends in order
        sys.exit(130)


def _serve(address: Address, folders: Folders) -> None:
    with without_proxies():  # and not before the environment is set: see `demo.start`
        import httpx

        from demo.blind.store import Store
        from demo.blind.sync import start_sync
        from demo.compare import zero_gpu
        from demo.engine.cache import Cache
        from demo.page import LAUNCH, build_page
        from demo.parts.memory import keep_memory_small
        from srgan.interpolation import load_dial
        from srgan.upscale import WEIGHTS, load_upscalers
    keep_memory_small()
    try:
        precision = os.environ.get("SRGAN_PRECISION", "auto")
        upscalers = load_upscalers(WEIGHTS, precision)
        dial = load_dial(WEIGHTS, precision)
    except ValueError as error:
        raise StartError(str(error)) from error
    seconds = _drain_seconds()
    upscalers, dial = zero_gpu.borrow(upscalers, dial)
    cache = Cache(folders.results)
    cache.sweep_always()
    store = Store(folders.votes, is_lasting=folders.is_lasting)
    # As if Ctrl+C were pressed, until the page is served.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sync = start_sync(store)
    try:
        page = build_page(upscalers, dial=dial, cache=cache, store=store)
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

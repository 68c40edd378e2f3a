"""Start the page: load the upscalers, build it, launch."""

import os
import signal
import sys

import gradio as gr

from demo.blind.store import DEFAULT_PATH, Store
from demo.blind.sync import start_sync
from demo.compare import zero_gpu
from demo.compare.tab import MAX_FILE_MB
from demo.engine.cache import DEFAULT_FOLDER, Results
from demo.page import CSS, build_page
from demo.parts.memory import keep_memory_small
from srgan.interpolation import load_dial
from srgan.upscale import WEIGHTS, load_upscalers

LAUNCH = {
    "theme": gr.themes.Soft(font=["ui-sans-serif", "system-ui", "sans-serif"]),
    "css": CSS,
    "max_file_size": f"{MAX_FILE_MB}mb",
    "show_error": False,  # what an unexpected error says is not for visitors
    "enable_monitoring": False,
    # 0.3 MiB each, kept for an hour after a page was closed; Gradio's own limit is 10,000.
    "state_session_capacity": 500,
    "run_history": False,
    "mcp_server": False,
    "ssr_mode": False,  # a second server process, for nothing that this page needs
    "footer_links": ["api", "gradio", "settings"],
}


def serve(host: str | None = None, port: int | None = None) -> None:
    """Serve the page until interrupted; the environment says the rest, see `demo.command`.

    Args:
        host: Address to listen at; None is Gradio's choice.
        port: Port to listen at; None is Gradio's choice.

    Raises:
        SystemExit: It cannot start; says why.
    """
    keep_memory_small()
    try:
        precision = os.environ.get("SRGAN_PRECISION", "auto")
        upscalers = load_upscalers(WEIGHTS, precision)
        dial = load_dial(WEIGHTS, precision)
    except ValueError as error:
        sys.exit(f"Cannot start: {error}")
    upscalers, dial = zero_gpu.borrow(upscalers, dial)
    results = Results(os.environ.get("RESULTS_DIR") or DEFAULT_FOLDER)
    results.sweep_always()
    store = Store(os.environ.get("RATINGS_DB") or DEFAULT_PATH)
    # As if Ctrl+C were pressed: Gradio closes the server, and what follows is still done.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sync = start_sync(store)
    try:
        page = build_page(upscalers, dial=dial, results=results, store=store)
        page.launch(server_name=host, server_port=port, **LAUNCH)
    except OSError as error:
        if port is None:
            raise
        sys.exit(f"Cannot start: port {port} at {host or '127.0.0.1'} cannot be had ({error})")
    finally:
        if sync:
            sync.stop()

"""Start the demo: load the upscalers, build the page, launch."""

import os
import signal
import sys

import gradio as gr

from demo.blind.store import DEFAULT_PATH, Store
from demo.blind.sync import start_sync
from demo.compare import zero_gpu
from demo.compare.tab import MAX_FILE_MB
from demo.engine.cache import DEFAULT_FOLDER, Cache
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


def main() -> None:
    """Serve the page until interrupted.

    SRGAN_PRECISION=fp32, bf16 or fp16 overrides the choice; RESULTS_DIR keeps results for an hour;
    RATINGS_DB is the file of the blind test's votes, which with HF_TOKEN and RATINGS_REPO are kept
    in a dataset on the Hub, too.
    """
    keep_memory_small()
    try:
        precision = os.environ.get("SRGAN_PRECISION", "auto")
        upscalers = load_upscalers(WEIGHTS, precision)
        dial = load_dial(WEIGHTS, precision)
    except ValueError as error:
        sys.exit(f"Cannot start: {error}")
    upscalers, dial = zero_gpu.borrow(upscalers, dial)
    cache = Cache(os.environ.get("RESULTS_DIR") or DEFAULT_FOLDER)
    cache.sweep_always()
    store = Store(os.environ.get("RATINGS_DB") or DEFAULT_PATH)
    # As if Ctrl+C were pressed: Gradio closes the server, and what follows is still done.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sync = start_sync(store)
    try:
        build_page(upscalers, dial=dial, cache=cache, store=store).launch(**LAUNCH)
    finally:
        if sync:
            sync.stop()


if __name__ == "__main__":
    main()

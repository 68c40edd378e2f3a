"""Start the demo: load the upscalers, build the page, launch."""

import os
import sys

import gradio as gr

from demo.compare_tab import MAX_FILE_MB
from demo.page import CSS, build_page
from demo.results import Results
from srgan.dial import load_dial
from srgan.upscale import WEIGHTS, load_upscalers

LAUNCH = {
    "theme": gr.themes.Soft(font=["ui-sans-serif", "system-ui", "sans-serif"]),
    "css": CSS,
    "max_file_size": f"{MAX_FILE_MB}mb",
    "show_error": False,  # what an unexpected error says is not for visitors
    "enable_monitoring": False,
    "run_history": False,
    "mcp_server": False,
    "ssr_mode": False,  # a second server process, for nothing that this page needs
    "footer_links": ["api", "gradio", "settings"],
}


def main() -> None:
    """Serve the page until interrupted. SRGAN_PRECISION=fp32 or bf16 overrides the choice."""
    try:
        precision = os.environ.get("SRGAN_PRECISION", "auto")
        upscalers = load_upscalers(WEIGHTS, precision)
        dial = load_dial(WEIGHTS, precision)
    except ValueError as error:
        sys.exit(f"Cannot start: {error}")
    results = Results()
    results.sweep_always()
    build_page(upscalers, dial=dial, results=results).launch(**LAUNCH)


if __name__ == "__main__":
    main()

"""`srgan demo`: its options. Nothing heavy is imported before they are understood."""

import argparse
from collections.abc import Sequence

from srgan.model_option import add_model_option

ENVIRONMENT = """\
Environment: SRGAN_PRECISION=fp32, bf16 or fp16 overrides the choice; SRGAN_DRAIN_SECONDS, else 15,
is how long photos that were sent are finished after SIGTERM; RESULTS_DIR keeps results for an hour;
RATINGS_DB is the file of the blind test's votes, which with HF_TOKEN and RATINGS_REPO are kept in a
dataset on the Hub, too. SRGAN_DATA is the folder of both, unless they are given; else it is the
user's data folder."""


def parser(program: str | None = None) -> argparse.ArgumentParser:
    """Return what understands the options."""
    options = argparse.ArgumentParser(
        program,
        description="Serve the page that puts the methods side by side, until interrupted.",
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = options.add_argument
    host = "address to listen at; 0.0.0.0 for every machine that reaches this one "
    add("--host", metavar="ADDRESS", help=f"{host}[GRADIO_SERVER_NAME, else 127.0.0.1]")
    port = "port to listen at [GRADIO_SERVER_PORT, else the first free one from 7860 on]"
    add("--port", type=_port, metavar="NUMBER", help=port)
    add_model_option(options)
    only = "show these methods alone: bicubic, srresnet, srgan, or names of models"
    add("--only", nargs="+", default=[], metavar="NAME", help=only)
    return options


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, got {text!r}")
    return int(text)


def main(argv: Sequence[str] | None = None, program: str | None = None) -> None:
    """Serve the page until interrupted; exits as argparse does for wrong options."""
    options = parser(program).parse_args(argv)
    from demo.start.serve import start

    start(options.host, options.port, options.model, options.only)

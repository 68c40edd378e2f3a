"""Where the page is served: host and port, and that no proxy stands before them."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from demo.start import StartError

HOST, PORT = "GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT"  # of the environment
_HOST, _PORTS = "127.0.0.1", range(7860, 7960)
_NO_PROXY = ("NO_PROXY", "no_proxy")  # on some systems two, and the second is read first


class Address(NamedTuple):
    """Where the server listens."""

    host: str  # as a URL has it: an IPv6 address in brackets
    port: int
    notice: str = ""  # for the person who starts it


def find_address(host: str | None = None, port: str | int | None = None) -> Address:
    """Choose a free port, and set the environment so that Gradio agrees.

    A port that was asked for is used or refused, for others may count on it. Without one it is 7860
    or the next that is free.

    Args:
        host: Name or address of this machine; before GRADIO_SERVER_NAME, else 127.0.0.1.
        port: From 0, for any, to 65535; before GRADIO_SERVER_PORT.

    Raises:
        StartError: There is no such host here, or no such port is to be had.
    """
    host = (host or os.environ.get(HOST) or _HOST).strip().removeprefix("[").removesuffix("]")
    host = _HOST if host == "localhost" else host  # which may name IPv6 where there is none
    asked = str(os.environ.get(PORT, "") if port is None else port).strip()
    found = Address(host, _asked_port(host, asked)) if asked else _next_port(host)
    is_v6 = ":" in host
    # Gradio tries its port out at an IPv4 address, whatever the server's is.
    os.environ.update({HOST: _HOST if is_v6 else host, PORT: str(found.port)})
    for name in ("GRADIO_NUM_PORTS", "GRADIO_NODE_NUM_PORTS"):
        os.environ.pop(name, None)  # of a search that is over
    return found._replace(host=f"[{host}]" if is_v6 else host)


def _asked_port(host: str, asked: str) -> int:
    if not (asked.isascii() and asked.isdigit() and int(asked) < 2**16):
        raise StartError(
            f"{asked!r} is no port. Set {PORT} (or --port) to a number from 1 to 65535, or leave "
            "it out."
        )
    port, error = _try_out(host, int(asked))
    if error is None:
        return port
    if error.errno == errno.EADDRINUSE:
        raise StartError(
            f"port {asked} is taken by another program. Choose another with {PORT} (or --port), or "
            f"leave it out to get the next free one from {_PORTS[0]}."
        )
    if error.errno == errno.EACCES:
        raise StartError(
            f"port {asked} is for administrators. Choose one from 1024 with {PORT} (or --port)."
        )
    raise _no_host(host, error)


def _next_port(host: str) -> Address:
    for port in _PORTS:
        _, error = _try_out(host, port)
        if error is None:
            is_first = port == _PORTS[0]
            notice = "" if is_first else f"Port {_PORTS[0]} is taken; {port} is used instead."
            return Address(host, port, notice)
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise _no_host(host, error)
    raise StartError(
        f"the ports {_PORTS[0]} to {_PORTS[-1]} are all taken. Name a free one with {PORT} (or "
        "--port)."
    )


def _try_out(host: str, port: int) -> tuple[int, OSError | None]:
    """Return the port, chosen for 0, and why the server could not listen there."""
    try:
        for name in (host, _HOST) if ":" in host else (host,):
            for family, kind, protocol, _, place in socket.getaddrinfo(
                name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            ):
                with socket.socket(family, kind, protocol) as trial:
                    trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    if family == socket.AF_INET6:
                        trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    trial.bind(place)
                    # What listens without being bound to this very address shows only now.
                    trial.listen()
                    port = trial.getsockname()[1]
    except UnicodeError:  # of a name that no machine can have
        return port, OSError("no such name")
    except OSError as error:
        return port, error
    return port, None


def _no_host(host: str, error: OSError) -> StartError:
    reason = error.strerror or str(error)
    return StartError(
        f"this machine cannot listen at {host!r} ({reason}). Set {HOST} (or --host) to 127.0.0.1 "
        "for this machine alone, 0.0.0.0 for all that reach it."
    )


@contextmanager
def without_proxies() -> Iterator[None]:
    """Let this process ask directly meanwhile: the page's own address is behind no proxy.

    Gradio asks for it when it starts. While it is imported, it also makes a client for other
    addresses, which fails if a proxy is of a kind that httpx does not know, such as SOCKS.
    """
    before = {name: os.environ.get(name) for name in _NO_PROXY}
    os.environ.update(dict.fromkeys(_NO_PROXY, "*"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value

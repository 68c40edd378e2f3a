"""A reverse proxy that tells the server nothing: TLS, a folder of its own, another Host."""

import socket
import socketserver
import ssl
import subprocess
import threading
from contextlib import contextmanager, suppress


@contextmanager
def proxy_before(url, folder, prefix="/", host="127.0.0.1", has_tls=True):
    """Serve what is at a URL under another address, which it yields.

    Args:
        url: Of the server, http://127.0.0.1:PORT.
        folder: For the certificate.
        prefix: The folder under which the server is seen, /name/.
        host: What the server is told in the place of what the browser has asked for.
        has_tls: Whether browsers use https.
    """
    there = "127.0.0.1", int(url.rstrip("/").rsplit(":", 1)[1])
    context = _certified(folder) if has_tls else None
    running = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with suppress(OSError), socket.create_connection(there) as server:
                client = self.request
                if context:
                    client = context.wrap_socket(client, server_side=True)
                with client:
                    running.extend([client, server])
                    _pass_on(client, server, prefix, host)

    class Server(socketserver.ThreadingTCPServer):
        request_queue_size = 64

    with Server(("127.0.0.1", 0), Handler) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield f"http{'s' if has_tls else ''}://localhost:{proxy.server_address[1]}{prefix}"
        proxy.shutdown()
        for side in running:  # ends the streams, for which closing the server waits
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)


def _pass_on(client, server, prefix, host):
    """One request and its answer; the next comes on a new connection."""
    request = b""
    while b"\r\n\r\n" not in request:
        if not (data := client.recv(2**16)):
            return
        request += data
    head, body = request.split(b"\r\n\r\n", 1)
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, version = first.split(" ")
    if not path.startswith(prefix):
        client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return
    kept = [line for line in lines if line.split(":")[0].lower() not in ("host", "connection")]
    first = f"{method} /{path.removeprefix(prefix)} {version}"
    lines = [first, f"Host: {host}", "Connection: close", *kept, "", ""]
    server.sendall("\r\n".join(lines).encode("latin-1") + body)
    upwards = threading.Thread(target=_pump, args=(client, server))
    upwards.start()
    _pump(server, client)
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)
    upwards.join()


def _pump(source, target):
    with suppress(OSError):
        while data := source.recv(2**16):
            target.sendall(data)


def _certified(folder):
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context

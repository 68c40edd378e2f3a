"""The page behind nginx and Caddy as docs/hosting.md sets them up, where they are installed."""

import os
import re
import shutil
import socket
import subprocess
from contextlib import ExitStack
from threading import Event

import httpx
import pytest
from playwright.sync_api import expect
from support import web
from support.browser import serve
from support.mocks import methods, noise, save
from support.pages import DESKTOP, drop, opened, wait_for
from support.proxy import certify
from support.states import PATIENCE, until

from benchmarks.replicas import proxy
from benchmarks.running import ROOT
from demo.compare import waiting
from demo.page import LAUNCH, build_page
from srgan.images import enlarge, repeat

TEXT = (ROOT / "docs" / "hosting.md").read_text("utf-8")
NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        {block}
    }}
}}
"""
CADDY = """
{{
    admin off
    auto_https disable_redirects
    skip_install_trust
}}
{block}
"""


def nginx(folder, port, block):
    key, certificate = certify(folder)
    path = folder / "nginx.conf"
    names = {"folder": folder, "port": port, "key": key, "certificate": certificate}
    user = "user root;" if os.getuid() == 0 else ""  # else another's, who may not write here
    path.write_text(user + NGINX.format(block=block, **names))
    return ["nginx", "-c", path, "-p", folder]


def caddy(folder, port, block):
    path = folder / "Caddyfile"
    block = block.replace("example.org {", f"localhost:{port} {{\n    tls internal")
    path.write_text(CADDY.format(block=block))
    return ["caddy", "run", "--config", path, "--adapter", "caddyfile"]


@pytest.mark.parametrize("setting", [p for p in (nginx, caddy) if shutil.which(p.__name__)])
def test_a_photo_comes_back_in_a_folder_with_https(setting, browser, tmp_path):
    (block,) = re.findall(rf"```{setting.__name__}\n(.*?)```", TEXT, re.DOTALL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    go = Event()

    def stay(lr):
        go.wait(PATIENCE)
        return repeat(lr)

    page = build_page(methods(Bicubic=enlarge, SRResNet=stay, SRGAN=repeat))
    with serve(page, **LAUNCH) as url:
        block = re.sub(r"127\.0\.0\.1:7860", url.removeprefix("http://").strip("/"), block)
        command = setting(tmp_path, port, block)
        home = {"HOME": str(tmp_path), "PATH": "/usr/sbin:/usr/bin:/bin"}
        with subprocess.Popen(command, env=home) as proxy:
            try:
                until(lambda: is_open(port))
                photo = save(tmp_path, noise(800, 800))
                try_out(browser, f"https://localhost:{port}/srgan", photo, go)
            finally:
                go.set()
                proxy.terminate()


@pytest.mark.skipif(not shutil.which("caddy"), reason="no caddy on this machine")
def test_a_replica_that_is_to_end_gets_nobody_new(tmp_path, monkeypatch):
    """Two pages behind the Caddy of compose.yaml, which keeps people where they were."""
    monkeypatch.setattr(waiting, "SETTLE", 0)
    pages = [build_page(methods(Bicubic=enlarge, SRResNet=repeat)) for _ in range(2)]
    with ExitStack() as stack:
        ports = [int(stack.enter_context(serve(p, **LAUNCH)).rstrip("/")[-5:]) for p in pages]
        url = stack.enter_context(proxy(tmp_path, ports))
        person = stack.enter_context(httpx.Client(timeout=PATIENCE))

        def place():
            person.get(url).raise_for_status()
            return person.cookies["replica"]

        before = place()
        assert {place() for _ in range(5)} == {before}
        others = [web.get(url).cookies["replica"] for _ in range(20)]
        assert len(set(others)) == 2  # new people are spread
        pages[0].drain(0)
        until(lambda: len({web.get(url).cookies["replica"] for _ in range(10)}) == 1)
        assert place() == place()
        assert web.get(f"{url}health").json() == {"state": "ready"}


def is_open(port):
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def try_out(browser, address, photo, go):
    """Drop a photo on the page, at whose SRResNet work stays until `go`.

    The folder's name lacks its slash, as people write it.
    """
    lost = []
    with opened(browser, address, DESKTOP | {"ignore_https_errors": True}) as page:
        assert page.url == f"{address}/"
        page.on("response", lambda r: r.status >= 400 and lost.append((r.status, r.url)))
        page.on("request", lambda r: r.url.startswith("http:") and lost.append(r.url))
        drop(page, photo)
        expect(page.locator("#status")).to_contain_text("SRResNet")  # progress is not held back
        go.set()
        wait_for(page, photo.stem)
        expect(page.locator("#comparer figure[data-state=ready]")).to_have_count(5)
        expect(page.locator("#status")).to_contain_text("Done.")
    assert not lost

"""Firefox and WebKit under Selenium, as Debian packs them: no driver to download."""

import base64
import itertools
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains, FirefoxOptions, WebKitGTK, WebKitGTKOptions
from selenium.webdriver.common.webdriver import LocalWebDriver
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.command import Command
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait
from selenium.webdriver.webkitgtk.service import Service

SIZE = 1366, 768  # of the page [CSS pixels], the most common small screen
PATIENCE = 60  # [s], a busy machine is slow, not broken
MINI_BROWSER = next(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"), None)
FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
PACKAGES = {"firefox": "firefox-esr", "webkit": "webkit2gtk-driver and xvfb"}
# Selenium's names of the commands that are used, and Firefox's own; geckodriver translates alike.
MARIONETTE = {
    Command.NEW_SESSION: "WebDriver:NewSession",
    Command.GET: "WebDriver:Navigate",
    Command.CLICK_ELEMENT: "WebDriver:ElementClick",
    Command.SEND_KEYS_TO_ELEMENT: "WebDriver:ElementSendKeys",
    Command.W3C_ACTIONS: "WebDriver:PerformActions",
    Command.W3C_EXECUTE_SCRIPT: "WebDriver:ExecuteScript",
    Command.SET_WINDOW_RECT: "WebDriver:SetWindowRect",
    Command.QUIT: "Marionette:Quit",
}


class Marionette(RemoteConnection):
    """Speaks to Firefox itself, which has no WebDriver over HTTP."""

    def __init__(self, port: int) -> None:
        super().__init__(client_config=ClientConfig(f"http://127.0.0.1:{port}"))
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._answers = self._socket.makefile("rb")
        self._numbers = itertools.count(1)
        self._receive()  # it greets

    def execute(self, command: str, params: dict) -> dict:
        """Send a command; returns the value, raises what Firefox complains of."""
        sent = {key: value for key, value in params.items() if key != "sessionId"}
        call = [0, next(self._numbers), MARIONETTE[command], sent]
        text = json.dumps(call).encode()
        self._socket.sendall(b"%d:%s" % (len(text), text))
        _, _, error, result = self._receive()
        if error:
            raise WebDriverException(f"{error['error']}: {error['message']}")
        return result if result and "value" in result else {"value": result}

    def close(self) -> None:
        self._answers.close()
        self._socket.close()
        super().close()

    def _receive(self) -> list:
        digits = b""
        while (digit := self._answers.read(1)) != b":":
            if not digit:
                raise WebDriverException("Firefox has ended")
            digits += digit
        return json.loads(self._answers.read(int(digits)))


class Firefox(LocalWebDriver):
    """Files to upload lie on this machine."""


@contextmanager
def firefox(folder: Path) -> Iterator[WebDriver]:
    """Start Firefox without a window, with a profile in an empty folder."""
    port = folder / "MarionetteActivePort"
    (folder / "user.js").write_text('user_pref("marionette.port", 0);\n')
    command = [FIREFOX, "-headless", "-marionette", "-no-remote", "-profile", str(folder)]
    size = dict(zip(("MOZ_HEADLESS_WIDTH", "MOZ_HEADLESS_HEIGHT"), map(str, SIZE), strict=True))
    with subprocess.Popen(command, env=os.environ | size, **QUIET) as process:
        try:
            WebDriverWait(process, PATIENCE).until(lambda _: port.exists() and port.read_text())
            driver = Firefox(Marionette(int(port.read_text())), options=FirefoxOptions())
            yield driver
            driver.quit()
        finally:
            process.terminate()


@contextmanager
def webkit(folder: Path) -> Iterator[WebDriver]:
    """Start WebKitGTK's small browser on a screen of its own."""
    options = WebKitGTKOptions()
    options.binary_location = str(MINI_BROWSER)
    options.add_argument("--automation")
    with screen() as display:
        environment = os.environ | {"DISPLAY": display, "HOME": str(folder)}
        driver = WebKitGTK(options, Service("/usr/bin/WebKitWebDriver", env=environment))
        try:
            yield driver
        finally:
            driver.quit()


@contextmanager
def screen() -> Iterator[str]:
    """Start an X server without a screen; yields its name."""
    told, tells = os.pipe()
    command = [
        "Xvfb",
        "-displayfd",
        str(tells),
        "-screen",
        "0",
        f"{SIZE[0]}x{SIZE[1]}x24",
        "-nolisten",
        "tcp",
    ]
    with subprocess.Popen(command, pass_fds=[tells], **QUIET) as process:
        os.close(tells)
        try:
            with os.fdopen(told) as numbers:
                yield f":{numbers.readline().strip()}"
        finally:
            process.terminate()


def installed(engine: str) -> bool:
    """Whether an engine can be started here."""
    if engine == "firefox":
        return FIREFOX is not None
    return bool(MINI_BROWSER and shutil.which("WebKitWebDriver") and shutil.which("Xvfb"))


ENGINES = {"firefox": firefox, "webkit": webkit}


class Tab:
    """A page in one of them, as a person has it."""

    def __init__(self, driver: WebDriver, url: str) -> None:
        self.driver = driver
        driver.set_window_rect(0, 0, *SIZE)
        driver.get(url)
        self.run(
            """window.faults = [];
            for (const kind of ['error', 'unhandledrejection']) addEventListener(kind,
                event => faults.push(String(event.message || event.reason)));"""
        )

    def run(self, script: str, *arguments: object) -> object:
        """Run a function's body in the page."""
        return self.driver.execute_script(script, *arguments)

    def until(self, script: str, *arguments: object) -> object:
        """Wait until a function returns something true, and return that."""
        return WebDriverWait(self.driver, PATIENCE, 0.05).until(
            lambda _: self.run(script, *arguments), f"in vain: {script} {arguments}"
        )

    def find(self, selector: str) -> WebElement:
        """Return the first element of a selector, once it is there."""
        return self.until("return document.querySelector(arguments[0])", selector)

    def click(self, selector: str, text: str = "") -> None:
        """Click on an element, perhaps the one with a text, once nothing lies over it."""
        self.until(
            """const [selector, text] = arguments;
            const found = [...document.querySelectorAll(selector)].find(
                each => !text || each.innerText.trim() === text);
            found?.scrollIntoView({block: 'center'});
            const box = found?.getBoundingClientRect();
            const above = box && document.elementFromPoint(
                box.x + box.width / 2, box.y + box.height / 2);
            return found?.contains(above) && found""",
            selector,
            text,
        ).click()

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def drop(self, path: Path, selector: str) -> None:
        """Drop a picture from disk on an element, as from a file manager."""
        self.run(
            """const [name, bytes, target] = arguments, dataTransfer = new DataTransfer();
            const content = Uint8Array.from(atob(bytes), c => c.charCodeAt(0));
            dataTransfer.items.add(new File([content], name, {type: 'image/png'}));
            for (const kind of ['dragenter', 'dragover', 'drop'])
                target.dispatchEvent(new DragEvent(kind, {dataTransfer, bubbles: true}));
            """,
            path.name,
            base64.b64encode(path.read_bytes()).decode(),
            self.find(selector),
        )

"""Chromium without a window, controlled by the Chrome DevTools Protocol over a pipe. Needs nothing but Python.

    with Chromium() as browser:
        page = Page(browser)
        page.show("report.html", width=400, dark=True)
        title = page.evaluate("document.title")
"""
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ["chromium", "chromium-browser", "google-chrome"]
SECONDS = 60  # after which an answer is taken for missing


def find():
    """The path of a Chromium, or None. CHROMIUM names one."""
    names = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else NAMES
    return next((path for path in map(shutil.which, names) if path), None)


class Chromium:
    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()

        def set_descriptors():  # the protocol's: 3 to read, 4 to write
            low, high = os.dup(commands), os.dup(answers)
            os.dup2(low, 3)
            os.dup2(high, 4)

        self.process = subprocess.Popen(
            [find(), "--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run",
             "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
             "--hide-scrollbars", "--font-render-hinting=none", f"--user-data-dir={self.profile}", "about:blank"],
            preexec_fn=set_descriptors, pass_fds=(3, 4), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=dict(os.environ, HOME=self.profile))
        os.close(commands)
        os.close(answers)
        self.received = b""
        self.number = 0
        self.events = []  # (session, method, parameters), as they come

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.command("Browser.close")
        except RuntimeError:
            self.process.kill()
        self.process.wait()
        os.close(self.commands)
        os.close(self.answers)
        shutil.rmtree(self.profile, ignore_errors=True)

    def receive(self):
        """The next message."""
        until = time.monotonic() + SECONDS
        while b"\0" not in self.received:
            ready, _, _ = select.select([self.answers], [], [], max(0, until - time.monotonic()))
            part = os.read(self.answers, 1 << 20) if ready else b""
            if not part:
                raise RuntimeError("Chromium gives no answer" if not ready else "Chromium has ended")
            self.received += part
        message, self.received = self.received.split(b"\0", 1)
        return json.loads(message)

    def command(self, method, session=None, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.commands, data):]
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            if "method" in answer:
                self.events.append((answer.get("sessionId"), answer["method"], answer["params"]))


class Page:
    """A tab. `requests` and `messages` are those since the last show()."""

    def __init__(self, browser):
        self.browser = browser
        target = browser.command("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Network", "Runtime", "Log"]:
            self.command(f"{domain}.enable")

    def command(self, method, **parameters):
        return self.browser.command(method, self.session, **parameters)

    def show(self, path, width, dark=False, height=900, scale=1, media=""):
        """Opens a file in a window of this many CSS pixels."""
        self.resize(width, dark, height, scale, media)
        self.browser.events.clear()
        self.command("Page.navigate", url=pathlib.Path(path).absolute().as_uri())
        while not any(method == "Page.loadEventFired" for _, method, _ in self.browser.events):
            self.evaluate("new Promise(done => setTimeout(done, 20))")
        self.evaluate("document.fonts.ready.then(() => 0)")

    def resize(self, width, dark=False, height=900, scale=1, media=""):
        """Gives the window another size or style; the page stays."""
        self.set_media(dark, media)
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale,
                     mobile=width < 600)

    def set_media(self, dark, media=""):
        self.command("Emulation.setEmulatedMedia", media=media,
                     features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def evaluate(self, expression):
        """The value of an expression of JavaScript; of a promise, what it becomes."""
        answer = self.command("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    @property
    def requests(self):
        return [event["request"]["url"] for _, method, event in self.browser.events
                if method == "Network.requestWillBeSent"]

    @property
    def messages(self):
        """What the console shows: also refused requests and styles."""
        texts = []
        for _, method, event in self.browser.events:
            if method == "Runtime.consoleAPICalled":
                texts.append(str(event["args"]))
            elif method == "Runtime.exceptionThrown":
                texts.append(event["exceptionDetails"]["text"])
            elif method == "Log.entryAdded":
                texts.append(event["entry"]["text"])
        return texts

    def screenshot(self, path, clip=None):
        """A PNG of the window; of the whole page if clip is "page"."""
        parameters = {}
        if clip == "page":
            size = self.command("Page.getLayoutMetrics")["cssContentSize"]
            parameters = {"captureBeyondViewport": True,
                          "clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}
        data = self.command("Page.captureScreenshot", format="png", **parameters)["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def print(self, path):
        """The page as a PDF, A4."""
        data = self.command("Page.printToPDF", printBackground=False, preferCSSPageSize=False, paperWidth=8.27,
                            paperHeight=11.69)["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

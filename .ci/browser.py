"""Opens reports in a real Chromium without a display, uses them as a reader would, and sees that nothing of the estate runs.

Usage: browser.py CHROMIUM REPORT PERIOD NASTY_REPORT NASTY_PERIOD [FOLDER]. The first is the report of the clinic, the second that of its year, the
others are of an estate and of commits whose texts want to run. With a folder, pictures are left there: light, dark, narrow, and the printed pages. Speaks the DevTools protocol over
pipes, so that it needs no package and no port. Exits with 1 at the first thing that is wrong.
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile


class Browser:
    """A Chromium with a profile of its own."""

    def __init__(self, program, profile):
        to_browser, self.write = os.pipe()
        self.read, from_browser = os.pipe()

        def pipes():
            # The protocol is spoken on the descriptors 3 and 4.
            os.dup2(to_browser, 13), os.dup2(from_browser, 14)
            os.dup2(13, 3), os.dup2(14, 4)
            os.set_inheritable(3, True), os.set_inheritable(4, True)

        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                 "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-pipe",
                 f"--user-data-dir={profile}", "about:blank"]
        self.process = subprocess.Popen([program, *flags], preexec_fn=pipes, close_fds=False,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser), os.close(from_browser)
        self.buffer, self.number, self.events = b"", 0, []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self.session = None
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Security", "Audits"):
            self.call(f"{domain}.enable")

    def message(self):
        while b"\0" not in self.buffer:
            piece = os.read(self.read, 1 << 16)
            if not piece:
                sys.exit("the browser has gone away")
            self.buffer += piece
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if getattr(self, "session", None):
            request["sessionId"] = self.session
        os.write(self.write, json.dumps(request).encode() + b"\0")
        while True:
            message = self.message()
            if message.get("id") == self.number:
                if "error" in message:
                    sys.exit(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def open(self, path):
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.message())

    def run(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            sys.exit(f"{expression}: {result['exceptionDetails']['exception'].get('description')}")
        return result["result"].get("value")

    def close(self):
        try:
            self.call("Browser.close")
        except SystemExit:
            pass
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def ensure(condition, message):
    if not condition:
        sys.exit(f"browser: {message}")


def quiet(browser, path):
    """Opens a page: it runs its own script and nothing else, and asks for nothing beyond its file."""
    browser.open(path)
    ensure(browser.run("document.title").startswith("Report of "), "the page opens")
    browser.run("new Promise(resolve => setTimeout(resolve, 300))")
    for event in browser.events:
        method, parameters = event.get("method"), event.get("params", {})
        ensure(method != "Runtime.exceptionThrown", f"a script fails: {parameters}")
        ensure(method != "Page.javascriptDialogOpening", f"a text has opened a dialog: {parameters}")
        if method == "Log.entryAdded":
            ensure(parameters["entry"]["level"] != "error", f"the browser complains: {parameters['entry']['text']}")
        if method == "Audits.issueAdded":
            ensure(parameters["issue"]["code"] != "ContentSecurityPolicyIssue", f"the policy of the page is broken: {parameters}")
        if method == "Network.requestWillBeSent":
            url = parameters["request"]["url"]
            ensure(url.startswith("file:") and url.split("#")[0] == path.resolve().as_uri(), f"the page asks for {url}")
    ensure(browser.run("document.scripts.length") == 1, "the page has one script")
    ensure(browser.run("[...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => /^on|^style$/i.test(a.name))).length") == 0,
           "no element has a handler or a style of its own")
    outside = "[...document.querySelectorAll('[href],[src]')].map(e => e.getAttribute('href') || e.getAttribute('src')).filter(u => !u.startsWith('#'))"
    ensure(browser.run(outside) == [], "every link stays in the page")
    dangling = ("[...document.querySelectorAll('a[href]')].map(e => decodeURIComponent(e.getAttribute('href').slice(1)))"
                ".filter(name => !document.getElementById(name))")
    ensure(browser.run(dangling) == [], f"every link leads somewhere: {browser.run(dangling)}")
    ensure(browser.run("new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size === document.querySelectorAll('[id]').length"),
           "no two elements have one id")


def shown(browser, selector):
    return browser.run(f"[...document.querySelectorAll({json.dumps(selector)})].filter(e => e.checkVisibility()).length")


def use(browser):
    """Filters, searches and drills down in the report of the clinic."""
    everything = browser.run("document.querySelectorAll('details.q').length")
    ensure(everything > 1000, f"the tree holds every requirement ({everything})")
    ensure(browser.run("document.querySelectorAll('details[open]').length") == 0, "it begins folded")

    def choose(name, value):
        browser.run(f"(e => {{ e.value = {json.dumps(value)}; e.dispatchEvent(new Event('change')); }})(document.getElementById('{name}'))")

    choose("state", "not-satisfied")
    own = browser.run("[...document.querySelectorAll('details.q:not([hidden])')].filter(e => e.dataset.own === 'not-satisfied').length")
    all_own = browser.run("document.querySelectorAll('details.q[data-own=not-satisfied]').length")
    visible = browser.run("document.querySelectorAll('details.q:not([hidden])').length")
    ensure(0 < own == all_own and visible < everything, f"the outcome filters: {own} of {all_own}, {visible} of {everything}")
    leaves = "[...document.querySelectorAll('details.q:not([hidden])')].filter(e => !e.querySelector('details.q:not([hidden])') && e.dataset.own !== 'not-satisfied').length"
    ensure(browser.run(leaves) == 0, "what is shown besides are the ways to it")
    ensure(shown(browser, "details.q[data-own=not-satisfied]") == own, "what is shown can be seen")
    choose("state", "")

    choose("severity", "critical")
    ensure(browser.run("[...document.querySelectorAll('details.r:not([hidden])')].every(e => e.dataset.severity === 'critical')"),
           "the severity filters rules")
    choose("severity", "")
    ensure(browser.run("document.querySelectorAll('details[hidden], tr[hidden]').length") == 0, "no filter, nothing hidden")

    search = ("(text => new Promise(resolve => { const e = document.getElementById('search'); e.value = text;"
              " e.dispatchEvent(new Event('input')); setTimeout(resolve, 300); }))")
    browser.run(f"{search}('image-archive')")
    rows = browser.run("[...document.querySelectorAll('details.r tr[data-row]')].filter(e => e.checkVisibility()).map(e => e.textContent)")
    ensure(rows and all("image-archive" in row.lower() for row in rows), f"search finds findings: {rows}")
    ensure("findings shown" in browser.run("document.getElementById('told').textContent"), "it is told how many")
    browser.run("document.getElementById('filters').reset()")
    browser.run("new Promise(resolve => setTimeout(resolve, 300))")
    ensure(browser.run("document.querySelectorAll('details[hidden], tr[hidden]').length") == 0, "a reset shows all")
    browser.run("document.getElementById('close').click()")

    # From a requirement to its rule, and from there to the finding with its lines.
    requirement = browser.run("(e => e && e.id)([...document.querySelectorAll('details.q[data-own=not-satisfied]')].find(e => e.querySelector('.body a[href^=\"#r-\"]')))")
    browser.run(f"location.hash = {json.dumps(requirement)}")
    browser.run("new Promise(resolve => setTimeout(resolve, 100))")
    ensure(browser.run(f"document.getElementById({json.dumps(requirement)}).open"), "a link opens what it names")
    browser.run(f"document.getElementById({json.dumps(requirement)}).querySelector('.body a[href^=\"#r-\"]').click()")
    browser.run("new Promise(resolve => setTimeout(resolve, 100))")
    ensure(browser.run("(e => e.open && e.matches('details.r') && e.querySelector('pre b').checkVisibility())(document.getElementById(location.hash.slice(1)))"),
           "a rule opens with the lines of its findings")
    ensure(browser.run("document.activeElement.tagName") == "SUMMARY", "the keyboard goes on from there")
    browser.run("document.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true}))")
    ensure(browser.run("document.getElementById('search') !== null"), "the search is there")
    browser.run("document.getElementById('close').click(); location.hash = ''; scrollTo(0, 0)")


def picture(browser, path, width=1280, height=1600, dark=False, prepare=None):
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
    browser.call("Emulation.setEmulatedMedia", media="screen",
                 features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
    if prepare:
        browser.run(prepare)
        browser.run("new Promise(resolve => setTimeout(resolve, 300))")
    path.write_bytes(base64.b64decode(browser.call("Page.captureScreenshot", format="png")["data"]))


def pictures(browser, folder):
    folder.mkdir(parents=True, exist_ok=True)
    tree = "document.querySelector('#f-2').scrollIntoView(); document.querySelectorAll('#f-2 > details.q')[1].open = true"
    finding = "document.getElementById('close').click(); (e => { e.open = true; e.scrollIntoView(); })(document.querySelector('details.r'))"
    for name, dark in (("light", False), ("dark", True)):
        picture(browser, folder / f"{name}.png", dark=dark, prepare="scrollTo(0, 0)")
        picture(browser, folder / f"{name}-tree.png", dark=dark, prepare=tree)
        picture(browser, folder / f"{name}-findings.png", dark=dark, prepare=finding)
    picture(browser, folder / "narrow.png", width=390, height=1200, prepare="scrollTo(0, 0)")
    browser.call("Emulation.setEmulatedMedia", media="", features=[])
    browser.run("document.getElementById('close').click()")
    printed = browser.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]
    (folder / "print.pdf").write_bytes(base64.b64decode(printed))


def watch(browser):
    """Goes through what a report over a period adds."""
    said = browser.run("document.getElementById('told').textContent")
    ensure(said == "", "nothing is filtered at first")
    drawings = "[...document.querySelectorAll('svg.time, svg.weeks')]"
    count = browser.run(f"{drawings}.length")
    ensure(count > 300, f"there are timelines ({count})")
    ensure(browser.run(f"{drawings}.every(e => e.getAttribute('role') === 'img' && e.getAttribute('aria-label').length > 5)"),
           "every drawing has a name")
    ensure(browser.run("[...document.querySelectorAll('#timelines svg.time:not(.months)')].every(e => e.parentElement.querySelectorAll('details.w li').length > 0)"),
           "every timeline stands in words beside its drawing")
    inside = ("[...document.querySelectorAll('svg.time')].every(e => { const [, , w, h] = e.getAttribute('viewBox').split(' ').map(Number);"
              " return [...e.children].every(r => +r.getAttribute('x') >= 0 && +r.getAttribute('x') + +r.getAttribute('width') <= w"
              " && +r.getAttribute('y') >= 0 && +r.getAttribute('y') + +r.getAttribute('height') <= h); })")
    ensure(browser.run(inside), "nothing is drawn outside of its drawing")

    # A group opens by the keyboard, and what is drawn in it can be seen.
    browser.run("document.querySelector('#timelines details.g > summary').focus()")
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r" if kind == "keyDown" else "")
    browser.run("new Promise(resolve => setTimeout(resolve, 200))")
    ensure(browser.run("document.querySelector('#timelines details.g').open"), "the keyboard opens timelines")
    seen = "(e => e && e.checkVisibility() && e.getBoundingClientRect().width > 50)(document.querySelector('#timelines td svg.time'))"
    ensure(browser.run(seen), "a timeline can be seen")
    painted = "getComputedStyle(document.querySelector('#timelines td svg.time rect.fail')).fill"
    ensure(browser.run(painted) not in ("none", "rgb(0, 0, 0)"), f"it is painted by the style of the page: {browser.run(painted)}")
    browser.run("document.getElementById('close').click()")

    # What the end does not show can be searched, and filtered by severity.
    search = ("(text => new Promise(resolve => { const e = document.getElementById('search'); e.value = text;"
              " e.dispatchEvent(new Event('input')); setTimeout(resolve, 400); }))")
    browser.run(f"{search}('anna-brandt-admin')")
    rows = browser.run("[...document.querySelectorAll('#n-came-and-went tr[data-row]')].filter(e => e.checkVisibility()).map(e => e.textContent)")
    ensure(rows and all("anna-brandt-admin" in row for row in rows), f"search finds what came and went: {rows}")
    ensure(browser.run("document.getElementById('n-nothing-declared').hidden"), "what has nothing to say is hidden")
    browser.run("document.getElementById('filters').reset()")
    browser.run("new Promise(resolve => setTimeout(resolve, 300))")
    browser.run("(e => { e.value = 'critical'; e.dispatchEvent(new Event('change')); })(document.getElementById('severity'))")
    ensure(browser.run("[...document.querySelectorAll('#deviations tr[data-row]:not([hidden])')].every(e => e.dataset.severity === 'critical')"),
           "the severity filters deviations")
    browser.run("document.getElementById('filters').reset()")
    browser.run("new Promise(resolve => setTimeout(resolve, 300))")
    ensure(browser.run("document.querySelectorAll('details[hidden], tr[hidden]').length") == 0, "a reset shows all")
    browser.run("document.getElementById('close').click(); scrollTo(0, 0)")


def period_pictures(browser, folder):
    views = {
        "period": "document.querySelector('#period').scrollIntoView()",
        "remarks": "(e => { e.querySelectorAll('details.g').forEach((d, i) => d.open = i == 3 || i == 6 || i == 8); e.scrollIntoView(); })(document.querySelector('#remarks'))",
        "timelines": "(e => { e.querySelector('details.g').open = true; e.scrollIntoView(); })(document.querySelector('#timelines'))",
        "deviations": "document.querySelector('#deviations').scrollIntoView()",
    }
    for name, prepare in views.items():
        for dark in (False, True):
            picture(browser, folder / f"{name}-{'dark' if dark else 'light'}.png", dark=dark, prepare=prepare)
    browser.call("Emulation.setEmulatedMedia", media="", features=[])
    browser.run("document.getElementById('close').click()")
    printed = browser.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]
    (folder / "period.pdf").write_bytes(base64.b64decode(printed))


program, report, period, *nasty = [sys.argv[1], *map(pathlib.Path, sys.argv[2:6])]
folder = pathlib.Path(sys.argv[6]) if len(sys.argv) > 6 else None
with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
    browser = Browser(program, profile)
    try:
        quiet(browser, report)
        use(browser)
        if folder:
            pictures(browser, folder)
        quiet(browser, period)
        watch(browser)
        if folder:
            period_pictures(browser, folder)
        for page in nasty:
            quiet(browser, page)
            ensure(browser.run("window.ran === undefined && document.querySelectorAll('img, iframe, object, embed, link, base, form:not(#filters)').length === 0"),
                   "no text of the estate or of its history has become an element")
        ensure(browser.run("document.querySelectorAll('svg.time').length") > 2, "the last of them is over a period")
    finally:
        browser.close()
print("browser: the pages open, filter, search and drill down; timelines stand in words as well; nothing of the estate runs")

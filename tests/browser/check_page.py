#!/usr/bin/env python3
"""check_page.py [--sample PROGRAM] [--programs CNNTRAIN CNNEVAL] [PAGE...]: opens pages in Chromium, as on a desktop and a phone,
light and dark, and on paper, and says what is wrong with them: rules.js has the rules. AXE_CORE: the file axe.min.js,
whose rules for accessibility are checked, too. With --sample: the specimen that report_sample writes; with --programs: pages
of runs (real_pages.py). In both, names of others must appear as text. Exit code 77: Chromium or pdftotext is missing."""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import chromium
import real_pages

RULES = pathlib.Path(__file__).with_name("rules.js").read_text()
AXE = os.environ.get("AXE_CORE", "")
AXE = AXE if os.path.exists(AXE) else None
# width, dark, with what few readers want to see opened, with axe-core: it looks at each width and at each colour once
SIZES = [(1400, False, False, True), (1400, True, True, False), (400, False, False, False), (400, True, True, True)]
# of the names in report_sample.c, how readers see them
HOSTILE = ["<script>alert(1)<\\script>.pgm", "\"><img src=x onerror=alert(2)>.pgm", "'onmouseover='alert(3)'.pgm",
           "&lt;b&gt; &amp; ]]> <!-- .pgm", "\ufffdmgp.tac\ufffd.pgm", "\ufffd\ufffd\ufffd(\ufffd\ufffd\ufffd.pgm",
           "<style>*{display:none}<svg onload=alert(4)>.pgm", "m" * 236 + ".pgm"]


def look(page, width, dark, opened, with_axe, all_rules):
    """What is wrong with the page at this width, in light or dark."""
    problems = []
    page.resize(width, dark)
    page.evaluate(f"document.querySelectorAll('details').forEach(e => {{ e.open = {json.dumps(opened)}; }})")
    found = page.evaluate(f"(async rules => {{ const found = {{}}; for (const rule in rules) found[rule] = await rules[rule]();"
                          f" return found; }})({RULES})")
    for rule, texts in found.items():
        problems += [f"{rule}: {text}" for text in texts]
    if AXE and with_axe:
        # its rule for contrast takes most of the time, and text_can_be_read() looks at the same
        options = {"resultTypes": ["violations"], "rules": {} if all_rules else {"color-contrast": {"enabled": False}}}
        found = page.evaluate(f"axe.run({json.dumps(options)}).then(r => r.violations.map(v => "
                              "`${v.impact}: ${v.id}: ${v.help}: ${v.nodes[0].html.slice(0, 200)}`))")
        problems += [f"axe: {text}" for text in found]
    return [f"{width} pixels, {'dark' if dark else 'light'}: {problem}" for problem in problems]


def reaches_out(page, path):
    """What the page requested, and what the console shows."""
    address = pathlib.Path(path).absolute().as_uri()
    return [f"request: {url[:100]}" for url in page.requests if url != address and not url.startswith("data:")] + \
        [f"console: {text}" for text in page.messages]


def policy_holds(page):
    """Would the page refuse what a name could bring in, if a name became markup? Adds such elements."""
    page.evaluate("""document.body.insertAdjacentHTML('beforeend', '<p style="color: rgb(1, 2, 3)">x</p>' +
        '<img alt="" src="https://localhost:1/x.png" onerror="window.handled = true">')""")
    page.evaluate("new Promise(done => setTimeout(done, 100))")
    expected = ["Executing inline event handler violates", "Applying inline style violates", "Loading the image"]
    return [f"the policy does not refuse: {text}" for text in expected
            if not any(message.startswith(text) for message in page.messages)] + \
        (["an event handler ran"] if page.evaluate("window.handled === true") else [])


def print_page(page, folder):
    """What is wrong on paper, and the text there."""
    page.resize(718, dark=True, media="print")
    white = page.evaluate("getComputedStyle(document.body).backgroundColor")
    problems = [] if white == "rgb(255, 255, 255)" else [f"on paper: the background is {white}, expected white"]
    width = page.evaluate("document.documentElement.scrollWidth")
    problems += [] if width <= 718 else [f"on paper: {width} pixels wide, expected 718"]
    page.set_media(dark=True)
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = false; })")  # paper cannot be clicked
    pdf = pathlib.Path(folder) / "page.pdf"
    page.print(pdf)
    text = subprocess.run(["pdftotext", "-raw", pdf, "-"], check=True, stdout=subprocess.PIPE).stdout.decode()
    titles = page.evaluate("[...document.querySelectorAll('h2')].map(e => e.textContent)")
    problems += [f"on paper: the heading {title!r} is missing" for title in titles if title not in text]
    tables = page.evaluate("[...document.querySelectorAll('details caption')].map(e => e.textContent)")
    packed = re.sub(r"\s", "", text)  # a narrow table breaks the lines of its title
    problems += [f"on paper: the table {title!r} is missing" for title in tables if re.sub(r"\s", "", title) not in packed]
    return problems, text


def check(page, path, folder, names=(), all_rules=False):
    page.show(path, *SIZES[0][:2])
    if AXE:
        page.evaluate(pathlib.Path(AXE).read_text() + "; 0")
    problems = []
    for size in SIZES:
        problems += look(page, *size, all_rules)
    shown = page.evaluate("document.body.textContent")
    problems += [f"the page does not show {name!r}" for name in names if name not in shown]
    on_paper, text = print_page(page, folder)
    packed = re.sub(r"\s|\ufffd", "", text)  # lines are broken inside of names, and fonts may lack U+FFFD
    problems += on_paper + [f"the PDF does not show {name!r}" for name in names
                            if re.sub(r"\s|\ufffd", "", name) not in packed]
    problems += reaches_out(page, path) + policy_holds(page)
    for problem in problems:
        print(f"{path}: {problem}")
    return not problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", metavar="PROGRAM")
    parser.add_argument("--programs", metavar=("CNNTRAIN", "CNNEVAL"), nargs=2)
    parser.add_argument("pages", nargs="*")
    arguments = parser.parse_args()
    absent = [path for path in arguments.pages if not os.path.isfile(path)]
    if absent:
        parser.error(f"{absent[0]}: expected a file")
    missing = [] if chromium.find() else ["chromium"]
    missing += [] if shutil.which("pdftotext") else ["pdftotext (Debian: poppler-utils)"]
    if missing:
        print(f"skipped: cannot find {' and '.join(missing)}")
        return 77
    print("axe-core: " + (AXE or "not there (AXE_CORE names it); the rules of rules.js alone"))
    ok = True
    with tempfile.TemporaryDirectory() as folder, chromium.Chromium() as browser:
        page = chromium.Page(browser)
        if arguments.sample:
            subprocess.run([arguments.sample, folder], check=True)
            ok = check(page, f"{folder}/specimen.html", folder, HOSTILE, all_rules=True)
        if arguments.programs:
            for path, names in real_pages.make(*map(os.path.abspath, arguments.programs), folder):
                ok = check(page, path, folder, names) and ok
        for path in arguments.pages:
            ok = check(page, path, folder, all_rules=True) and ok
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())

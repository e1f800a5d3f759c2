#!/usr/bin/env python3
"""screenshot.py PAGE PNG [WIDTH [light|dark|print [HEIGHT]]]: a picture of an HTML file in Chromium, HEIGHT pixels
from its top on; without HEIGHT, all of it."""
import sys

import chromium


def main(page_path, png_path, width="1400", style="light", height=None):
    with chromium.Chromium() as browser:
        page = chromium.Page(browser)
        page.show(page_path, int(width), style == "dark", int(height or 900), media="print" if style == "print" else "")
        page.screenshot(png_path, None if height else "page")


if __name__ == "__main__":
    main(*sys.argv[1:])

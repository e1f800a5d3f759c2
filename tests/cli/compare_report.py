"""Compares every figure of a report.html that names its place in summary.json with that file.

    compare_report.py report.html summary.json LEAST

A figure is <data value="0.8725" data-from="test.accuracy">0.8725</data>: the value must be that of the file, with all digits, and the
text must be the value, rounded. LEAST: the least number of figures that the page must have. Tables of metrics, which may show figures
without <data>, are read by their heads and compared as well."""
import html.parser
import json
import re
import sys

FAILURES = []


def fail(message):
    FAILURES.append(message)
    print("FAILED:", message)


class Page(html.parser.HTMLParser):
    """figures: [(value, place, text)]; rows: [[cells]] of all tables; plain: the text."""

    def __init__(self):
        super().__init__()
        self.figures, self.rows, self.plain = [], [], []
        self.figure = self.cell = None

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "data":
            self.figure = [attributes["value"], attributes["data-from"], ""]
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.cell = ""

    def handle_endtag(self, tag):
        if tag == "data":
            self.figures.append(self.figure)
            self.figure = None
        elif tag in ("td", "th"):
            self.rows[-1].append(self.cell.strip())
            self.cell = None

    def handle_data(self, data):
        self.plain.append(data)
        if self.figure is not None:
            self.figure[2] += data
        if self.cell is not None:
            self.cell += data


def find(summary, place):
    for key in place.split("."):
        summary = summary[int(key)] if isinstance(summary, list) else summary[key]
    return summary


def is_rounded(text, value):
    """Is the text the value, with as many digits as it has?"""
    share = text.endswith(" %")
    digits = text.removesuffix(" %").replace(",", "")
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", digits):
        return False
    decimals = len(digits.partition(".")[2])
    return abs(float(digits) - value * (100 if share else 1)) <= 0.5 * 10**-decimals * 1.000001


def compare_figures(page, summary):
    for value, place, text in page.figures:
        try:
            there = find(summary, place)
        except (KeyError, IndexError, TypeError):
            fail(f"{place}: on the page, but not in summary.json")
            continue
        if there is None or float(value) != there:
            fail(f"{place}: expected {there}, as in summary.json, found {value}")
        if text in ("0.0 %", "100.0 %") and 0 < float(value) < 1:
            fail(f"{place}: expected neither 0 % nor 100 %, found {text!r} for {value}")
        if not is_rounded(text, float(value)):
            fail(f"{place}: expected {value}, rounded, found the text {text!r}")


TEXTS = {"log loss": "loss", "accuracy": "accuracy", "ROC AUC": "auc", "balanced accuracy": "balanced_accuracy", "precision": "precision",
         "recall": "recall", "specificity": "specificity", "F1": "f1", "MCC": "mcc", "average precision": "average_precision",
         "Brier score": "brier", "calibration error": "ece"}


def compare_metric_table(page, measured):
    """The rows of the table of metrics: name, value, "low to high"."""
    found = set()
    for row in page.rows:
        if len(row) < 3 or row[0] not in TEXTS:
            continue
        key = TEXTS[row[0]]
        found.add(key)
        if measured[key] is not None and not is_rounded(row[1], measured[key]):
            fail(f"table of metrics: {key}: expected {measured[key]}, found {row[1]}")
        bounds = re.findall(r"-?[0-9]+\.[0-9]+", row[2])
        for i, bound in enumerate(bounds):
            if not is_rounded(bound, measured["interval_95"][key][i]):
                fail(f"table of metrics: {key}: expected {measured['interval_95'][key]}, found {row[2]}")
    if found and found != set(TEXTS.values()):
        fail(f"table of metrics: missing {set(TEXTS.values()) - found}")


def main():
    page = Page()
    with open(sys.argv[1], encoding="utf-8") as file:
        page.feed(file.read())
    with open(sys.argv[2], encoding="utf-8") as file:
        summary = json.load(file)
    compare_figures(page, summary)
    measured = summary.get("pooled") or summary.get("test") or summary.get("validation")
    if measured:
        compare_metric_table(page, measured)
    places = {place for _, place, _ in page.figures}
    if len(places) < int(sys.argv[3]):
        fail(f"expected at least {sys.argv[3]} figures, found {sorted(places)}")
    for word in ("nan", "inf", "null"):
        if re.search(rf"\b{word}\b", " ".join(page.plain).split("The config: all keys")[0], re.IGNORECASE):
            fail(f"the text has the word {word!r}")
    sys.exit(1 if FAILURES else 0)


main()

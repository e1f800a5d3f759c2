#!/bin/sh
# get_axe.sh FILE: downloads axe-core, which checks pages for accessibility, as FILE (axe.min.js), unless it is there. It is
# part of a package of PyPI (Mozilla Public License 2.0), which is not installed. Needs python3 and pip.
set -eu
file=$1
version=0.1.8
sha256=84494fec757e4710dc751c8d7a636e457f4532f08f85c86dc9070133fbff53bc

[ ! -f "$file" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-input --no-deps --only-binary=:all: --dest "$work" \
    "axe-playwright-python==$version"
python3 -m zipfile -e "$work/axe_playwright_python-$version-py3-none-any.whl" "$work"
axe=$work/axe_playwright_python/axe.min.js
printf '%s  %s\n' "$sha256" "$axe" | sha256sum --check --quiet
mv "$axe" "$file"

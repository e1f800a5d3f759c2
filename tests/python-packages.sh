#!/bin/sh
# Usage: tests/python-packages.sh FOLDER PACKAGE…
# Installs these packages from PyPI into a virtual environment in FOLDER, if they are not there yet, for the tests that
# compare with other programs (environment variable CNN_TEST_PYTHON). Without a network, it says so, and those tests
# are skipped.
set -eu
folder=$1
shift
[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check "$@" ||
    echo "these packages of PyPI are missing, so tests that need them are skipped: $*"

#!/usr/bin/env bash
# Run the tests against the wheel installed in ENVIRONMENT, never against the tree, and check the coverage.
# usage: tools/test_wheel.sh ENVIRONMENT [pytest arguments]
set -euo pipefail
python=$1/bin/python
shift

# The package stands at the root of the repository, where Python looks first:
# a safe path keeps that root out of sys.path, for the tests' own subprocesses too.
export PYTHONSAFEPATH=1
unset PYTHONPATH
# The architecture tests then demand that what they import is the wheel.
export INFRASTRUCTURE_TEST_WHEEL=1
# Absolute: a subprocess may run in another folder.
export COVERAGE_FILE="$PWD/build/coverage/data"
# Where the tests note the checks that no backend can run yet.
export INFRASTRUCTURE_UNREACHED="$PWD/build/coverage/unreached.json"
# The run says which seeds it has: a failure can be repeated. Python cannot tell one that it drew itself.
export PYTHONHASHSEED="${PYTHONHASHSEED:-$RANDOM}"

rm -rf build/coverage
mkdir -p build/coverage
# Two processes: for two thirds of its time a test waits, for a server, a timer, a program. A file
# stays together, and each process has servers of its own.
"$python" -m coverage run -m pytest --numprocesses 2 --dist loadfile "$@"
"$python" -m coverage combine --quiet
"$python" -m coverage json --quiet -o build/coverage/report.json
"$python" -m coverage report
"$python" tools/coverage_gates.py build/coverage/report.json build/coverage/unreached.json

#!/usr/bin/env bash
# The full counts of the reliability tests, the compatibility sessions and the audits; writes docs/reliability.md.
#
#   bash scripts/soak.sh            every part, one after the other (about an hour)
#   bash scripts/soak.sh PART...    these parts; of the others the document says what .cache/soak still holds
#   bash scripts/soak.sh --list     their names; each takes less than 30 minutes
#
# A part that fails does not stop the others. What each printed stays in .cache/soak, which scripts/reliability.py
# reads: tests.xml, tests.txt and figures.md of the full counts, SESSION.xml, SESSION.txt and SESSION.outcome of the
# sessions of noxfile.py, audit.txt, and of each part PART.seconds. For a shorter run, SOAK_TESTS names what pytest
# runs everywhere, TBA_SOAK=0 keeps to CI's counts and SOAK_DOCUMENT names another document.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
SESSIONS="lowest newest-3.11 newest-3.12 newest-3.13 viewer-3.11 viewer-3.12 viewer-3.13 zlib backends hub firefox"
SESSIONS="$SESSIONS torch-3.11 torch-3.12 torch-3.13 torch_lowest"
PARTS="tests walk dark $SESSIONS audit"
LIMIT=1800 # seconds that a part may take
if [ "${1:-}" = "--list" ]; then
    printf '%s\n' $PARTS
    exit
fi
for name in "$@"; do
    case " $PARTS " in *" $name "*) ;; *) fail "no part '$name'; there are $PARTS" ;; esac
done
exec </dev/null
setup_tests
cd "$ROOT"

LOGS="$ROOT/.cache/soak"
[ $# -gt 0 ] || rm -rf "$LOGS"
mkdir -p "$LOGS"
failed=""

# part NAME COMMAND...: runs it with all it prints in NAME.log, keeps its name if it fails.
part() {
    local name="$1" begun=$SECONDS code=0 took
    shift
    say "$name: what it prints is in $LOGS/$name.log"
    "$@" >"$LOGS/$name.log" 2>&1 || code=1
    took=$((SECONDS - begun))
    echo "$took" >"$LOGS/$name.seconds"
    [ "$took" -le "$LIMIT" ] || { say "$name took more than $LIMIT s: split it" && code=1; }
    [ "$code" -ne 0 ] || { say "$name: ok, $took s" && return; }
    say "$name: FAILED, $took s"
    failed="$failed $name"
    return 1
}

full_counts() {
    : >"$LOGS/figures.md"
    "$VENV/bin/pip" list --format=freeze >"$LOGS/tests.txt"
    # shellcheck disable=SC2086  # a list of tests
    TBA_SOAK="${TBA_SOAK:-1}" TBA_REPORT="$LOGS/figures.md" "$VENV/bin/python" -m pytest -q \
        --junitxml "$LOGS/tests.xml" --ignore tests/browser --ignore tests/training/test_backends.py ${SOAK_TESTS:-}
}

# The walk through the dashboard; it prints its seed.
walk() {
    touch "$LOGS/figures.md"
    sed -i '/^- \*\*walk\*\*/d' "$LOGS/figures.md"
    TBA_SOAK="${TBA_SOAK:-1}" TBA_REPORT="$LOGS/figures.md" "$VENV/bin/python" -m pytest -q -s tests/browser/test_walk.py
}

# What CI looks at in the light alone.
dark() { TBA_SOAK=1 "$VENV/bin/python" -m pytest -q tests/browser -k dark; }

# session NAME: one session of noxfile.py; its outcome stays in NAME.outcome.
session() {
    local name="$1" outcome=passed
    nox_is_there
    # shellcheck disable=SC2086
    part "$name" "$VENV/bin/nox" -s "$name" -- ${SOAK_TESTS:-} || outcome=FAILED
    if grep -qi "interpreter.*not found" "$LOGS/$name.log"; then
        outcome="not run: no such Python on this machine"
    fi
    mv "$ROOT/.nox/reports/$name".* "$LOGS/" 2>/dev/null || true
    echo "$outcome" >"$LOGS/$name.outcome"
    tail -n 3 "$LOGS/$name.log" >&2
    rm -rf "$ROOT/.nox/$name" "$ROOT/.nox/${name//./-}" # two gigabytes each
}

nox_is_there() {
    [ -x "$VENV/bin/nox" ] || "$VENV/bin/pip" install --quiet nox
    if command -v pyenv >/dev/null; then # its shims start only the Pythons that are named
        PYENV_VERSION="$(pyenv versions --bare | grep -E '^3\.1[123]\.[0-9]+$' | paste -s -d : -)"
        export PYENV_VERSION
    fi
    mkdir -p "$ROOT/.nox/reports"
}

audits() { bash scripts/audit.sh >"$LOGS/audit.txt"; }

for name in ${@:-$PARTS}; do
    case "$name" in
    tests)
        part tests full_counts || true
        tail -n 3 "$LOGS/tests.log" >&2
        ;;
    walk) part walk walk || true ;;
    dark) part dark dark || true ;;
    audit)
        part audit audits || true
        cat "$LOGS/audit.txt" >&2
        ;;
    *) session "$name" ;;
    esac
done

"$VENV/bin/python" scripts/reliability.py "$LOGS" "${SOAK_DOCUMENT:-docs/reliability.md}"
[ -z "$failed" ] || fail "these parts failed:$failed; what they printed is in $LOGS"

#!/usr/bin/env bash
# The full counts of the reliability tests, the compatibility sessions and the audits; writes docs/reliability.md.
#
#   bash scripts/soak.sh            everything (about an hour)
#   bash scripts/soak.sh --no-nox   without the compatibility sessions
#
# A part that fails does not stop the others. What each printed stays in .cache/soak, which scripts/reliability.py
# reads: tests.xml, tests.txt and figures.md of the full counts, SESSION.xml, SESSION.txt and outcomes.txt of the sessions,
# audit.txt. For a shorter run, SOAK_SESSIONS names some of the sessions, SOAK_TESTS what pytest runs everywhere,
# TBA_SOAK=0 keeps to CI's counts and SOAK_DOCUMENT names another document.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
exec </dev/null
setup_python dev
setup_node
setup_chromium
setup_nginx
cd "$ROOT"

LOGS="$ROOT/.cache/soak"
rm -rf "$LOGS"
mkdir -p "$LOGS"
: >"$LOGS/figures.md"
: >"$LOGS/outcomes.txt"
started=$SECONDS
failed=""

# part NAME COMMAND...: runs it with all it prints in NAME.log, keeps its name if it fails.
part() {
    local name="$1" begun=$SECONDS
    shift
    say "$name: what it prints is in $LOGS/$name.log"
    if "$@" >"$LOGS/$name.log" 2>&1; then
        say "$name: ok, $((SECONDS - begun)) s"
    else
        say "$name: FAILED, $((SECONDS - begun)) s"
        failed="$failed $name"
        return 1
    fi
}

full_counts() {
    "$VENV/bin/pip" list --format=freeze >"$LOGS/tests.txt"
    # shellcheck disable=SC2086  # a list of tests
    TBA_SOAK="${TBA_SOAK:-1}" TBA_REPORT="$LOGS/figures.md" "$VENV/bin/python" -m pytest -q \
        --junitxml "$LOGS/tests.xml" --ignore tests/browser ${SOAK_TESTS:-}
}

# session NAME: one session of noxfile.py; its outcome becomes a line of outcomes.txt.
session() {
    local name="$1" begun=$SECONDS outcome=passed
    # shellcheck disable=SC2086
    part "$name" "$VENV/bin/nox" -s "$name" -- ${SOAK_TESTS:-} || outcome=FAILED
    if grep -qi "interpreter.*not found" "$LOGS/$name.log"; then
        outcome="not run: no such Python on this machine"
    fi
    mv "$ROOT/.nox/reports/$name".* "$LOGS/" 2>/dev/null || true
    printf '%s\t%s\t%s\n' "$name" "$outcome" "$((SECONDS - begun))" >>"$LOGS/outcomes.txt"
    tail -n 3 "$LOGS/$name.log" >&2
    rm -rf "$ROOT/.nox/$name" "$ROOT/.nox/${name//./-}" # two gigabytes each
}

sessions() {
    "$VENV/bin/pip" install --quiet nox || return 1
    if command -v pyenv >/dev/null; then # its shims start only the Pythons that are named
        PYENV_VERSION="$(pyenv versions --bare | grep -E '^3\.1[123]\.[0-9]+$' | paste -s -d : -)"
        export PYENV_VERSION
    fi
    rm -rf "$ROOT/.nox/reports"
    for name in ${SOAK_SESSIONS:-lowest newest-3.11 newest-3.12 newest-3.13 viewer-3.11 viewer-3.12 viewer-3.13}; do
        session "$name"
    done
}

audits() { bash scripts/audit.sh >"$LOGS/audit.txt"; }

part tests full_counts || true
tail -n 3 "$LOGS/tests.log" >&2
[ "${1:-}" = "--no-nox" ] || sessions || failed="$failed sessions"
part audit audits || true
cat "$LOGS/audit.txt" >&2

"$VENV/bin/python" scripts/reliability.py "$LOGS" "$((SECONDS - started))" "${SOAK_DOCUMENT:-docs/reliability.md}"
[ -z "$failed" ] || fail "these parts failed:$failed; what they printed is in $LOGS"

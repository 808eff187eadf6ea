#!/usr/bin/env bash
# Known vulnerabilities in what the dashboard is built from (npm audit) and in what the package installs (pip-audit).
#
#   bash scripts/audit.sh             fails on a finding; a service that cannot be reached is said, and no failure
#   bash scripts/audit.sh --reached   fails then as well
#
# Each line of stdout reads "NAME: verdict"; what the tools say goes to stderr.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
make_venv
setup_node >&2
cd "$ROOT"

status=0
unreached=0
[ "${1:-}" != "--reached" ] || unreached=1
log="$(mktemp)"
tree="$(mktemp -d)"
trap 'rm -rf "$log" "$tree"' EXIT

# verdict NAME FINDING COMMAND...: runs it; its output holds FINDING, a pattern, only where the service answered. pip-audit
# ends well, too, where it could audit nothing: it then names each package, where of a published one it says nothing.
verdict() {
    local name="$1" finding="$2" code=0
    shift 2
    "$@" >"$log" 2>&1 || code=$?
    cat "$log" >&2
    if [ "$code" -eq 0 ] && ! grep "could not be audited" "$log" | grep -qv "^tb-activations "; then
        echo "$name: clean"
    elif grep -Eq "$finding" "$log"; then
        echo "$name: FINDINGS"
        status=1
    else
        echo "$name: not run, as its service does not answer here"
        [ "$unreached" -eq 0 ] || status=1
    fi
}

npm_audit() { (cd frontend && npm audit "$@"); }

# What a user's machine holds after `pip install tb-activations` and TensorFlow: an environment without our tools.
pip_audit() {
    "$VENV/bin/python" -m venv "$tree/tool" &&
        "$tree/tool/bin/pip" install --quiet pip-audit &&
        "$VENV/bin/python" -m venv "$tree/user" &&
        "$tree/user/bin/python" -m pip install --quiet --upgrade pip setuptools &&
        "$tree/user/bin/python" -m pip install --quiet "$ROOT" "$(tensorflow_package)" &&
        rm -rf "$ROOT/build" &&
        "$tree/tool/bin/pip-audit" --progress-spinner off --timeout 30 \
            --path "$("$tree/user/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
}

npm_finding='[0-9]+ ((low|moderate|high|critical) severity )?vulnerabilit'
verdict "npm audit of what the bundle holds" "$npm_finding" npm_audit --omit=dev
verdict "npm audit of what builds and tests it" "$npm_finding" npm_audit --audit-level=high
verdict "pip-audit of the package and TensorFlow" 'Found [0-9]+ known vulnerabilit' pip_audit
exit "$status"

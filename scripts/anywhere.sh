#!/usr/bin/env bash
# The tests on machines that are not ours: one that is busy with something else, one with another font.
#
#   bash scripts/anywhere.sh           every part, one after the other
#   bash scripts/anywhere.sh PART...   these parts; each may take 30 minutes
#   bash scripts/anywhere.sh --list    their names
#
# busy        all that `bash tests/run.sh` tests, once, with two busy loops beside it
# browser-1…3 the browser's tests, and
# waits-1…3   every other test that waits for something (tests/waits.py tells which), as busily, three times more
# font        all that `bash tests/run.sh` tests, once, where DejaVu Sans is the only font, in another time zone and
#             no language
#
# What is tested is a fresh clone of the last commit, with an environment of its own. A part that fails does not stop
# the others. TBA_ANYWHERE names a directory in which clone and environment stay, for the next part or a look.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
unset TBA_VENV PYTHONPATH

PARTS="busy browser-1 browser-2 browser-3 waits-1 waits-2 waits-3 font"
LIMIT=1800 # seconds
if [ "${1:-}" = "--list" ]; then
    printf '%s\n' $PARTS
    exit
fi
for name in "$@"; do
    case " $PARTS " in *" $name "*) ;; *) fail "no part '$name'; there are $PARTS" ;; esac
done

where="${TBA_ANYWHERE:-$(mktemp -d)}"
tree="$where/tree"
loops=""
running=""
# shellcheck disable=SC2317,SC2329  # called by the trap
end() {
    idle
    [ -z "$running" ] || kill -- "-$running" 2>/dev/null || true
    [ -n "${TBA_ANYWHERE:-}" ] || rm -rf "$where"
}
trap end EXIT
trap 'exit 130' INT TERM

# Two loops that take what the machine gives them.
busy() {
    local _
    for _ in 1 2; do
        while :; do :; done &
        loops="$loops $!"
    done
}

idle() {
    # shellcheck disable=SC2086  # a list of numbers
    [ -z "$loops" ] || kill $loops 2>/dev/null || true
    loops=""
}

# A fontconfig that knows one file; prints its path.
one_font() {
    local font
    font="$(find_font)"
    [ -n "$font" ] || apt_install fonts-dejavu-core || true
    font="$(find_font)"
    if [ -z "$font" ] && command -v apt-get >/dev/null; then
        mkdir -p "$where/deb"
        (cd "$where/deb" && apt-get download -qq fonts-dejavu-core && dpkg -x fonts-dejavu-core_*.deb .) >/dev/null 2>&1 ||
            true
        font="$(find_font)"
    fi
    [ -n "$font" ] || fail "no DejaVuSans.ttf; install DejaVu Sans (Debian: apt install fonts-dejavu-core)"
    mkdir -p "$where/font"
    cp "$font" "$where/font/"
    cat >"$where/fonts.conf" <<XML
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>$where/font</dir><cachedir>$where/font-cache</cachedir></fontconfig>
XML
    echo "$where/fonts.conf"
}

find_font() {
    find /usr/share/fonts "$HOME/.fonts" "$HOME/.local/share/fonts" "$where/deb" -name DejaVuSans.ttf 2>/dev/null |
        head -n 1
}

# limited COMMAND...: in a process group of its own, which ends after the limit or with us.
limited() {
    local code=0 timer
    set -m
    "$@" </dev/null &
    running=$!
    (sleep "$LIMIT" && say "$LIMIT s are over" && kill -- "-$running") &
    timer=$!
    set +m
    wait "$running" || code=$?
    kill -- "-$timer" 2>/dev/null || true
    running=""
    return "$code"
}

# part NAME: runs one, in the clone.
part() {
    case "$1" in
    busy)
        busy
        limited bash tests/run.sh
        ;;
    browser-*)
        busy
        limited bash tests/run.sh -q tests/browser
        ;;
    waits-*)
        busy
        limited bash tests/run.sh -q -m waits
        ;;
    font)
        local config
        config="$(one_font)" || return 1
        FONTCONFIG_FILE="$config" LC_ALL=C TZ=Pacific/Chatham limited bash tests/run.sh
        ;;
    esac
}

[ -z "$(git -C "$ROOT" status --porcelain)" ] || say "what is not committed is not tested"
mkdir -p "$where"
if [ -d "$tree" ]; then
    git -C "$tree" fetch --quiet origin HEAD
    git -C "$tree" checkout --quiet --detach FETCH_HEAD
else
    git clone --quiet "$ROOT" "$tree"
fi
cd "$tree"
bash tests/run.sh --setup

failed=""
for name in ${@:-$PARTS}; do
    say "$name"
    begun=$SECONDS outcome=ok
    part "$name" || outcome=FAILED
    idle
    [ "$outcome" = ok ] || failed="$failed $name"
    say "$name: $outcome, $((SECONDS - begun)) s"
done
[ -z "$failed" ] || fail "these parts failed:$failed"

#!/bin/sh
# Runs the official SDKs against the simulator; README.md says what for.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target="${CARGO_TARGET_DIR:-$root/target}"
peers="$target/peers"
which="${1:-all}"
failed=0
mkdir -p "$peers"

if [ -z "${EVENKEEL:-}" ]; then
    cargo build --quiet --manifest-path "$root/Cargo.toml" -p evenkeel-cli
    EVENKEEL="$target/debug/evenkeel"
fi

# The shell opens the file a moment later: an old address in it would be taken for the new one.
rm -f "$peers/base-url"
"$EVENKEEL" simulate --scenario lifelike > "$peers/base-url" 2> "$peers/simulator.log" &
simulator=$!
trap 'kill "$simulator" 2>/dev/null || true' EXIT INT TERM
tries=0
while [ ! -s "$peers/base-url" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then
        echo "peers: the simulator did not start: $(cat "$peers/simulator.log")" >&2
        exit 1
    fi
    sleep 0.1
done
SIMULATOR_URL=$(head -n 1 "$peers/base-url")
export SIMULATOR_URL

skip() {
    echo "peers: SKIPPED $1: $2" >&2
}

python() {
    if ! command -v python3 > /dev/null; then
        skip python "there is no python3"
        return
    fi
    if [ ! -x "$peers/python/bin/python" ]; then
        python3 -m venv "$peers/python" || { skip python "no virtual environment could be made"; return; }
    fi
    "$peers/python/bin/python" -c 'import anthropic' 2> /dev/null \
        || "$peers/python/bin/pip" install --quiet --disable-pip-version-check anthropic \
        || { skip python "the package anthropic could not be installed"; return; }
    "$peers/python/bin/python" "$here/peer.py" || failed=1
}

typescript() {
    if ! command -v node > /dev/null || ! command -v npm > /dev/null; then
        skip typescript "there is no node with npm"
        return
    fi
    mkdir -p "$peers/typescript"
    if [ ! -d "$peers/typescript/node_modules/@anthropic-ai/sdk" ]; then
        (cd "$peers/typescript" && npm install --silent --no-audit --no-fund @anthropic-ai/sdk) \
            || { skip typescript "the package @anthropic-ai/sdk could not be installed"; return; }
    fi
    # Packages are looked for beside the script.
    cp "$here/peer.mjs" "$peers/typescript/peer.mjs"
    node "$peers/typescript/peer.mjs" || failed=1
}

case "$which" in
    all) python; typescript ;;
    python) python ;;
    typescript) typescript ;;
    *) echo "peers: there is no $which; there are python and typescript" >&2; exit 2 ;;
esac
exit "$failed"

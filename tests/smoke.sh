#!/bin/sh
# Does what the README tells a newcomer to do, with a real binary in a fresh copy of this repository's tracked files.
#
#   tests/smoke.sh [BINARY]      target/release/hookyard unless given
#
# Needs git, tar, curl, openssl, awk. The port in config.toml and in the README is replaced by one that is likely free.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
binary=${1:-$root/target/release/hookyard}
case $binary in /*) ;; *) binary=$PWD/$binary ;; esac
for tool in git tar curl openssl awk; do
  command -v "$tool" >/dev/null || { echo "smoke: $tool is not installed" >&2; exit 1; }
done

# Below the ports that the system gives to outgoing connections.
port=$((10000 + $$ % 20000))
base=http://127.0.0.1:$port
copy=$(mktemp -d)
server=
finish() {
  status=$?
  if [ -n "$server" ]; then kill -KILL "$server" 2>/dev/null || true; fi
  if [ "$status" -ne 0 ] && [ -f "$copy/log" ]; then
    echo "--- what hookyard printed" >&2
    cat "$copy/log" >&2
  fi
  rm -rf "$copy"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

fail() { echo "smoke: $*" >&2; exit 1; }
done_with() { echo "ok: $*"; }

# `wait_for SECONDS WHAT COMMAND…`: repeats the command until it succeeds.
wait_for() {
  tries=$(($1 * 10)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    kill -0 "$server" 2>/dev/null || fail "the server ended while waiting until $what"
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail "waited in vain until $what"
    sleep 0.1
  done
  done_with "$what"
}

# `answers STATUS CURL-ARGUMENTS…`
answers() {
  wanted=$1
  shift
  status=$(curl -sS -o "$copy/answer" -w '%{http_code}' "$@")
  [ "$status" = "$wanted" ] || fail "expected $wanted, got $status: $(cat "$copy/answer")"
}

# Succeeds once the JSONL file has that many lines with all of these texts.
archived() {
  count=$1
  shift
  cp "$copy/state/events.jsonl" "$copy/lines" || return 1
  for text in "$@"; do
    grep -F -- "$text" "$copy/lines" >"$copy/lines.next" || return 1
    mv "$copy/lines.next" "$copy/lines"
  done
  [ "$(wc -l <"$copy/lines")" -eq "$count" ]
}

(cd "$root" && git ls-files -z | tar --null -T - -cf -) | tar -xf - -C "$copy"
cd "$copy"
grep -q '127\.0\.0\.1:8080' config.toml || fail "config.toml does not listen on 127.0.0.1:8080"
sed "s/127\.0\.0\.1:8080/127.0.0.1:$port/g" config.toml >config.new
mv config.new config.toml

"$binary" check >check.log 2>&1 || fail "\`hookyard check\` refuses config.toml: $(cat check.log)"
[ ! -e state ] || fail "\`hookyard check\` made the state directory"
done_with "check takes config.toml and leaves no trace"

"$binary" >log 2>&1 &
server=$!
wait_for 60 "/readyz answers 200" curl -sSf "$base/readyz"
answers 200 "$base/healthz"
answers 200 "$base/metrics"
[ -s state/secrets/github ] || fail "no secret was generated"
case $(ls -l state/secrets/github) in -rw-------*) ;; *) fail "the secret is readable by others" ;; esac
if grep -qF -- "$(cat state/secrets/github)" log; then fail "the secret stands in the log"; fi
done_with "the secret is there, for its owner alone"

# Both routes that write to the archive are exclusive, so each event makes one line.
"$binary" send github pull_request.opened >send.log 2>&1 || fail "\`hookyard send\` failed: $(cat send.log)"
wait_for 30 "the event that \`send\` made is in the archive" archived 1 '"type":"pull_request.opened"'

# The README's own lines, so that they stay true: its first shell block that signs.
awk '/^```/ { if (block && text ~ /X-Hub-Signature-256/) { printf "%s", text; exit } block = /^```(sh|bash)$/; text = ""; next }
     block { text = text $0 "\n" }' README.md | sed "s/127\.0\.0\.1:8080/127.0.0.1:$port/g" >readme.sh
[ -s readme.sh ] || fail "README.md has no shell block with a signature"
bash readme.sh >readme.out 2>&1 || fail "the README's lines failed: $(cat readme.out)"
grep -q '^HTTP.* 202' readme.out || fail "the README's lines got another answer than 202: $(cat readme.out)"
wait_for 30 "the README's event is in the archive, changed by the plugin" \
  archived 1 '"type":"pull_request.opened"' 'Hello from curl' '***'

sed 's/sha256=[^"]*/sha256=0000000000000000000000000000000000000000000000000000000000000000/' readme.sh >wrong.sh
bash wrong.sh >wrong.out 2>&1 || fail "curl failed: $(cat wrong.out)"
grep -q '^HTTP.* 401' wrong.out || fail "a wrong signature got another answer than 401: $(cat wrong.out)"
answers 401 -X POST -d '{}' "$base/in/github"
answers 404 -X POST -d '{}' "$base/in/nobody"
answers 405 "$base/in/github"
done_with "a wrong signature, an unknown source, and a wrong method are refused"

kill -TERM "$server"
ended=0
wait "$server" || ended=$?
server=
[ "$ended" -eq 0 ] || { echo "--- log" >&2; cat log >&2; fail "SIGTERM: exit code $ended instead of 0"; }
archived 2 '"type":"pull_request.opened"' || fail "the archive does not hold two events: $(cat state/events.jsonl)"
done_with "SIGTERM ends it with 0"

printf 'listen = 1\n' >broken.toml
ended=0
"$binary" --config broken.toml check >broken.out 2>&1 || ended=$?
[ "$ended" -eq 78 ] || fail "check of a broken configuration: exit code $ended instead of 78: $(cat broken.out)"
done_with "a broken configuration is exit code 78"

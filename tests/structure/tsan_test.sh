#!/bin/sh
# Under --config=tsan: the planted race is reported and the right handoff is not. Else the whole tsan
# run is void. Usage: tsan_test.sh RACE HANDOFF
set -u
fail() {
  echo "tsan run is void: $1"
  exit 1
}

output=$("$1" 2>&1)
code=$?
echo "$output"
echo "$output" | grep -q 'WARNING: ThreadSanitizer: data race' || fail 'the planted race was not reported'
[ "$code" -eq 66 ] || fail "a report did not fail the program (exit code $code, not 66)"

output=$("$2" 2>&1) || {
  echo "$output"
  fail 'a correct handoff through the event loop was reported'
}

#!/bin/bash
# Runs agent_kills with each kind of damaged evidence and demands that it complains of that, and that
# it finds nothing in the same run without damage.
set -u
kills="$(dirname "$(realpath "$0")")/agent_kills"
failed=0

expect() {  # expect PLANT STATUS TEXT
  local output status
  output="$("$kills" 1 --seed 1 --plant "$1" 2>&1)"
  status=$?
  if [[ $status != "$2" || "$output" != *"$3"* ]]; then
    echo "--plant $1: exit $status, expected $2 and '$3':"
    echo "$output"
    failed=1
  fi
}

expect none 0 ' 0 violations'
expect lost_byte 1 'rank 3: stdout has'
expect doubled_line 1 'rank 2: stderr has'
expect wrong_code 1 "rank 1: exit {'code': 99}"
expect second_start 1 'started 2 times'
exit $failed

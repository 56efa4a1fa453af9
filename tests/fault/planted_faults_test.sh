#!/bin/bash
# Runs the drivers with each kind of damaged evidence and demands that they complain of
# that, and that they find nothing in the same run without damage.
set -u
here="$(dirname "$(realpath "$0")")"
command=("$here/agent_kills" 1)
failed=0

expect() {  # expect PLANT STATUS TEXT
  local output status
  output="$("${command[@]}" --seed 1 --plant "$1" 2>&1)"
  status=$?
  if [[ $status != "$2" || "$output" != *"$3"* ]]; then
    echo "${command[*]} --plant $1: exit $status, expected $2 and '$3':"
    echo "$output"
    failed=1
  fi
}

expect none 0 ' 0 violations'
expect lost_byte 1 'rank 3: stdout has'
expect doubled_line 1 'rank 2: stderr has'
expect wrong_code 1 "rank 1: exit {'code': 99}"
expect second_start 1 'started 2 times'

command=("$here/exit_kills" agent 1)
expect none 0 ' 0 violations'
expect wrong_code 1 'it ended with'
expect lost_exit 1 'its exit is lost'
expect second_start 1 'started 2 times'
expect orphan 1 "after the agent's return"

command=("$here/leader_kills" kill 1)
expect lost_job 1 'was acknowledged and is gone'
expect second_run 1 'ran 2 times'
expect older_epoch 1 'obeyed an older epoch'
expect stale_write 1 'etcd took a write of epoch'

command=("$here/etcd_history" 1)
expect lost_job 1 'was acknowledged and is gone'
expect other_end 1 'known is'
expect second_run 1 'ran 2 times'
expect older_epoch 1 'obeyed an older epoch'

command=("$here/histories" alone 1)
expect stale_read 1 'not linearizable'
expect gone 1 'not linearizable'
expect second_job 1 'one request id has made the jobs'

command=("$here/requests" 60)
expect new_id 1 'submits have made'
exit $failed

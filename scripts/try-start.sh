#!/usr/bin/env bash
# Starts the demo as its README says, waits until four classes of cases have arrived at the platform, and stops it by
# Ctrl-C. Fails when that takes longer than three minutes or a process is left over.
set -u
cd "$(dirname "$0")/.."
log=$(mktemp)
setsid npm start >"$log" 2>&1 &
pid=$!
classes=0
for _ in $(seq 90); do
  kill -0 "$pid" 2>/dev/null || break
  classes=$(npm run -s ganglion -- cases --json 2>/dev/null | grep -E '"stage":"(delivered|accepted|filed|dispatched|processing|handled|verifying|closed)"' | grep -oE '"classCode":"[^"]+"' | sort -u | wc -l)
  [ "$classes" -ge 4 ] && break
  sleep 2
done
kill -INT -- "-$pid" 2>/dev/null
for _ in 1 2 3 4 5; do ps -o pid= -g "$pid" >/dev/null || break; sleep 1; done
left=$(ps -o pid= -g "$pid" | wc -l)
kill -KILL -- "-$pid" 2>/dev/null
cat "$log"
rm -f "$log"
echo "npm start: $classes classes of cases at the platform; $left processes left after Ctrl-C"
[ "$classes" -ge 4 ] && [ "$left" -eq 0 ]

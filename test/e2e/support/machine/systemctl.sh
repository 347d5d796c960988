#!/bin/bash
# Does for rxchat.service what systemd would do, as far as the unit needs it: user, directory, environment, order, readiness.
unit=/usr/lib/systemd/system/rxchat.service
state=/var/lib/rxchat
pid_file=/run/rxchat.pid

value() { sed -n "s/^$1=//p" $unit; }
is_running() { [ -f $pid_file ] && kill -0 "$(cat $pid_file)" 2> /dev/null; }

# Replaces this shell by a command of the unit.
as_service() {
  exec setsid env -i PATH="$PATH" HOME=/nonexistent LANG=C.UTF-8 STATE_DIRECTORY=$state $(value Environment) \
    setpriv --reuid "$(value User)" --regid "$(value Group)" --clear-groups --bounding-set=-all --no-new-privs \
    sh -c "exec $1"
}

start() {
  local user command
  is_running && return
  user=$(value User)
  command=$(value ExecStart)
  install -d -m "$(value StateDirectoryMode)" -o "$user" -g "$user" $state
  chown -R "$user:$user" $state
  (
    umask "$(value UMask)"
    as_service "$command"
  ) >> /var/log/rxchat.log 2>&1 < /dev/null &
  echo $! > $pid_file
  until [ "$(curl --silent http://127.0.0.1:9464/readyz)" = ready ]; do
    if ! is_running; then
      echo "Job for rxchat.service failed; see journalctl -u rxchat" >&2
      exit 1
    fi
  done
}

stop() {
  is_running || return
  kill -TERM "$(cat $pid_file)"
  while is_running; do :; done
}

# Prometheus is ready here when it has asked the relay.
restart_prometheus() {
  prometheus --config.file=/etc/prometheus/prometheus.yml --storage.tsdb.path=/tmp/prometheus \
    --web.listen-address=127.0.0.1:9090 > /var/log/prometheus.log 2>&1 < /dev/null &
  until promtool query instant http://127.0.0.1:9090 rxchat_ready 2> /dev/null | grep -q .; do
    is_running || exit 1
    sleep 0.1
  done
}

while [ "${1#--}" != "$1" ]; do shift; done
if [ "$*" = 'restart prometheus' ]; then
  restart_prometheus
  exit
fi

case "$1" in
  enable) start ;;
  start) start ;;
  stop) stop ;;
  reload)
    (as_service "$(value ExecReload)" > /dev/null)
    ;;
  restart)
    stop
    start
    ;;
  is-enabled) echo enabled ;;
  is-active) is_running ;;
  daemon-reload | show) ;;
  *)
    echo "systemctl $1 is unknown here" >&2
    exit 2
    ;;
esac

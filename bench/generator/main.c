/*
 * Opens subscribers and publishers, says lines, checks that every subscriber got each of them, and prints what that took
 * as one JSON object. bench/bench.mjs builds and runs it; `cc -O3 -o generator *.c` does too.
 *
 *   generator --protocol redis --port 6379 --subscribers 1000 --publishers 10 --pid $(pidof redis-server)
 *
 * Without --rate it is a closed loop: no more than --window lines of a room are under way, in the mean of its subscribers;
 * once half of them have arrived, the same number is said anew. With --rate, lines are said at their times whatever the
 * server does, and a latency counts from when the line was due. With --lines, it is over when so many have arrived.
 *
 * It never sleeps while it measures, so it wants a core for itself. idleShare is the share of the time in which it found
 * nothing to do. Near 0 it was the limit, not the server. With --sleeps 1 it shares the cores with several servers: then
 * idleShare is the share of the time in which it took no core.
 */
#define _GNU_SOURCE
#include "generator.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

/* Until so many are in; how many seconds that took. */
static double join(int count) {
  static int opened, joined;
  double began = now(), last = began;
  while (joined < count && !first_fault) {
    for (; opened < count && opened - joined < options.concurrency; opened++)
      connect_to_server(&connections[opened]);
    int before = joined;
    if (wait_for_sockets(0.1) > 0)
      while (joined < opened && connections[joined].joined) joined++;
    if (joined > before) last = now();
    if (now() - last > options.patience) fault(&connections[joined], "was not let in");
  }
  return now() - began;
}

/* Runs until then; how many seconds of that there was nothing to do. */
static double run_until(double end, int talking) {
  double idle = 0, time = now();
  while (time < end && !first_fault && !(options.lines && talking && all_said())) {
    double wake = end;
    if (talking && options.rate > 0) wake = say_what_is_due(time);
    while (talking && options.rate == 0 && heard_rooms) {
      struct room *room = heard_rooms;
      heard_rooms = room->next_heard;
      room->is_heard = 0;
      refill(room);
    }
    if (wake > end) wake = end;
    int ready = wait_for_sockets(options.sleeps ? wake - time : 0);
    double after = now();
    if (ready == 0) idle += after - time;
    time = after;
  }
  return idle;
}

/* Until nothing came for a while: who joined may have been announced to all. */
static void settle(void) {
  double quiet_since = now(), give_up = quiet_since + options.patience;
  while (!first_fault && now() - quiet_since < options.settle && now() < give_up)
    if (wait_for_sockets(0.001) > 0) quiet_since = now();
}

int main(int count, char **words) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGPIPE, SIG_IGN);
  read_options(count, words);
  payload_prepare();
  prepare();
  errno = 0;

  if (options.protocol == &rxchat) watch_signer();
  double join_began_cpu = server_cpu(), joined = 0;
  /* The memory that a server takes for its first clients is not that of a client. */
  if (options.warm > 0) joined = join(options.warm), settle();
  long memory_before = server_memory(), process_before[PROCESSES], process_joined[PROCESSES];
  for (int at = 0; at < options.pids.count; at++) process_before[at] = process_memory(options.pids.at[at]);
  joined += join(connection_count);
  settle();
  double join_cpu = server_cpu() - join_began_cpu;
  long memory_joined = server_memory();
  for (int at = 0; at < options.pids.count; at++) process_joined[at] = process_memory(options.pids.at[at]);

  if (options.rate == 0 && options.seconds > 0)
    for (int at = 0; at < options.rooms; at++) refill(&rooms[at]);
  schedule.began = now();
  schedule.from = schedule.began + options.warmup;
  schedule.until = schedule.from + options.seconds;
  run_until(schedule.from, options.seconds > 0);
  double cpu = server_cpu(), own = own_cpu(), server_core = core_busy(options.server_core);
  double own_core = core_busy(options.own_core), machine = core_busy(-1), process_used[PROCESSES], from = now();
  for (int at = 0; at < options.pids.count; at++) process_used[at] = process_cpu(options.pids.at[at]);
  uint64_t before = delivered();
  double idle = run_until(schedule.until, options.seconds > 0);
  double seconds = now() - from;
  uint64_t count_delivered = delivered() - before;
  cpu = server_cpu() - cpu;
  for (int at = 0; at < options.pids.count; at++) process_used[at] = process_cpu(options.pids.at[at]) - process_used[at];
  own = own_cpu() - own;
  machine = core_busy(-1) - machine - cpu - own;
  if (options.sleeps) idle = seconds - own;
  server_core = core_busy(options.server_core) - server_core - cpu;
  own_core = core_busy(options.own_core) - own_core - own;
  long memory_after = server_memory();

  for (double give_up = now() + options.patience; !first_fault && !all_arrived() && now() < give_up;)
    run_until(now() + 0.01, 0);
  int arrived = all_arrived();
  /* What is there twice comes after all the rest. */
  if (arrived) run_until(now() + 0.05, 0);
  for (int at = 0; arrived && at < connection_count; at++)
    if (connections[at].subscribes && !has_all(&connections[at])) fault(&connections[at], "missed a line");

  printf("{\"ok\":%s,\"fault\":%s%s%s,\"arrived\":%s,\"totalOrder\":%s,", first_fault || !arrived ? "false" : "true",
         first_fault ? "\"" : "", first_fault ? first_fault : "null", first_fault ? "\"" : "", arrived ? "true" : "false",
         options.protocol->by_frames ? "null" : diverged_count ? "false" : "true");
  printf("\"joinSeconds\":%.4f,\"joinCpu\":%.3f,\"memoryBefore\":%ld,\"memoryJoined\":%ld,\"memoryAfter\":%ld,", joined,
         join_cpu, memory_before, memory_joined, memory_after);
  printf("\"seconds\":%.4f,\"deliveries\":%llu,\"serverCpu\":%.3f,\"idleShare\":%.3f,\"offered\":%.0f,", seconds,
         (unsigned long long)count_delivered, cpu, seconds > 0 ? idle / seconds : 0,
         options.rate * options.subscribers);
  printf("\"processes\":[");
  for (int at = 0; at < options.pids.count; at++)
    printf("%s{\"cpu\":%.3f,\"memoryBefore\":%ld,\"memoryJoined\":%ld}", at ? "," : "", process_used[at],
           process_before[at], process_joined[at]);
  printf("],\"otherOnMachine\":%.3f,", seconds > 0 ? machine / seconds : 0);
  printf("\"otherOnServerCore\":%.3f,\"otherOnOwnCore\":%.3f,", seconds > 0 ? server_core / seconds : 0,
         seconds > 0 ? own_core / seconds : 0);
  printf("\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f}\n", latency_percentile(0.5), latency_percentile(0.99),
         latency_percentile(0.999));
  return 0;
}

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
 * nothing to do. Near 0 it was the limit, not the server.
 */
#define _GNU_SOURCE
#include "generator.h"
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct options options = {.subscribers = 10, .publishers = 10, .rooms = 1, .size = 148, .window = 256,
                          .lines = 0, .concurrency = 100, .server_core = 0, .own_core = 1, .warmup = 0.5, .seconds = 1,
                          .settle = 0.2, .patience = 10};

static struct connection *connections;
static struct publisher *publishers;
static struct room *rooms;
static int connection_count;

void fail(const char *what) {
  fprintf(stderr, "generator: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
  exit(1);
}

struct connection *connection_numbered(int number) {
  if (number < 0 || number >= connection_count) fail("a signature for nobody");
  return &connections[number];
}

static void read_options(int count, char **words) {
  static const struct option known[] = {
      {"protocol", 1, 0, 'x'}, {"port", 1, 0, 'p'},       {"subscribers", 1, 0, 'n'}, {"publishers", 1, 0, 'P'},
      {"rooms", 1, 0, 'R'},    {"size", 1, 0, 's'},       {"window", 1, 0, 'w'},      {"concurrency", 1, 0, 'c'},
      {"pid", 1, 0, 'i'},      {"rate", 1, 0, 'r'},       {"warmup", 1, 0, 'u'},      {"seconds", 1, 0, 'd'},
      {"settle", 1, 0, 'l'},   {"lines", 1, 0, 'L'}, {"patience", 1, 0, 't'},   {"server-core", 1, 0, 'S'}, {"own-core", 1, 0, 'O'},
      {0}};
  for (int letter; (letter = getopt_long(count, words, "", known, NULL)) != -1;) {
    int whole = atoi(optarg ? optarg : "");
    double number = atof(optarg ? optarg : "");
    switch (letter) {
      case 'x': options.protocol = protocol_named(optarg); break;
      case 'p': options.port = whole; break;
      case 'n': options.subscribers = whole; break;
      case 'P': options.publishers = whole; break;
      case 'R': options.rooms = whole; break;
      case 's': options.size = whole; break;
      case 'w': options.window = whole; break;
      case 'c': options.concurrency = whole; break;
      case 'i': options.pid = whole; break;
      case 'r': options.rate = number; break;
      case 'u': options.warmup = number; break;
      case 'd': options.seconds = number; break;
      case 'l': options.settle = number; break;
      case 'L': options.lines = whole; break;
      case 't': options.patience = number; break;
      case 'S': options.server_core = whole; break;
      case 'O': options.own_core = whole; break;
      default: exit(2);
    }
  }
  if (!options.protocol || !options.port) fail("--protocol and --port are needed");
  if (options.size < 128 || options.size > 16000 || options.size % 4) fail("--size from 128 to 16000, in fours");
  if (options.publishers < options.rooms) options.publishers = options.rooms;
}

/* Members are dealt out to the rooms in turn, publishers too. A publisher speaks as a member where a member can speak. */
static void prepare(void) {
  enum { SPEAKERS = 10 };
  int per_room = options.subscribers, members = per_room * options.rooms;
  int speakers = !options.protocol->separate ? 0 : options.publishers < SPEAKERS ? options.publishers : SPEAKERS;
  connection_count = members + speakers;
  connections = calloc((size_t)connection_count, sizeof *connections);
  rooms = calloc((size_t)options.rooms, sizeof *rooms);
  publishers = calloc((size_t)options.publishers, sizeof *publishers);
  uint64_t capacity = (64u << 20) / (unsigned)options.rooms, power = 64u << 10;
  while (power < capacity) power *= 2;
  for (int at = 0; at < options.rooms; at++) {
    struct room *room = &rooms[at];
    room->number = at;
    room->members = calloc((size_t)per_room, sizeof *room->members);
    room->publishers = calloc((size_t)(options.publishers / options.rooms + 1), sizeof *room->publishers);
  }
  for (int at = 0; at < connection_count; at++) {
    struct connection *connection = &connections[at];
    connection->number = at;
    connection->room = &rooms[at % options.rooms];
    connection->subscribes = at < members;
    if (connection->subscribes) connection->room->members[connection->room->subscribers++] = connection;
  }
  for (int at = 0; at < options.publishers; at++) {
    struct publisher *publisher = &publishers[at];
    struct room *room = publisher->room = &rooms[at % options.rooms];
    publisher->number = at;
    publisher->connection = speakers ? &connections[members + at % speakers]
                                     : room->members[room->publisher_count % per_room];
    room->publishers[room->publisher_count++] = publisher;
  }
  for (int at = 0; at < options.rooms; at++) transcript_open(&rooms[at], power);
  for (int at = 0; at < members; at++) member_open(&connections[at]);
}

static void join(void) {
  if (options.protocol == &rxchat) watch_signer();
  double last = now();
  for (int opened = 0, joined = 0; joined < connection_count && !first_fault;) {
    for (; opened < connection_count && opened - joined < options.concurrency; opened++)
      connect_to_server(&connections[opened]);
    int before = joined;
    if (wait_for_sockets(100) > 0)
      while (joined < opened && connections[joined].joined) joined++;
    if (joined > before) last = now();
    if (now() - last > options.patience) fault(&connections[joined], "was not let in");
  }
}

static void say(struct publisher *publisher) {
  static char payload[16384];
  payload_write(payload, (uint32_t)publisher->number, publisher->next++);
  options.protocol->publish(publisher->connection, publisher->room, payload, (size_t)options.size);
  publisher->room->sent++;
}

/* Each publisher says its share in one go. */
static void refill(struct room *room) {
  uint64_t members = (uint64_t)room->subscribers, window = (uint64_t)options.window;
  uint64_t under_way = (room->sent * members - room->delivered + members - 1) / members;
  if (under_way + (window + 1) / 2 > window) return;
  uint64_t free_lines = window - under_way, wanted = (uint64_t)options.lines - room->sent;
  if (options.lines && free_lines > wanted) free_lines = wanted;
  for (int at = 0; at < room->publisher_count; at++) {
    struct publisher *publisher = room->publishers[at];
    uint64_t share = free_lines / (uint64_t)(room->publisher_count - at);
    free_lines -= share;
    for (; share > 0; share--) say(publisher);
    if (publisher->connection->out_length > 0) flush(publisher->connection);
  }
}

static void say_what_is_due(double time) {
  static uint64_t said;
  uint64_t due = (uint64_t)((time - schedule.began) * options.rate);
  for (; said < due; said++) {
    struct publisher *publisher = &publishers[said % (uint64_t)options.publishers];
    say(publisher);
    flush(publisher->connection);
  }
}

static uint64_t delivered(void) {
  uint64_t total = 0;
  for (int at = 0; at < options.rooms; at++) total += rooms[at].delivered;
  return total;
}

static int all_arrived(void) {
  uint64_t sent = 0;
  for (int at = 0; at < options.rooms; at++) sent += rooms[at].sent * (uint64_t)rooms[at].subscribers;
  return delivered() >= sent;
}

/* In each room as many lines as --lines wants, and they are there. */
static int all_said(void) {
  for (int at = 0; at < options.rooms; at++)
    if (rooms[at].sent < (uint64_t)options.lines) return 0;
  return all_arrived();
}

/* Runs until then; how many seconds of that there was nothing to do. */
static double run_until(double end, int talking) {
  double idle = 0, time = now();
  while (time < end && !first_fault && !(options.lines && talking && all_said())) {
    if (talking && options.rate > 0) say_what_is_due(time);
    while (talking && options.rate == 0 && heard_rooms) {
      struct room *room = heard_rooms;
      heard_rooms = room->next_heard;
      room->is_heard = 0;
      refill(room);
    }
    int ready = wait_for_sockets(0);
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
    if (wait_for_sockets(1) > 0) quiet_since = now();
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

  double began = now(), join_began_cpu = server_cpu();
  long memory_before = server_memory();
  join();
  double joined = now() - began;
  settle();
  double join_cpu = server_cpu() - join_began_cpu;
  long memory_joined = server_memory();

  if (options.rate == 0 && options.seconds > 0)
    for (int at = 0; at < options.rooms; at++) refill(&rooms[at]);
  schedule.began = now();
  schedule.from = schedule.began + options.warmup;
  schedule.until = schedule.from + options.seconds;
  run_until(schedule.from, options.seconds > 0);
  double cpu = server_cpu(), own = own_cpu(), server_core = core_busy(options.server_core);
  double own_core = core_busy(options.own_core), from = now();
  uint64_t before = delivered();
  double idle = run_until(schedule.until, options.seconds > 0);
  double seconds = now() - from;
  uint64_t count_delivered = delivered() - before;
  cpu = server_cpu() - cpu;
  own = own_cpu() - own;
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
  printf("\"seconds\":%.4f,\"deliveries\":%llu,\"serverCpu\":%.3f,\"idleShare\":%.3f,", seconds,
         (unsigned long long)count_delivered, cpu, seconds > 0 ? idle / seconds : 0);
  printf("\"otherOnServerCore\":%.3f,\"otherOnOwnCore\":%.3f,", seconds > 0 ? server_core / seconds : 0,
         seconds > 0 ? own_core / seconds : 0);
  printf("\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f}\n", latency_percentile(0.5), latency_percentile(0.99),
         latency_percentile(0.999));
  return 0;
}

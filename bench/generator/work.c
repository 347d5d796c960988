/* Who is there, and what they say. */
#include "generator.h"
#include <stdlib.h>

struct connection *connections;
struct publisher *publishers;
struct room *rooms;
int connection_count;

struct connection *connection_numbered(int number) {
  if (number < 0 || number >= connection_count) fail("a signature for nobody");
  return &connections[number];
}

/* Members are dealt out to the rooms in turn, publishers too. A publisher speaks as a member where a member can speak. */
void prepare(void) {
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

static void say(struct publisher *publisher) {
  static char payload[16384];
  payload_write(payload, (uint32_t)publisher->number, publisher->next++);
  options.protocol->publish(publisher->connection, publisher->room, payload, (size_t)options.size);
  publisher->room->sent++;
}

/* Each publisher says its share in one go. */
void refill(struct room *room) {
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

double say_what_is_due(double time) {
  static uint64_t said;
  uint64_t due = (uint64_t)((time - schedule.began) * options.rate) + 1; /* the first line at the beginning */
  for (; said < due; said++) {
    struct publisher *publisher = &publishers[said % (uint64_t)options.publishers];
    say(publisher);
    flush(publisher->connection);
  }
  return schedule.began + (double)said / options.rate;
}

uint64_t delivered(void) {
  uint64_t total = 0;
  for (int at = 0; at < options.rooms; at++) total += rooms[at].delivered;
  return total;
}

int all_arrived(void) {
  uint64_t sent = 0;
  for (int at = 0; at < options.rooms; at++) sent += rooms[at].sent * (uint64_t)rooms[at].subscribers;
  return delivered() >= sent;
}

/* In each room as many lines as --lines wants, and they are there. */
int all_said(void) {
  for (int at = 0; at < options.rooms; at++)
    if (rooms[at].sent < (uint64_t)options.lines) return 0;
  return all_arrived();
}

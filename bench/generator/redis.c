/* Redis: publish and subscribe, and streams. Who subscribes may say nothing else, so others publish. */
#define _GNU_SOURCE
#include "generator.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The length of a whole value of RESP, 0 where it is not all here. */
static size_t value_length(const char *at, size_t length) {
  size_t used = line_length(at, length);
  if (used == 0 || (at[0] != '$' && at[0] != '*')) return used;
  long count = strtol(at + 1, NULL, 10);
  if (at[0] == '$') {
    if (count >= 0) used += (size_t)count + 2;
    return used <= length ? used : 0;
  }
  for (; count > 0; count--) {
    size_t next = value_length(at + used, length - used);
    if (next == 0) return 0;
    used += next;
  }
  return used;
}

static void is_error(struct connection *connection, const char *at, size_t length) {
  static char said[100];
  snprintf(said, sizeof said, "was told %.*s", (int)length - 2, at);
  if (at[0] == '-') fault(connection, said);
}

static void open_redis(struct connection *connection) {
  if (connection->subscribes) queue_text(connection, "SUBSCRIBE room%d\r\n", connection->room->number);
  else queue_text(connection, "PING\r\n");
}

static size_t frame_redis(struct connection *connection, const char *at, size_t length, struct frame *frame) {
  size_t whole = value_length(at, length);
  if (whole == 0) return 0;
  if (whole > 13 && memcmp(at, "*3\r\n$7\r\nmessage", 15) == 0) {
    size_t payload = (size_t)options.size;
    if (whole > payload + 2) *frame = (struct frame){at + whole - payload - 2, payload};
  } else {
    connection->joined = 1;
    is_error(connection, at, whole);
  }
  return whole;
}

static void publish_redis(struct connection *connection, const struct room *room, const char *payload, size_t length) {
  char name[24];
  int name_length = snprintf(name, sizeof name, "room%d", room->number);
  queue_text(connection, "*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%zu\r\n", name_length, name, length);
  queue(connection, payload, length);
  queue(connection, "\r\n", 2);
}

const struct protocol redis = {
    .name = "redis", .separate = 1, .open = open_redis, .frame = frame_redis, .publish = publish_redis};

/*
 * A stream is read by asking again and again for what is behind the last id. The head of an answer says how many entries
 * follow it; `waiting` counts them down.
 */

static void ask_for_more(struct connection *connection) {
  queue_text(connection, "XREAD COUNT 1000 BLOCK 0 STREAMS room%d %s\r\n", connection->room->number, connection->last);
}

static void open_streams(struct connection *connection) {
  if (!connection->subscribes) return queue_text(connection, "PING\r\n");
  /* PING is answered first, so that it is known when the reading has begun. */
  strcpy(connection->last, "0");
  queue_text(connection, "PING\r\n");
  ask_for_more(connection);
}

static size_t frame_streams(struct connection *connection, const char *at, size_t length, struct frame *frame) {
  if (!connection->subscribes || at[0] != '*') {
    size_t whole = value_length(at, length);
    if (whole > 0) is_error(connection, at, whole), connection->joined = 1;
    return whole;
  }
  if (connection->waiting == 0) { /* *1, *2, the stream's name, *COUNT */
    size_t used = line_length(at, length), more = 0;
    if (used > 0 && (more = line_length(at + used, length - used)) > 0) used += more;
    if (more > 0 && (more = value_length(at + used, length - used)) > 0) used += more;
    if (more > 0 && (more = line_length(at + used, length - used)) > 0) {
      connection->waiting = (uint32_t)strtoul(at + used + 1, NULL, 10);
      return used + more;
    }
    return 0;
  }
  size_t whole = value_length(at, length), payload = (size_t)options.size;
  if (whole == 0) return 0;
  const char *id = at + line_length(at, length);
  id += line_length(id, whole);
  if (whole > payload + 2) *frame = (struct frame){at + whole - payload - 2, payload};
  if (--connection->waiting == 0) {
    size_t id_length = line_length(id, whole) - 2;
    if (id_length >= sizeof connection->last) return fault(connection, "got an id that is too long"), whole;
    memcpy(connection->last, id, id_length);
    connection->last[id_length] = 0;
    ask_for_more(connection);
  }
  return whole;
}

static void publish_streams(struct connection *connection, const struct room *room, const char *payload,
                            size_t length) {
  char name[24];
  int name_length = snprintf(name, sizeof name, "room%d", room->number);
  queue_text(connection, "*5\r\n$4\r\nXADD\r\n$%d\r\n%s\r\n$1\r\n*\r\n$1\r\nm\r\n$%zu\r\n", name_length, name, length);
  queue(connection, payload, length);
  queue(connection, "\r\n", 2);
}

const struct protocol redis_streams = {.name = "redis-streams",
                                       .separate = 1,
                                       .by_frames = 1,
                                       .open = open_streams,
                                       .frame = frame_streams,
                                       .publish = publish_streams};

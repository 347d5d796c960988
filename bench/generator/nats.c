/* NATS. In its durable form each subscriber has a consumer of its own, which hands on what is stored. */
#define _GNU_SOURCE
#include "generator.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void open_nats(struct connection *connection) {
  queue_text(connection, "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":false}\r\n");
  if (connection->subscribes) queue_text(connection, "SUB room%d 1\r\n", connection->room->number);
  queue_text(connection, "PING\r\n");
}

static size_t frame_nats(struct connection *connection, const char *at, size_t length, struct frame *frame) {
  size_t line = line_length(at, length);
  if (line == 0) return 0;
  if (begins(at, line, "MSG ")) {
    const char *size = memrchr(at, ' ', line);
    size_t payload = strtoul(size + 1, NULL, 10), whole = line + payload + 2;
    if (length < whole) return 0;
    if (!begins(at, line, "MSG reply")) *frame = (struct frame){at + line, payload};
    else if (memmem(at + line, payload, "\"error\"", 7)) fault(connection, "was refused a consumer");
    else connection->joined = 1;
    return whole;
  }
  if (begins(at, line, "PING")) queue_text(connection, "PONG\r\n");
  if (begins(at, line, "PONG") && !(options.protocol == &jetstream && connection->subscribes)) connection->joined = 1;
  if (begins(at, line, "-ERR")) fault(connection, "was told -ERR");
  return line;
}

static void publish_nats(struct connection *connection, const struct room *room, const char *payload, size_t length) {
  queue_text(connection, "PUB room%d %zu\r\n", room->number, length);
  queue(connection, payload, length);
  queue(connection, "\r\n", 2);
}

const struct protocol nats = {.name = "nats", .open = open_nats, .frame = frame_nats, .publish = publish_nats};

static void open_jetstream(struct connection *connection) {
  char request[256];
  int number = connection->number;
  queue_text(connection, "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":false}\r\n");
  if (connection->subscribes) {
    int length = snprintf(request, sizeof request,
                          "{\"stream_name\":\"rooms\",\"config\":{\"deliver_subject\":\"to%d\",\"deliver_policy\":\"new\","
                          "\"ack_policy\":\"none\",\"filter_subject\":\"room%d\",\"mem_storage\":true}}",
                          number, connection->room->number);
    queue_text(connection, "SUB to%d 1\r\nSUB reply%d 2\r\n", number, number);
    queue_text(connection, "PUB $JS.API.CONSUMER.CREATE.rooms reply%d %d\r\n%s\r\n", number, length, request);
  }
  queue_text(connection, "PING\r\n");
}

const struct protocol jetstream = {
    .name = "jetstream", .by_frames = 1, .open = open_jetstream, .frame = frame_nats, .publish = publish_nats};

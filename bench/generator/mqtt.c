/* MQTT 3.1.1, at most once. */
#define _GNU_SOURCE
#include "generator.h"
#include <stdio.h>

static void open_mqtt(struct connection *connection) {
  char id[24], topic[24];
  int id_length = snprintf(id, sizeof id, "c%d", connection->number);
  int topic_length = snprintf(topic, sizeof topic, "room%d", connection->room->number);
  char connect[] = {0x10, (char)(12 + id_length), 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, (char)id_length};
  char subscribe[] = {(char)0x82, (char)(5 + topic_length), 0, 1, 0, (char)topic_length};
  queue(connection, connect, sizeof connect);
  queue(connection, id, (size_t)id_length);
  queue(connection, subscribe, sizeof subscribe);
  queue(connection, topic, (size_t)topic_length);
  queue(connection, "\0", 1);
}

static size_t frame_mqtt(struct connection *connection, const char *at, size_t length, struct frame *frame) {
  size_t body = 0, header = 1;
  for (unsigned shift = 0;; shift += 7) {
    if (header >= length) return 0;
    unsigned char byte = (unsigned char)at[header++];
    body |= (size_t)(byte & 127) << shift;
    if (byte < 128) break;
  }
  if (length < header + body) return 0;
  int type = (unsigned char)at[0] >> 4;
  if (type == 9) connection->joined = 1;
  if (type == 3 && body > 2) {
    size_t topic = (size_t)(unsigned char)at[header] << 8 | (unsigned char)at[header + 1];
    *frame = (struct frame){at + header + 2 + topic, body - 2 - topic};
  }
  return header + body;
}

static void publish_mqtt(struct connection *connection, const struct room *room, const char *payload, size_t length) {
  char topic[24];
  size_t name = (size_t)snprintf(topic, sizeof topic, "room%d", room->number), body = 2 + name + length;
  char header[] = {0x30, (char)((body & 127) | 128), (char)(body >> 7), 0, (char)name};
  if (body >= 128 * 128) fail("too long a line for this generator's MQTT");
  queue(connection, header, sizeof header);
  queue(connection, topic, name);
  queue(connection, payload, length);
}

const struct protocol mqtt = {.name = "mqtt", .open = open_mqtt, .frame = frame_mqtt, .publish = publish_mqtt};

/* The protocols, as far as publishing and subscribing go. What is said is opaque to all of them. */
#define _GNU_SOURCE
#include "generator.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t line_length(const char *at, size_t length) {
  const char *end = memchr(at, '\n', length);
  return end ? (size_t)(end - at) + 1 : 0;
}

static int begins(const char *at, size_t length, const char *with) {
  return length >= strlen(with) && memcmp(at, with, strlen(with)) == 0;
}

/* Lines, one a message, for the relays of this bench. The first one says which room; the relay answers WELCOME. */

static void open_lines(struct connection *connection) {
  queue_text(connection, "JOIN %d\n", connection->room->number);
}

static size_t frame_line(struct connection *connection, const char *at, size_t length, struct frame *frame) {
  size_t whole = line_length(at, length);
  if (whole == 0) return 0;
  if (at[0] == 'g') *frame = (struct frame){at, whole - 1};
  if (begins(at, whole, "WELCOME")) connection->joined = 1;
  return whole;
}

static void publish_line(struct connection *connection, const struct room *room, const char *payload, size_t length) {
  (void)room;
  queue(connection, payload, length);
  queue(connection, "\n", 1);
}

const struct protocol lines = {.name = "lines", .open = open_lines, .frame = frame_line, .publish = publish_line};

/* rxchat/1. Whoever holds the other end of the pipe makes the client's NICK line out of the relay's nonce. */

static void open_rxchat(struct connection *connection) { (void)connection; }

static size_t frame_rxchat(struct connection *connection, const char *at, size_t length, struct frame *frame) {
  size_t whole = frame_line(connection, at, length, frame);
  if (whole == 0 || frame->payload) return whole;
  if (begins(at, whole, "NICK rxchat/1 ")) {
    char nonce[44] = "";
    const char *field = memmem(at, whole, " nonce=", 7);
    if (field && (size_t)(at + whole - field) > 50) memcpy(nonce, field + 7, 43);
    ask_signature(connection, nonce);
  } else if (begins(at, whole, "PING ")) {
    queue_text(connection, "PONG %.*s", (int)whole - 5, at + 5);
  } else if (begins(at, whole, "ERR ") || begins(at, whole, "BYE") || begins(at, whole, "GAP ")) {
    static char said[100];
    snprintf(said, sizeof said, "was told %.*s", (int)whole - 1, at);
    fault(connection, said);
  }
  return whole;
}

const struct protocol rxchat = {
    .name = "rxchat", .open = open_rxchat, .frame = frame_rxchat, .publish = publish_line};

/* NATS. In its durable form each subscriber has a consumer of its own, which hands on what is stored. */

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

/* MQTT 3.1.1, at most once. */

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

/* IRC. A server does not send to who said it, so others say it. */

static void open_irc(struct connection *connection) {
  queue_text(connection, "NICK n%d\r\nUSER n 0 * :n\r\n", connection->number);
}

static size_t frame_irc(struct connection *connection, const char *at, size_t length, struct frame *frame) {
  size_t line = line_length(at, length);
  if (line == 0) return 0;
  if (begins(at, line, "PING ")) queue_text(connection, "PONG %.*s", (int)line - 5, at + 5);
  const char *word = memchr(at, ' ', line);
  if (!word || at[0] != ':') return line;
  word++;
  if (begins(word, (size_t)(at + line - word), "PRIVMSG ")) {
    const char *text = memmem(word, (size_t)(at + line - word), " :", 2);
    if (text) *frame = (struct frame){text + 2, (size_t)(at + line - text) - 4};
  } else if (memcmp(word, "001 ", 4) == 0) {
    if (connection->subscribes) queue_text(connection, "JOIN #room%d\r\n", connection->room->number);
    else connection->joined = 1;
  } else if (memcmp(word, "366 ", 4) == 0) {
    connection->joined = 1;
  } else if (word[0] == '4' && word[3] == ' ' && memcmp(word, "422", 3) != 0) {
    fault(connection, "was refused by the IRC server");
  }
  return line;
}

static void publish_irc(struct connection *connection, const struct room *room, const char *payload, size_t length) {
  queue_text(connection, "PRIVMSG #room%d :", room->number);
  queue(connection, payload, length);
  queue(connection, "\r\n", 2);
}

const struct protocol irc = {
    .name = "irc", .separate = 1, .open = open_irc, .frame = frame_irc, .publish = publish_irc};

/* WebSocket: frames of a client are masked, here with zeros. */

static void open_websocket(struct connection *connection) {
  queue_text(connection, "GET /%d HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n", connection->room->number);
}

static size_t frame_websocket(struct connection *connection, const char *at, size_t length, struct frame *frame) {
  if (!connection->joined) {
    const char *end = memmem(at, length, "\r\n\r\n", 4);
    if (!end) return 0;
    if (!begins(at, length, "HTTP/1.1 101")) fault(connection, "was refused an upgrade");
    connection->joined = 1;
    return (size_t)(end - at) + 4;
  }
  if (length < 4) return 0;
  size_t header = 2, body = (unsigned char)at[1] & 127;
  if (body == 126) header = 4, body = (size_t)(unsigned char)at[2] << 8 | (unsigned char)at[3];
  if (length < header + body) return 0;
  if ((at[0] & 15) <= 2) *frame = (struct frame){at + header, body};
  return header + body;
}

static void publish_websocket(struct connection *connection, const struct room *room, const char *payload,
                              size_t length) {
  (void)room;
  char header[] = {(char)0x82, (char)(128 | 126), (char)(length >> 8), (char)length, 0, 0, 0, 0};
  queue(connection, header, sizeof header);
  queue(connection, payload, length);
}

const struct protocol websocket = {
    .name = "websocket", .open = open_websocket, .frame = frame_websocket, .publish = publish_websocket};

const struct protocol *protocol_named(const char *name) {
  static const struct protocol *const known[] = {&lines, &rxchat, &redis, &redis_streams, &nats,
                                                 &jetstream, &mqtt, &irc, &websocket};
  for (size_t at = 0; at < sizeof known / sizeof *known; at++)
    if (strcmp(known[at]->name, name) == 0) return known[at];
  return NULL;
}

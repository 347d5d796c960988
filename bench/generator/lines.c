/* Lines: those of the relays of this bench, and those of rxchat/1. What is said is opaque. */
#define _GNU_SOURCE
#include "generator.h"
#include <stdio.h>
#include <string.h>

size_t line_length(const char *at, size_t length) {
  const char *end = memchr(at, '\n', length);
  return end ? (size_t)(end - at) + 1 : 0;
}

int begins(const char *at, size_t length, const char *with) {
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

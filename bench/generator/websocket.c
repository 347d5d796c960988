/* WebSocket: frames of a client are masked, here with zeros. */
#define _GNU_SOURCE
#include "generator.h"
#include <string.h>

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

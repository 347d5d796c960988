/* IRC. A server does not send to who said it, so others say it. */
#define _GNU_SOURCE
#include "generator.h"
#include <string.h>

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

#include "generator.h"
#include <string.h>

const struct protocol *protocol_named(const char *name) {
  static const struct protocol *const known[] = {&lines, &rxchat, &redis, &redis_streams, &nats,
                                                 &jetstream, &mqtt, &irc, &websocket};
  for (size_t at = 0; at < sizeof known / sizeof *known; at++)
    if (strcmp(known[at]->name, name) == 0) return known[at];
  return NULL;
}

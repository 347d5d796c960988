#include "generator.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options options = {.subscribers = 10, .publishers = 10, .rooms = 1, .size = 148, .window = 256,
                          .lines = 0, .concurrency = 100, .server_core = 0, .own_core = 1, .warmup = 0.5, .seconds = 1,
                          .settle = 0.2, .patience = 10};

void fail(const char *what) {
  fprintf(stderr, "generator: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
  exit(1);
}

static struct numbers numbers_of(char *text) {
  struct numbers numbers = {0};
  for (char *word = strtok(text, ","); word && numbers.count < PROCESSES; word = strtok(NULL, ","))
    numbers.at[numbers.count++] = atoi(word);
  return numbers;
}

void read_options(int count, char **words) {
  static const struct option known[] = {
      {"protocol", 1, 0, 'x'}, {"port", 1, 0, 'p'},       {"subscribers", 1, 0, 'n'}, {"publishers", 1, 0, 'P'},
      {"rooms", 1, 0, 'R'},    {"size", 1, 0, 's'},       {"window", 1, 0, 'w'},      {"concurrency", 1, 0, 'c'},
      {"pid", 1, 0, 'i'},      {"rate", 1, 0, 'r'}, {"sleeps", 1, 0, 'z'}, {"warm", 1, 0, 'W'},       {"warmup", 1, 0, 'u'},      {"seconds", 1, 0, 'd'},
      {"settle", 1, 0, 'l'},   {"lines", 1, 0, 'L'}, {"patience", 1, 0, 't'},   {"server-core", 1, 0, 'S'}, {"own-core", 1, 0, 'O'},
      {0}};
  for (int letter; (letter = getopt_long(count, words, "", known, NULL)) != -1;) {
    int whole = atoi(optarg ? optarg : "");
    double number = atof(optarg ? optarg : "");
    switch (letter) {
      case 'x': options.protocol = protocol_named(optarg); break;
      case 'p': options.ports = numbers_of(optarg); break;
      case 'n': options.subscribers = whole; break;
      case 'P': options.publishers = whole; break;
      case 'R': options.rooms = whole; break;
      case 's': options.size = whole; break;
      case 'w': options.window = whole; break;
      case 'c': options.concurrency = whole; break;
      case 'i': options.pids = numbers_of(optarg); break;
      case 'r': options.rate = number; break;
      case 'W': options.warm = whole; break;
      case 'z': options.sleeps = whole; break;
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
  if (!options.protocol || options.ports.count == 0) fail("--protocol and --port are needed");
  if (options.size < 128 || options.size > 16000 || options.size % 4) fail("--size from 128 to 16000, in fours");
  if (options.publishers < options.rooms) options.publishers = options.rooms;
}

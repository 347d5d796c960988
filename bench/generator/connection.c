/* Sockets: what is said into them, what comes out of them; and the pipe to whoever signs joins. */
#define _GNU_SOURCE
#include "generator.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ = 256 * 1024, EVENTS = 1024, SIGNER = 3 };
static int poll_set = -1;
static char incoming[2 * READ];
static struct connection signer = {.fd = SIGNER};

static void watch(int operation, struct connection *connection, uint32_t events) {
  if (poll_set < 0) poll_set = epoll_create1(0);
  struct epoll_event event = {.events = events, .data.ptr = connection};
  if (epoll_ctl(poll_set, operation, connection->fd, &event)) fail("epoll_ctl");
}

static void *grown(void *bytes, size_t *capacity, size_t wanted) {
  if (wanted <= *capacity) return bytes;
  *capacity = wanted < 256 ? 256 : 2 * wanted;
  if (!(bytes = realloc(bytes, *capacity))) fail("no memory");
  return bytes;
}

void queue(struct connection *connection, const void *bytes, size_t length) {
  connection->out = grown(connection->out, &connection->out_capacity, connection->out_length + length);
  memcpy(connection->out + connection->out_length, bytes, length);
  connection->out_length += length;
}

void queue_text(struct connection *connection, const char *format, ...) {
  char text[1024];
  va_list values;
  va_start(values, format);
  int length = vsnprintf(text, sizeof text, format, values);
  va_end(values);
  queue(connection, text, (size_t)length);
}

void flush(struct connection *connection) {
  while (connection->out_sent < connection->out_length) {
    ssize_t sent = write(connection->fd, connection->out + connection->out_sent,
                         connection->out_length - connection->out_sent);
    if (sent < 0 && errno == EAGAIN) break;
    if (sent < 0) return fault(connection, "the server closed the connection");
    connection->out_sent += (size_t)sent;
  }
  int more = connection->out_sent < connection->out_length;
  if (!more) connection->out_sent = connection->out_length = 0;
  if (more == connection->wants_write) return;
  connection->wants_write = (uint8_t)more;
  watch(EPOLL_CTL_MOD, connection, EPOLLIN | (more ? EPOLLOUT : 0));
}

void connect_to_server(struct connection *connection) {
  int turn = connection->number / options.rooms + connection->room->number;
  int port = options.ports.at[turn % options.ports.count];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int one = 1;
  connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection->fd < 0) fail("no more sockets: ulimit -n");
  if (connect(connection->fd, (void *)&address, sizeof address)) fail("cannot connect");
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(connection->fd, F_SETFL, O_NONBLOCK);
  watch(EPOLL_CTL_ADD, connection, EPOLLIN);
  options.protocol->open(connection);
  flush(connection);
}

/* What the last read left over is put before what comes now, so that frames are contiguous. */
static size_t receive_into(struct connection *connection, size_t (*take)(struct connection *, const char *, size_t)) {
  memcpy(incoming, connection->rest, connection->rest_length);
  ssize_t got = read(connection->fd, incoming + connection->rest_length, READ);
  if (got < 0 && errno == EAGAIN) return 0;
  if (got <= 0) {
    fault(connection, "the server closed the connection");
    return 0;
  }
  size_t length = connection->rest_length + (size_t)got;
  size_t used = take(connection, incoming, length);
  connection->rest_length = length - used;
  if (connection->rest_length > READ) fail("a frame without an end");
  connection->rest = grown(connection->rest, &connection->rest_capacity, connection->rest_length);
  memcpy(connection->rest, incoming + used, connection->rest_length);
  if (connection->out_length > 0) flush(connection);
  return (size_t)got;
}

void ask_signature(struct connection *connection, const char *nonce) {
  queue_text(&signer, "%d %d %s\n", connection->number, connection->room->number, nonce);
  flush(&signer);
}

static size_t take_signatures(struct connection *from, const char *at, size_t length) {
  size_t used = 0, next;
  (void)from;
  while ((next = line_length(at + used, length - used)) > 0) {
    char *hello;
    struct connection *connection = connection_numbered((int)strtol(at + used, &hello, 10));
    queue(connection, hello + 1, (size_t)(at + used + next - hello - 1));
    flush(connection);
    used += next;
  }
  return used;
}

void watch_signer(void) {
  fcntl(SIGNER, F_SETFL, O_NONBLOCK);
  watch(EPOLL_CTL_ADD, &signer, EPOLLIN);
}

/* Handles what is ready; how many sockets were. */
int wait_for_sockets(double seconds) {
  static struct epoll_event events[EVENTS];
  struct timespec wait = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
  int count = seconds > 0 ? epoll_pwait2(poll_set, events, EVENTS, &wait, NULL) : epoll_wait(poll_set, events, EVENTS, 0);
  for (int at = 0; at < count && !first_fault; at++) {
    struct connection *connection = events[at].data.ptr;
    if (events[at].events & EPOLLOUT) flush(connection);
    if (events[at].events & ~(uint32_t)EPOLLOUT)
      receive_into(connection, connection == &signer ? take_signatures : verify);
  }
  return count;
}

/*
 * What rxchat's relay does for a room, in C and nothing else: what the machine allows this design. No identities, no
 * history, no limits. A room is a ring of bytes, a member a place in it. What came in one turn of the loop goes out at its
 * end, with one system call for each member. A line before all others says which room: JOIN number.
 *
 *   cc -O3 -o relay relay.c && ./relay PORT [KIB A ROOM]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOMS = 4096, FILES = 65536, CHUNK = 64 * 1024, SLICE = 256 * 1024, TURNS = 4 };

struct member {
  int fd, place, writable;
  struct room *room;
  uint64_t cursor;
  char *rest; /* of a line that is not all here */
  size_t rest_length;
};

struct room {
  char *bytes; /* mapped twice in a row */
  uint64_t head;
  int count, capacity, waiting;
  struct member **members;
};

static struct room rooms[ROOMS], *spoken[ROOMS];
static struct member *member_of[FILES];
static uint64_t ring = 4 << 20;
static int spoken_count;

static void leave(struct member *member) {
  struct room *room = member->room;
  if (room) {
    room->members[member->place] = room->members[--room->count];
    room->members[member->place]->place = member->place;
  }
  member_of[member->fd] = NULL;
  close(member->fd);
  free(member->rest);
  free(member);
}

static void open_ring(struct room *room) {
  int file = memfd_create("room", 0);
  room->bytes = mmap(NULL, 2 * ring, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (file < 0 || ftruncate(file, (off_t)ring) || room->bytes == MAP_FAILED) exit(1);
  for (uint64_t half = 0; half < 2; half++)
    mmap(room->bytes + half * ring, ring, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
  close(file);
}

/* Whether the member is still there. */
static int join(struct member *member) {
  char line[64] = "";
  ssize_t length = recv(member->fd, line, sizeof line - 1, MSG_PEEK);
  char *end = length > 0 ? memchr(line, '\n', (size_t)length) : NULL;
  unsigned number = ROOMS;
  if (!end) return length < 0 && errno == EAGAIN ? 1 : (leave(member), 0);
  sscanf(line, "JOIN %u", &number);
  if (number >= ROOMS || recv(member->fd, line, (size_t)(end - line) + 1, 0) < 0) return leave(member), 0;
  struct room *room = member->room = &rooms[number];
  if (!room->bytes) open_ring(room);
  if (room->count == room->capacity) {
    room->capacity = room->capacity ? 2 * room->capacity : 16;
    room->members = realloc(room->members, (size_t)room->capacity * sizeof(struct member *));
  }
  member->cursor = room->head;
  member->place = room->count;
  room->members[room->count++] = member;
  if (send(member->fd, "WELCOME\n", 8, MSG_NOSIGNAL) != 8) return leave(member), 0;
  return 1;
}

/* Reads straight into the ring, behind what is there; only whole lines count. 0: nothing more for now. */
static int hear(struct member *member) {
  struct room *room = member->room;
  char *at = room->bytes + room->head % ring;
  memcpy(at, member->rest, member->rest_length);
  ssize_t got = recv(member->fd, at + member->rest_length, CHUNK, 0);
  if (got <= 0) return got < 0 && errno == EAGAIN ? 0 : (leave(member), 0);
  size_t length = member->rest_length + (size_t)got;
  char *end = memrchr(at, '\n', length);
  size_t whole = end ? (size_t)(end - at) + 1 : 0;
  member->rest_length = length - whole;
  if (member->rest_length > CHUNK) return leave(member), 0;
  member->rest = realloc(member->rest, member->rest_length + 1);
  memcpy(member->rest, at + whole, member->rest_length);
  room->head += whole;
  if (whole && !room->waiting) {
    room->waiting = 1;
    spoken[spoken_count++] = room;
  }
  return 1;
}

/* Whether the member is still there. */
static int tell(struct member *member) {
  struct room *room = member->room;
  while (member->writable && member->cursor < room->head) {
    uint64_t length = room->head - member->cursor;
    if (length > ring - 2 * CHUNK) return leave(member), 0;
    ssize_t sent = send(member->fd, room->bytes + member->cursor % ring, length < SLICE ? length : SLICE, MSG_NOSIGNAL);
    if (sent >= 0) member->cursor += (uint64_t)sent;
    else if (errno == EAGAIN) member->writable = 0;
    else return leave(member), 0;
  }
  return 1;
}

static void admit(int listening, int poll) {
  int one = 1;
  for (int fd; (fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
    struct member *member = member_of[fd] = calloc(1, sizeof *member);
    member->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &(struct epoll_event){EPOLLIN | EPOLLOUT | EPOLLET, {.fd = fd}});
  }
}

static void serve(int fd, uint32_t events) {
  struct member *member = member_of[fd];
  if (!member) return;
  int again = events & EPOLLOUT && !member->writable;
  if (again) member->writable = 1;
  if (events & ~(uint32_t)EPOLLOUT && !member->room && !join(member)) return;
  if (member->room && events & ~(uint32_t)EPOLLOUT) while (hear(member)) {}
  if (again && member_of[fd] && member->room) tell(member);
}

int main(int count, char **words) {
  static struct epoll_event events[1024];
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (count > 2) ring = strtoull(words[2], NULL, 10) * 1024;

  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(count > 1 ? words[1] : "0"))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int one = 1, listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poll = epoll_create1(0);
  setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listening, (void *)&address, sizeof address) || listen(listening, 4096)) return perror("relay"), 1;
  epoll_ctl(poll, EPOLL_CTL_ADD, listening, &(struct epoll_event){EPOLLIN, {.fd = listening}});

  for (int turns = 0;;) {
    int ready = epoll_wait(poll, events, 1024, spoken_count > 0 ? 0 : -1);
    for (int at = 0; at < ready; at++) {
      if (events[at].data.fd == listening) admit(listening, poll);
      else serve(events[at].data.fd, events[at].events);
    }
    /* While more is coming, a few more turns make the batch larger. */
    if (ready > 0 && ++turns < TURNS && spoken_count > 0) continue;
    turns = 0;
    for (int at = 0; at < spoken_count; at++) {
      struct room *room = spoken[at];
      for (int place = room->count - 1; place >= 0; place--) tell(room->members[place]);
      room->waiting = 0;
    }
    spoken_count = 0;
  }
}

/* A model runtime for the benchmark: one thread, epoll, HTTP/1.1 with keep-alive.

   stub BURST_PORT PACED_PORT

   A request whose body has "stream":true gets 103 server-sent events (100 tokens, the finish, the usage, [DONE]),
   each in a write of its own: without a pause on the first port, one every 10 ms on the second. Any other request
   gets one JSON object. Prints "ready" when both ports listen. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 103
#define TOKENS 100
#define PAUSE_NS 10000000LL
#define MOST 4096

typedef struct {
    int used, paced, next; /* next: number of the event that is written next, -1 between streams */
    long long due;
    char *in;
    size_t held, room;
} Connection;

static Connection connections[MOST];
static char *events[EVENTS];
static size_t sizes[EVENTS];
static int streaming;

static const char ANSWER[] =
    "{\"id\":\"chatcmpl-0\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"stub\",\"choices\":"
    "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Kia ora. This is the answer of the stub.\"},"
    "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":17,\"completion_tokens\":10,\"total_tokens\":27}}";
static const char STREAM_HEAD[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void write_all(int fd, const char *data, size_t size) {
    while (size) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd p = {fd, POLLOUT, 0};
            poll(&p, 1, 1000);
            continue;
        }
        if (n < 0) return; /* the reader is gone: the next read says so */
        data += n;
        size -= (size_t)n;
    }
}

static void make_events(void) {
    char text[512], chunk[600];
    for (int i = 0; i < EVENTS; i++) {
        const char *start = "data: {\"id\":\"chatcmpl-0\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
                            "\"model\":\"stub\",\"choices\":[";
        if (i < TOKENS)
            snprintf(text, sizeof text, "%s{\"index\":0,\"delta\":{%s\"content\":\"word%d \"},\"finish_reason\":null}]}\n\n",
                     start, i ? "" : "\"role\":\"assistant\",", i);
        else if (i == TOKENS)
            snprintf(text, sizeof text, "%s{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", start);
        else if (i == TOKENS + 1)
            snprintf(text, sizeof text,
                     "%s],\"usage\":{\"prompt_tokens\":17,\"completion_tokens\":100,\"total_tokens\":117}}\n\n", start);
        else
            snprintf(text, sizeof text, "data: [DONE]\n\n");
        snprintf(chunk, sizeof chunk, "%zx\r\n%s\r\n%s", strlen(text), text, i == EVENTS - 1 ? "0\r\n\r\n" : "");
        events[i] = strdup(chunk);
        sizes[i] = strlen(chunk);
    }
}

static void answer(int fd, int stream) {
    Connection *c = &connections[fd];
    if (!stream) {
        char whole[1024];
        int n = snprintf(whole, sizeof whole,
                         "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                         sizeof ANSWER - 1, ANSWER);
        write_all(fd, whole, (size_t)n);
        return;
    }
    write_all(fd, STREAM_HEAD, sizeof STREAM_HEAD - 1);
    if (c->paced) {
        c->next = 0;
        c->due = now_ns();
        streaming++;
        return;
    }
    for (int i = 0; i < EVENTS; i++) write_all(fd, events[i], sizes[i]);
}

static void end(int fd) {
    Connection *c = &connections[fd];
    if (c->next >= 0) streaming--;
    free(c->in);
    memset(c, 0, sizeof *c);
    close(fd);
}

/* Answers every whole request that was read. */
static void serve(int fd) {
    Connection *c = &connections[fd];
    for (;;) {
        char *head = c->held ? memmem(c->in, c->held, "\r\n\r\n", 4) : NULL;
        if (!head) return;
        size_t length = 0, before = (size_t)(head - c->in) + 4;
        for (char *line = c->in; line < head; line = strstr(line, "\r\n") + 2)
            if (!strncasecmp(line, "content-length:", 15)) length = strtoul(line + 15, NULL, 10);
        if (c->held < before + length) return;
        char *body = c->in + before;
        int stream = memmem(body, length, "\"stream\":true", 13) || memmem(body, length, "\"stream\": true", 14);
        memmove(c->in, c->in + before + length, c->held - before - length);
        c->held -= before + length;
        answer(fd, stream);
    }
}

static void receive(int fd) {
    Connection *c = &connections[fd];
    for (;;) {
        if (c->room - c->held < 65536) {
            c->room = c->room * 2 + 131072;
            c->in = realloc(c->in, c->room + 1);
        }
        ssize_t n = recv(fd, c->in + c->held, c->room - c->held, 0);
        if (n < 0 && errno == EAGAIN) break;
        if (n <= 0) {
            end(fd);
            return;
        }
        c->held += (size_t)n;
        c->in[c->held] = 0;
    }
    serve(fd);
}

static int listening(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 1024)) {
        perror("stub");
        exit(1);
    }
    return fd;
}

/* Writes what is due; milliseconds until something is, -1 for nothing. */
static int pace(void) {
    if (!streaming) return -1;
    long long now = now_ns(), soonest = now + PAUSE_NS;
    for (int fd = 0; fd < MOST; fd++) {
        Connection *c = &connections[fd];
        if (!c->used || c->next < 0) continue;
        if (c->due <= now) {
            write_all(fd, events[c->next], sizes[c->next]);
            c->due += PAUSE_NS;
            if (++c->next == EVENTS) {
                c->next = -1;
                streaming--;
                continue;
            }
        }
        if (c->due < soonest) soonest = c->due;
    }
    long long left = soonest - now_ns();
    return left <= 0 ? 0 : (int)((left + 999999) / 1000000);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    make_events();
    int ports[2] = {listening(atoi(argv[1])), listening(atoi(argv[2]))};
    int poller = epoll_create1(0);
    for (int i = 0; i < 2; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.fd = ports[i]};
        epoll_ctl(poller, EPOLL_CTL_ADD, ports[i], &e);
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct epoll_event ready[256];
        int n = epoll_wait(poller, ready, 256, pace());
        for (int i = 0; i < n; i++) {
            int fd = ready[i].data.fd;
            if (fd != ports[0] && fd != ports[1]) {
                receive(fd);
                continue;
            }
            int on = 1, made = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
            if (made < 0) continue;
            if (made >= MOST) {
                close(made);
                continue;
            }
            setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            connections[made] = (Connection){.used = 1, .paced = fd == ports[1], .next = -1};
            struct epoll_event e = {.events = EPOLLIN, .data.fd = made};
            epoll_ctl(poller, EPOLL_CTL_ADD, made, &e);
        }
    }
}

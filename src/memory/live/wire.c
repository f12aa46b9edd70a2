/* SPDX-License-Identifier: MIT */
/* Connections with deadlines. */
#include "memory/live/wire.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PORT_MAX = 65535, PORT_DIGITS = 5 };

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void pw_wire_start(struct pw_wire *wire, double seconds)
{
	wire->deadline = now() + seconds;
}

/* Waits until the socket is ready for @events. Returns 0, -ETIMEDOUT or another negative errno. */
static int wait_for(const struct pw_wire *wire, short events)
{
	for (;;) {
		struct pollfd poller = { .fd = wire->socket, .events = events };
		double left = wire->deadline - now();
		int ready;

		if (left <= 0)
			return -ETIMEDOUT;
		ready = poll(&poller, 1, (int)(left * 1000) + 1);
		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -errno;
	}
}

static int connect_to(struct pw_wire *wire, const struct sockaddr *address, socklen_t bytes)
{
	int code = 0;
	socklen_t size = sizeof(code);
	int status;

	wire->socket = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (wire->socket < 0)
		return -errno;
	/* A Unix socket whose queue is full says EAGAIN, and never becomes ready. */
	while (connect(wire->socket, address, bytes)) {
		struct timespec pause = { .tv_nsec = 20000000 };

		if (errno == EINPROGRESS) {
			status = wait_for(wire, POLLOUT);
			if (status)
				return status;
			if (getsockopt(wire->socket, SOL_SOCKET, SO_ERROR, &code, &size))
				return -errno;
			return -code;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (now() > wire->deadline)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* It is /var/lib/libvirt/qemu/domain-1-NAME/monitor.sock, or that below a user's .config/libvirt/qemu/lib/. */
bool pw_wire_is_libvirt(const char *path)
{
	const char *name = strrchr(path, '/');

	return strstr(path, "/libvirt/") && strcmp(name, "/monitor.sock") == 0;
}

const char pw_wire_libvirt[] =
	"libvirt's own monitor serves libvirt alone. Give QEMU -qmp unix:SOCKET,server=on,wait=off, "
	"too (virsh edit, <qemu:commandline>); or read gdb:SOCKET, after virsh qemu-monitor-command "
	"DOMAIN --hmp 'gdbserver unix:SOCKET,server=on,wait=off'; or virsh dump --memory-only DOMAIN "
	"FILE";

static int refuse_unix(const char *path, int status, struct pw_error *error)
{
	struct stat state;

	if (stat(path, &state) == 0 && !S_ISSOCK(state.st_mode))
		return pw_fail(error, EINVAL,
			       "%s is not a socket; give the one that QEMU's option -qmp names",
			       path);
	if (status == -ENOENT)
		return pw_fail(
			error, ENOENT,
			"there is no socket %s; start QEMU with -qmp unix:%s,server=on,wait=off",
			path, path);
	if (status == -ECONNREFUSED)
		return pw_fail(error, ECONNREFUSED,
			       "nobody listens on the socket %s: the QEMU that made it has ended",
			       path);
	if ((status == -EACCES || status == -EPERM) && pw_wire_is_libvirt(path))
		return pw_fail(error, EACCES, "the socket %s is not open to this user; and %s",
			       path, pw_wire_libvirt);
	if (status == -EACCES || status == -EPERM)
		return pw_fail(
			error, EACCES,
			"the socket %s is not open to this user; run pagewalk as the user who "
			"started QEMU, or as root",
			path);
	if (status == -ETIMEDOUT)
		return pw_fail(
			error, ETIMEDOUT, "the socket %s accepted no connection in %d seconds. %s",
			path, PW_WIRE_SECONDS,
			pw_wire_is_libvirt(path)
				? pw_wire_libvirt
				: "It serves one program at a time: is another one connected, and "
				  "others waiting?");
	return pw_fail(error, -status, "the socket %s: %s", path, strerror(-status));
}

int pw_wire_unix(struct pw_wire *wire, const char *path, struct pw_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int status;

	*wire = (struct pw_wire){ .socket = -1 };
	snprintf(wire->name, sizeof(wire->name), "%s", path);
	if (strlen(path) >= sizeof(address.sun_path))
		return pw_fail(
			error, ENAMETOOLONG,
			"%s: a socket's name may have %zu bytes; go to its folder and give a "
			"shorter name",
			path, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	pw_wire_start(wire, PW_WIRE_SECONDS);
	status = connect_to(wire, (const struct sockaddr *)&address, sizeof(address));
	if (status == 0)
		return 0;
	pw_wire_close(wire);
	return refuse_unix(path, status, error);
}

/*
 * The host to look up, without the brackets of an IPv6 address; NULL, which getaddrinfo takes for the
 * loopback addresses, if none is given or it is localhost. RFC 6761 section 6.3 asks for that: localhost
 * means this machine even where neither /etc/hosts nor a name server knows the word.
 */
static const char *host_to_find(char *host)
{
	size_t length = strlen(host);

	if (length == 0 || strcasecmp(host, "localhost") == 0)
		return NULL;
	if (host[0] != '[' || host[length - 1] != ']')
		return host;
	host[length - 1] = '\0';
	return host + 1;
}

int pw_wire_tcp(struct pw_wire *wire, const char *address, struct pw_error *error)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	const char *port = strrchr(address, ':');
	char host[128];
	int status;

	*wire = (struct pw_wire){ .socket = -1 };
	snprintf(wire->name, sizeof(wire->name), "%s", address);
	if (!port || port[1] == '\0' || (size_t)(port - address) >= sizeof(host))
		return pw_fail(error, EINVAL, "'%s' is not HOST:PORT, as in localhost:1234",
			       address);
	/* getaddrinfo would take the number's last 16 bits. */
	if (port[1 + strspn(port + 1, "0123456789")] == '\0' &&
	    (strlen(port + 1) > PORT_DIGITS || atoi(port + 1) > PORT_MAX))
		return pw_fail(error, EINVAL, "%s: there is no port %s; they end at %d", address,
			       port + 1, PORT_MAX);
	snprintf(host, sizeof(host), "%.*s", (int)(port - address), address);
	status = getaddrinfo(host_to_find(host), port + 1, &hints, &found);
	if (status)
		return pw_fail(error, EINVAL, "%s: %s", address, gai_strerror(status));
	status = -ENOENT;
	pw_wire_start(wire, PW_WIRE_SECONDS);
	for (const struct addrinfo *one = found; one && status; one = one->ai_next) {
		status = connect_to(wire, one->ai_addr, one->ai_addrlen);
		if (status)
			pw_wire_close(wire);
	}
	freeaddrinfo(found);
	if (status)
		return pw_fail(error, -status,
			       "no connection to %s: %s. Does a gdb stub listen "
			       "there (QEMU: -gdb tcp::PORT)?",
			       address, strerror(-status));
	return 0;
}

void pw_wire_close(struct pw_wire *wire)
{
	if (wire->socket >= 0)
		close(wire->socket);
	wire->socket = -1;
	free(wire->buffer);
	wire->buffer = wire->bytes = NULL;
	wire->count = wire->room = 0;
}

bool pw_wire_has(const struct pw_wire *wire)
{
	struct pollfd poller = { .fd = wire->socket, .events = POLLIN };

	return poll(&poller, 1, 0) == 1;
}

int pw_wire_send(struct pw_wire *wire, const void *bytes, size_t count)
{
	const char *from = bytes;

	while (count > 0) {
		ssize_t sent = send(wire->socket, from, count, MSG_NOSIGNAL);
		int status;

		if (sent >= 0) {
			from += sent;
			count -= (size_t)sent;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == ECONNRESET)
			return -EPIPE;
		if (errno != EAGAIN)
			return -errno;
		status = wait_for(wire, POLLOUT);
		if (status)
			return status;
	}
	return 0;
}

/*
 * Makes room behind the received bytes. They are moved only when the buffer has no more room behind them, so that
 * taking many short messages out of a large buffer costs each byte little.
 */
static int make_room(struct pw_wire *wire)
{
	size_t room = wire->room ? 2 * wire->room : 1 << 16;
	char *buffer;

	if (wire->bytes && wire->bytes + wire->count < wire->buffer + wire->room)
		return 0;
	if (wire->count <= wire->room / 2 && wire->room > 0) {
		memmove(wire->buffer, wire->bytes, wire->count);
		wire->bytes = wire->buffer;
		return 0;
	}
	if (room > PW_WIRE_MESSAGE)
		return -EMSGSIZE;
	buffer = malloc(room);
	if (!buffer)
		return -ENOMEM;
	if (wire->count > 0)
		memcpy(buffer, wire->bytes, wire->count);
	free(wire->buffer);
	wire->buffer = wire->bytes = buffer;
	wire->room = room;
	return 0;
}

int pw_wire_more(struct pw_wire *wire)
{
	int ready = make_room(wire);
	ssize_t got;

	if (ready)
		return ready;
	for (;;) {
		/* Even a side that never stops sending is not listened to for longer. */
		int status = wait_for(wire, POLLIN);

		if (status)
			return status;
		got = recv(wire->socket, wire->bytes + wire->count,
			   (size_t)(wire->buffer + wire->room - wire->bytes) - wire->count, 0);
		if (got > 0)
			break;
		if (got == 0 || errno == ECONNRESET)
			return -EPIPE;
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
	wire->count += (size_t)got;
	return 0;
}

void pw_wire_take(struct pw_wire *wire, size_t count)
{
	wire->count -= count;
	wire->bytes = wire->count > 0 ? wire->bytes + count : wire->buffer;
}

int pw_wire_fail(const struct pw_wire *wire, int status, const char *doing, struct pw_error *error)
{
	if (status == -ETIMEDOUT)
		return pw_fail(error, ETIMEDOUT, "%s has not %s in %d seconds", wire->name, doing,
			       PW_WIRE_SECONDS);
	if (status == -EPIPE)
		return pw_fail(error, EPIPE,
			       "%s closed the connection before it %s: the program has ended, or "
			       "has thrown us out",
			       wire->name, doing);
	if (status == -EMSGSIZE)
		return pw_fail(error, EMSGSIZE,
			       "%s sends without end where it should have %s; this is not the "
			       "socket that you mean",
			       wire->name, doing);
	return pw_fail(error, -status, "%s: %s", wire->name, strerror(-status));
}

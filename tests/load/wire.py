"""Many people's HTTP requests from one process: a bounded number of kept connections, an epoll loop and a heap of what
is to happen when. Written for speed: requests are bytes that the caller has ready, answers are looked at no further
than their status and length. Understands what nginx sends to a client that asks for no compression, nothing else."""
import array
import collections
import heapq
import itertools
import select
import socket
import sys
import time

MAX_WAIT_S = 0.05
RECONNECTS_MAX = 1000
RECEIVE_BYTES = 65536
LENGTH = b"\r\nContent-Length: "
RETRY_AFTER = b"\r\nRetry-After: "


class Route:
    """What was seen of one kind of request."""

    def __init__(self):
        self.seconds = array.array("f")
        self.statuses = collections.Counter()


class Connection:
    __slots__ = ("socket", "request", "sent_at", "buffer")

    def __init__(self, address: tuple[str, int]):
        self.socket = socket.create_connection(address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.request = None
        self.buffer = b""


def number_after(head: bytes, name: bytes) -> int:
    """The header's number; 0 when it is not there."""
    at = head.find(name)
    return int(head[at + len(name):head.index(b"\r\n", at + 2)]) if at >= 0 else 0


class Wire:
    """`send` calls done(subject, detail, status, body, sent_at, received_at) with the answer; monotonic times."""

    def __init__(self, host: str, port: int, connections: int = 64):
        self.address = (host, port)
        self.epoll = select.epoll()
        self.by_fd = {}
        self.idle = collections.deque()
        self.backlog = collections.deque()
        self.timers = []
        self.count = itertools.count()
        self.routes = collections.defaultdict(Route)
        self.late = array.array("f")  # how long requests waited here for a free connection
        self.reconnects = 0
        self.retry_after = 0.0  # of the answer that is being handled, when it is 429 or 503
        for _ in range(connections):
            self._connect()

    def at(self, when: float, action, *args) -> None:
        heapq.heappush(self.timers, (when, next(self.count), action, args))

    def send(self, route: str, data: bytes, done, subject=None, detail=None) -> None:
        request = (self.routes[route], data, done, subject, detail, time.monotonic())
        if self.idle and not self.backlog:
            self._start(self.idle.popleft(), request)
        else:
            self.backlog.append(request)

    def in_flight(self) -> int:
        return len(self.by_fd) - len(self.idle) + len(self.backlog)

    def run(self, finished) -> None:
        """Until finished() is true, which is asked about twenty times a second at least."""
        while not finished():
            self._run_timers()
            while self.backlog and self.idle:
                self._start(self.idle.popleft(), self.backlog.popleft())
            self._receive_all(self._patience())

    def close(self) -> None:
        for connection in self.by_fd.values():
            connection.socket.close()
        self.epoll.close()

    # ---- inside ----

    def _run_timers(self) -> None:
        now = time.monotonic()
        timers = self.timers
        while timers and timers[0][0] <= now:
            _, _, action, args = heapq.heappop(timers)
            action(*args)

    def _patience(self) -> float:
        if not self.timers:
            return MAX_WAIT_S
        return min(MAX_WAIT_S, max(0.0, self.timers[0][0] - time.monotonic()))

    def _connect(self) -> None:
        try:
            connection = Connection(self.address)
        except OSError as error:
            sys.exit(f"load: {self.address[0]}:{self.address[1]} takes no connection: {error}")
        self.by_fd[connection.socket.fileno()] = connection
        self.epoll.register(connection.socket, select.EPOLLIN)
        self.idle.append(connection)

    def _start(self, connection: Connection, request: tuple) -> None:
        connection.request = request
        connection.sent_at = time.monotonic()
        self.late.append(connection.sent_at - request[5])
        try:
            sent = connection.socket.send(request[1])
        except OSError:
            self._replace(connection)
            return
        if sent != len(request[1]):
            sys.exit("load: the system takes no whole request at once; use fewer connections")

    def _receive_all(self, patience: float) -> None:
        # All are read before any is handled, so that handling one does not count as another's latency.
        arrived = []
        for fd, _ in self.epoll.poll(patience):
            connection = self.by_fd[fd]
            try:
                data = connection.socket.recv(RECEIVE_BYTES)
            except OSError:
                data = b""
            arrived.append((connection, data, time.monotonic()))
        for connection, data, now in arrived:
            if data:
                self._take(connection, connection.buffer + data, now)
            else:
                self._replace(connection)

    def _take(self, connection: Connection, data: bytes, now: float) -> None:
        head_end = data.find(b"\r\n\r\n")
        if head_end < 0:
            connection.buffer = data
            return
        head = data[:head_end + 2]
        body_at = head_end + 4
        if len(data) < body_at + number_after(head, LENGTH):
            connection.buffer = data
            return
        connection.buffer = b""
        status = int(data[9:12])
        route, _, done, subject, detail, _ = connection.request
        connection.request = None
        self.idle.append(connection)
        route.seconds.append(now - connection.sent_at)
        route.statuses[status] += 1
        if status in (429, 503):
            self.retry_after = number_after(head, RETRY_AFTER)
        done(subject, detail, status, data[body_at:], connection.sent_at, now)

    def _replace(self, connection: Connection) -> None:
        """nginx closed it. What was under way is sent again: everything that is sent here may be repeated."""
        if connection.request:
            self.backlog.appendleft(connection.request)
            self.reconnects += 1
            if self.reconnects > RECONNECTS_MAX:
                sys.exit(f"load: {self.address[0]}:{self.address[1]} keeps dropping connections")
        else:
            self.idle.remove(connection)
        del self.by_fd[connection.socket.fileno()]
        self.epoll.unregister(connection.socket)
        connection.socket.close()
        self._connect()

"""What nginx itself promises: routes, trace ids, its own errors, limits, CORS, and what a client cannot bring in."""
import contextlib
import http.client
import json
import re
import selectors
import socket
import urllib.parse
import uuid

import pytest
import requests

from people import From, assert_error
from stack_tools import await_, healthy, service_key, sv

TIMEOUT_S = 30
TRACE_ID = re.compile(r"[0-9a-f]{32}")
SERVICES = ("user", "event", "queue", "reservation", "payment")


def call(method: str, url: str, **kwargs) -> requests.Response:
    return requests.request(method, url, timeout=TIMEOUT_S, **kwargs)


def raw(base_url: str, request: bytes) -> bytes:
    """Everything that the server says to bytes that no HTTP library would send."""
    address = urllib.parse.urlsplit(base_url)
    with socket.create_connection((address.hostname, address.port), timeout=TIMEOUT_S) as client:
        client.sendall(request)
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    return answer


# ---- routes (GW-001, INT-007) ----


@pytest.mark.parametrize("path,service", [
    ("/auth/terms", "user"), ("/users/me", "user"), ("/events", "event"), ("/venues", "event"),
    ("/queue/status", "queue"), ("/queue/enter", "queue"), ("/queue/serving", "queue"), ("/queue/draw", "queue"),
    ("/reservations", "reservation"), ("/payments", "payment"), ("/health", "gateway"),
])
def test_path_reaches_its_service(stack, base_url, path, service):
    trace = uuid.uuid4().hex
    call("GET", base_url + path, headers={"X-Trace-Id": trace})
    assert access_line(stack, trace)["service"] == service


@pytest.mark.parametrize("path", ["/", "/nothing", "/authx", "/eventsx", "/internal", "/internal/health/user",
                                  "/internal/seats/status/x", "/metrics", "/%69nternal/health", "//internal/health",
                                  "/events/../internal/health/user", "/.error", "/sandbox/payments"])
def test_path_that_is_not_public_is_not_found(base_url, path):
    address = urllib.parse.urlsplit(base_url)
    client = http.client.HTTPConnection(address.hostname, address.port, timeout=TIMEOUT_S)
    client.putrequest("GET", path, skip_host=False)
    client.endheaders()
    answer = client.getresponse()
    body = json.loads(answer.read())
    assert (answer.status, body["code"]) == (404, "NOT_FOUND")


def test_internal_listener_serves_every_services_health(internal_url):
    for service in SERVICES:
        assert call("GET", f"{internal_url}/internal/health/{service}").status_code == 200, service


def test_internal_listener_needs_a_service_key(internal_url):
    path = f"/internal/schedules/{uuid.uuid4()}"
    assert_error(call("GET", internal_url + path), 401, "SERVICE_KEY_INVALID")
    assert_error(call("GET", internal_url + path, headers={"X-Service-Api-Key": str(uuid.uuid4())}), 401,
                 "SERVICE_KEY_INVALID")


@pytest.mark.parametrize("method, path, callers", [
    ("GET", "/internal/schedules/{id}", {"queue", "reservation"}),
    ("GET", "/internal/schedules/{id}/seats", {"reservation"}),
    ("GET", "/internal/seats/status/{id}", {"reservation"}),
    ("GET", "/internal/reservations/live?scheduleId={id}", {"event"}),
    ("GET", "/internal/reservations/sold?scheduleId={id}", {"event"}),
    ("GET", "/internal/reservations/{id}", {"payment"}),
    ("POST", "/internal/reservations/{id}/secure", {"payment"}),
    ("POST", "/internal/reservations/{id}/unsecure", {"payment"}),
    ("GET", "/internal/payments?reservationId={id}", {"reservation"}),
])
def test_service_key_opens_only_the_routes_of_its_service(stack, internal_url, method, path, callers):
    for service in ("event", "queue", "reservation", "payment"):
        key = service_key(stack, service)
        answer = call(method, internal_url + path.format(id=uuid.uuid4()), headers={"X-Service-Api-Key": key})
        assert (answer.status_code != 403) == (service in callers), service
        assert answer.status_code != 401


def test_refusals_are_counted_by_their_code(base_url, internal_url):
    def refused() -> float:
        text = call("GET", f"{internal_url}/metrics").text
        found = re.findall(r'^boxoffice_errors_total{[^}]*code="NOT_FOUND"[^}]*} (\S+)$', text, re.M)
        return sum(float(count) for count in found)

    before = refused()
    assert call("GET", f"{base_url}/events/{uuid.uuid4()}").status_code == 404
    await_(lambda: refused() == before + 1)


def test_metrics_are_prometheus_text_on_the_internal_listener_only(internal_url):
    answer = call("GET", f"{internal_url}/metrics")
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/plain")
    assert 'program="event"' in answer.text


# ---- health (GW-HEALTH) ----


def test_health_names_every_service_and_store(base_url):
    answer = call("GET", f"{base_url}/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "UP"
    assert set(answer.json()["services"]) == {*SERVICES, "postgres", "redis", "kafka"}
    assert set(answer.json()["services"].values()) == {"UP"}


def test_health_with_a_parameter_is_refused_though_there_is_a_copy(base_url):
    assert call("GET", f"{base_url}/health").status_code == 200
    assert_error(call("GET", f"{base_url}/health?_=1"), 400, "INVALID_REQUEST")
    assert call("GET", f"{base_url}/health").status_code == 200


def test_health_live_answers_without_any_service(stack, base_url):
    trace = uuid.uuid4().hex
    assert call("GET", f"{base_url}/health/live", headers={"X-Trace-Id": trace}).status_code == 200
    assert access_line(stack, trace)["upstream"] == ""


# ---- trace id (GW-009) ----


def test_trace_id_is_made_when_there_is_none(base_url):
    seen = {call("GET", f"{base_url}/events").headers["X-Trace-Id"] for _ in range(3)}
    assert len(seen) == 3 and all(TRACE_ID.fullmatch(trace) for trace in seen)


def test_trace_id_is_taken_over(base_url):
    trace, plain = uuid.uuid4().hex, str(uuid.uuid4())
    parent = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    assert call("GET", f"{base_url}/events", headers=parent).headers["X-Trace-Id"] == trace
    assert call("GET", f"{base_url}/events", headers={"X-Trace-Id": trace}).headers["X-Trace-Id"] == trace
    answer = call("GET", f"{base_url}/events", headers={"X-Trace-Id": plain})
    assert answer.headers["X-Trace-Id"] == plain.replace("-", "")
    both = parent | {"X-Trace-Id": uuid.uuid4().hex}
    assert call("GET", f"{base_url}/events", headers=both).headers["X-Trace-Id"] == trace


@pytest.mark.parametrize("headers", [
    {"X-Trace-Id": "x" * 32}, {"X-Trace-Id": "0" * 32}, {"X-Trace-Id": "a" * 31}, {"X-Trace-Id": "a" * 33},
    {"X-Trace-Id": 'a","evil":"'}, {"traceparent": "00-" + "0" * 32 + "-00f067aa0ba902b7-01"},
    {"traceparent": "ff-" + "a" * 32 + "-00f067aa0ba902b7-01"}, {"traceparent": "00-" + "A" * 32 + "-" + "b" * 16 + "-01"},
])
def test_trace_id_that_is_malformed_is_replaced(base_url, headers):
    trace = call("GET", f"{base_url}/events", headers=headers).headers["X-Trace-Id"]
    assert TRACE_ID.fullmatch(trace) and trace not in str(headers)


def test_trace_id_of_an_error_is_the_one_in_its_body(base_url):
    for path in ("/nothing", "/users/me"):
        answer = call("GET", base_url + path)
        assert answer.json()["traceId"] == answer.headers["X-Trace-Id"]


def test_trace_id_stands_once_in_an_answer(base_url):
    answer = raw(base_url, b"GET /events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.lower().count(b"\r\nx-trace-id:") == 1


# ---- its own errors ----


def test_own_errors_speak_the_contract_in_both_languages(base_url):
    korean = assert_error(call("GET", f"{base_url}/nothing"), 404, "NOT_FOUND")
    english = assert_error(call("GET", f"{base_url}/nothing", headers={"Accept-Language": "en"}), 404, "NOT_FOUND")
    assert korean["message"] != english["message"] and english["message"].isascii()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+09:00", korean["timestamp"])


@pytest.mark.parametrize("request_line,status,code", [
    (b"NONSENSE\r\n\r\n", 400, "INVALID_REQUEST"),
    (b"GET /events HTTP/1.1\r\n\r\n", 400, "INVALID_REQUEST"),
    (b"GET /ev\x00ents HTTP/1.1\r\nHost: x\r\n\r\n", 400, "INVALID_REQUEST"),
    (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400, "INVALID_REQUEST"),
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 414, "INVALID_REQUEST"),
    (b"GET /events HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 9000 + b"\r\nConnection: close\r\n\r\n", 400,
     "INVALID_REQUEST"),
    (b"TRACE /events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 501, "NOT_IMPLEMENTED"),
    (b"CONNECT /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 501, "NOT_IMPLEMENTED"),
    (b"POST /events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: zip\r\nConnection: close\r\n\r\n", 501,
     "NOT_IMPLEMENTED"),
])
def test_malformed_request_gets_the_contracts_error(base_url, request_line, status, code):
    answer = raw(base_url, request_line)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status}".encode()), head
    assert json.loads(body)["code"] == code
    assert call("GET", f"{base_url}/health/live").status_code == 200


def test_method_not_allowed_names_the_allowed_ones(base_url):
    answer = call("DELETE", f"{base_url}/auth/terms")
    assert_error(answer, 405, "METHOD_NOT_ALLOWED")
    assert "GET" in answer.headers["Allow"]


# ---- limits (GW-014) ----


@pytest.mark.parametrize("path,size", [("/auth/login", 10 * 1024 + 1), ("/payments", (1 << 20) + 1),
                                       ("/events", (1 << 20) + 1)])
def test_body_over_the_limit_is_too_large(base_url, path, size):
    assert_error(call("POST", base_url + path, data=b"x" * size), 413, "PAYLOAD_TOO_LARGE")


def test_headers_below_the_limit_pass(base_url):
    headers = {"X-One": "a" * 7000, "X-Two": "b" * 7000}
    assert call("GET", f"{base_url}/events", headers=headers).status_code == 200


def bodies_of_one_address(stack) -> int:
    return int(re.search(r"limit_conn bodies (\d+);", (stack.conf / "nginx.conf").read_text())[1])


def logins_of_one_address(stack) -> tuple[int, int]:
    """So many a second, and so many more that wait."""
    rate = re.search(r"zone=logins:\S+ rate=(\d+)r/s", (stack.conf / "nginx.conf").read_text())
    burst = re.search(r"zone=logins burst=(\d+)", (stack.conf / "login.conf").read_text())
    return int(rate[1]), int(burst[1])


def test_logins_of_one_address_wait_for_their_turn_and_for_nobody_elsewhere(stack, base_url):
    """More than may wait are refused at once; who comes from elsewhere waits for none of them."""
    rate, burst = logins_of_one_address(stack)
    address = urllib.parse.urlsplit(base_url)
    with contextlib.ExitStack() as held:
        senders = [held.enter_context(socket.create_connection((address.hostname, address.port), timeout=TIMEOUT_S))
                   for _ in range(burst + 2 * rate)]
        for sender in senders:
            sender.sendall(b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                           b"Content-Length: 2\r\n\r\n{}")
        refused = await_(lambda: [one for one in select_readable(senders) if one.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 429"])
        answer = refused[0].recv(65536)
        assert b'"TOO_MANY_REQUESTS"' in answer and b"Retry-After: 1" in answer
        with requests.Session() as elsewhere:
            elsewhere.mount("http://", From("127.0.0.2"))
            assert_error(elsewhere.post(f"{base_url}/auth/login", json={}, timeout=TIMEOUT_S), 400, "INVALID_REQUEST")
        assert len(select_readable(senders)) < len(senders)  # some still wait for their turn
    await_(lambda: call("POST", f"{base_url}/auth/login", json={}).status_code == 400)


def test_bodies_that_never_end_take_no_more_than_half_of_a_worker(stack, base_url):
    """Each sends half of its body and no more; who comes from elsewhere, or without a body, notices nothing."""
    most, more = bodies_of_one_address(stack), 20
    address = urllib.parse.urlsplit(base_url)
    refused = 0
    with contextlib.ExitStack() as held:
        senders = [held.enter_context(socket.create_connection((address.hostname, address.port), timeout=TIMEOUT_S))
                   for _ in range(most + more)]
        for sender in senders:
            sender.sendall(b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        readable = await_(lambda: len(ready := select_readable(senders)) >= more and ready)
        for sender in readable:
            answer = sender.recv(65536)
            assert answer.startswith(b"HTTP/1.1 429") and b'"TOO_MANY_REQUESTS"' in answer and b"Retry-After: 1" in answer
            refused += 1
        assert refused == more
        assert call("GET", f"{base_url}/events").status_code == 200
        assert_error(call("POST", f"{base_url}/auth/login", json={}), 429, "TOO_MANY_REQUESTS")
        with requests.Session() as elsewhere:
            elsewhere.mount("http://", From("127.0.0.2"))
            assert_error(elsewhere.post(f"{base_url}/auth/login", json={}, timeout=TIMEOUT_S), 400, "INVALID_REQUEST")
    await_(lambda: call("POST", f"{base_url}/auth/login", json={}).status_code == 400)


def select_readable(sockets: list[socket.socket]) -> list[socket.socket]:
    with selectors.DefaultSelector() as selector:
        for each in sockets:
            selector.register(each, selectors.EVENT_READ)
        return [key.fileobj for key, _ in selector.select(timeout=0)]


# ---- headers (GW-002, GW-011, GW-013) ----


@pytest.mark.parametrize("name", ["X-User-Id", "X-User-Role", "X-Role", "X-Auth-User", "Remote-User"])
def test_identity_header_of_a_client_means_nothing(base_url, name):
    assert_error(call("GET", f"{base_url}/users/me", headers={name: "ADMIN"}), 401, "TOKEN_MISSING")


def test_security_headers_stand_on_every_answer(base_url):
    for path in ("/events", "/nothing", "/health/live", "/users/me"):
        headers = call("GET", base_url + path).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Server"] == "nginx"


def test_answer_of_a_kilobyte_is_compressed(base_url):
    answer = call("GET", f"{base_url}/auth/terms", headers={"Accept-Encoding": "gzip"})
    assert len(answer.content) > 1024 and answer.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in call("GET", f"{base_url}/health/live", headers={"Accept-Encoding": "gzip"}).headers


# ---- CORS (GW-004) ----

ORIGIN = "http://localhost:3000"


def test_cors_preflight_of_a_configured_origin_is_answered(base_url):
    answer = call("OPTIONS", f"{base_url}/reservations/hold",
                  headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST"})
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "X-Queue-Token" in answer.headers["Access-Control-Allow-Headers"]


def test_cors_origin_stands_on_answers_and_errors(base_url):
    for path in ("/events", "/nothing", "/users/me"):
        headers = call("GET", base_url + path, headers={"Origin": ORIGIN}).headers
        assert headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "X-Trace-Id" in headers["Access-Control-Expose-Headers"]
        assert "Origin" in headers["Vary"]


@pytest.mark.parametrize("path", ["/queue/serving?scheduleId={id}", "/.well-known/jwks.json", "/events", "/nothing"])
def test_copy_made_without_an_origin_serves_no_other_one(base_url, path):
    assert "Origin" in call("GET", base_url + path.format(id=uuid.uuid4())).headers["Vary"]


@pytest.mark.parametrize("origin", ["http://evil.example", f"{ORIGIN}.evil.example", "null", f"x{ORIGIN}"])
def test_cors_of_another_origin_gets_nothing(base_url, origin):
    for method in ("GET", "OPTIONS"):
        answer = call(method, f"{base_url}/events", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
        assert not [name for name in answer.headers if name.startswith("Access-Control")]


# ---- access log (GW-010) ----


def access_line(stack, trace: str) -> dict:
    """The access log's line of one public request, without what it caused inside; it is written after the answer."""
    path = stack.log / "nginx-access" / "current"

    def find() -> dict | None:
        lines = [json.loads(line) for line in path.read_text().splitlines() if trace in line]
        return next((line for line in lines if not line["path"].startswith("/internal")), None)

    return await_(find)


def test_access_log_is_json_without_query_or_credentials(stack, base_url):
    trace = uuid.uuid4().hex
    call("GET", f"{base_url}/events?q=hidden-words", headers={
        "X-Trace-Id": trace, "Authorization": "Bearer hidden-token", "User-Agent": 'quote " and \\ in it'})
    line = access_line(stack, trace)
    assert line["traceId"] == trace and line["method"] == "GET" and line["path"] == "/events"
    assert line["userAgent"] == 'quote " and \\ in it'
    assert "hidden" not in json.dumps(line)


def test_access_log_stays_json_whatever_bytes_come(stack, base_url):
    trace = uuid.uuid4().hex.encode()
    raw(base_url, b"GET /events\xff\xfe HTTP/1.1\r\nHost: x\r\nUser-Agent: \xff\x80\r\nX-Trace-Id: " + trace
        + b"\r\nConnection: close\r\n\r\n")
    line = access_line(stack, trace.decode())
    assert (line["path"], line["userAgent"], line["status"]) == ("not ASCII", "not ASCII", "404")
    for text in (stack.log / "nginx-access" / "current").read_bytes().splitlines():
        json.loads(text)


# ---- error log: nginx's own lines quote what a client sent ----

SECRET = "hidden-words"


def kept_logs(stack) -> str:
    return "".join(path.read_text(errors="replace") for path in stack.log.rglob("*") if path.is_file())


def error_lines(stack) -> list[str]:
    return (stack.log / "nginx" / "current").read_text(errors="replace").splitlines()


def tell_a_secret(base_url: str, method: str, path: str, body: int = 0, more: bytes = b"") -> None:
    """The answer does not matter, only that there is one or that nginx hangs up."""
    request = (f"{method} {path}?token={SECRET} HTTP/1.1\r\nHost: {SECRET}.example\r\nReferer: http://x/?{SECRET}\r\n"
               f"User-Agent: pytest\r\nContent-Length: {body}\r\nConnection: close\r\n").encode()
    raw(base_url, request + more + b"\r\n" + b"x" * body)


@pytest.mark.parametrize("method,path,body,more,complaint", [
    ("POST", "/auth/login", 10 * 1024 + 1, b"", "too large body"),
    ("POST", "/payments/confirm", 200 << 10, b"", "buffered to a temporary file"),
    ("POST", "/auth/login", 10 * 1024 + 1, b"X-Bytes: \xff\xfe\r\n", "too large body"),
])
def test_error_log_keeps_no_query_and_no_referer(stack, base_url, method, path, body, more, complaint):
    before = len(error_lines(stack))
    tell_a_secret(base_url, method, path, body, more)
    line = await_(lambda: next((line for line in error_lines(stack)[before:] if complaint in line), None))
    assert line.endswith(f'request: "{method} {path}"'), line
    assert SECRET not in kept_logs(stack)


@pytest.mark.parametrize("request_line", [
    f"GET /events?{SECRET}\xff\xfe HTTP/1.1", f"TRACE /events?{SECRET} HTTP/1.1", f"GET {SECRET}", f"/{SECRET} GET",
    f"GET /events?{SECRET} HTTP/9.9", f"CONNECT {SECRET}:80 HTTP/1.1",
])
def test_no_log_keeps_what_nginx_refuses(stack, base_url, request_line):
    trace = uuid.uuid4().hex
    raw(base_url, f"{request_line}\r\nHost: {SECRET}\r\nReferer: {SECRET}\r\n{SECRET}\r\n"
                  "Connection: close\r\n\r\n".encode("latin-1"))
    raw(base_url, b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Trace-Id: " + trace.encode()
        + b"\r\n\r\n")
    access_line(stack, trace)  # the log is written once a second: what came before stands there as well
    assert SECRET not in kept_logs(stack)


def test_error_log_names_the_pool_that_is_away_and_keeps_no_query(stack, base_url):
    path = "/.well-known/jwks.json"
    before = len(error_lines(stack))
    pools = sorted(folder.name for folder in (stack.dir / "service").glob("gateway-*"))
    try:
        for pool in pools:
            sv(stack, "down", pool)
        tell_a_secret(base_url, "GET", path, more=b"X-Bytes: \xff\xfe\r\n")
        line = await_(lambda: next((line for line in error_lines(stack)[before:] if "while connecting" in line), None))
        assert any(f'upstream: "{pool}"' in line for pool in pools), line
        assert line.endswith(f'request: "GET {path}"'), line
    finally:
        for pool in pools:
            sv(stack, "up", pool)
    await_(lambda: healthy(stack))
    assert SECRET not in kept_logs(stack)

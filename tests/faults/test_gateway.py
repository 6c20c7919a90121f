"""What nginx hands to a responder, how often, and what never: heard in the place of the service's pools."""
import contextlib
import uuid

import pytest
import requests

from listener import Heard, Listener
from people import TIMEOUT_S
from stack_tools import sv

POOLS = (1, 2)
TRIES_MAX = 3
# Nobody has asked it before: of a list that is known nginx gives its copy while the service is away.
NOBODYS_LIST = f"/events?q={uuid.uuid4()}"
# One path of each location of nginx.conf.in.
PUBLIC = [("login", "/auth/login"), ("login", "/users/me/password"), ("user", "/auth/terms"), ("user", "/auth/refresh"),
          ("outside", "/auth/signup"), ("outside", "/auth/email/code"), ("outside", "/auth/reactivate"),
          ("outside", "/auth/password/reset"), ("user", "/auth/logout"), ("user", "/users/me/sessions"),
          ("event", NOBODYS_LIST), ("event", "/venues"), ("queue", "/queue/leave"),
          ("queue", f"/queue/serving?scheduleId={uuid.uuid4()}"), ("queue", f"/queue/draw?scheduleId={uuid.uuid4()}"),
          ("reservation", "/reservations/hold"), ("payment", "/payments/confirm"), ("gateway", "/.well-known/jwks.json")]
INTERNAL = [("event", f"/internal/schedules/{uuid.uuid4()}"), ("gateway", "/metrics"),
            ("reservation", f"/internal/reservations/{uuid.uuid4()}/secure"), ("payment", "/internal/health/payment")]
SERVICES = sorted({service for service, _ in PUBLIC + INTERNAL})
# Whatever else a client says stays outside.
PASSING = {"TRACEPARENT", "ACCEPT_LANGUAGE", "AUTHORIZATION", "IDEMPOTENCY_KEY", "IF_NONE_MATCH", "USER_AGENT",
           "WEBHOOK_ID", "WEBHOOK_SIGNATURE", "WEBHOOK_TIMESTAMP", "X_QUEUE_TOKEN"}
INTERNAL_PASSING = PASSING | {"X_SERVICE_API_KEY"}
OURS = {"X_TRACE_ID"}  # made by nginx
OTHERS = {"X_USER_ID", "X_USER_ROLE", "X_ROLE", "X_AUTH_USER", "REMOTE_USER", "X_REAL_IP", "X_FORWARDED_FOR", "FORWARDED",
          "X_FORWARDED_HOST", "PROXY", "COOKIE", "REFERER", "X_HTTP_METHOD_OVERRIDE", "X_ORIGINAL_URL", "X_ANYTHING"}


@pytest.fixture
def in_place_of(stack):
    """in_place_of(service) stands in for its pools until the end of the test, and gives what they hear."""
    with contextlib.ExitStack() as undo:
        def take(service: str) -> Heard:
            heard = Heard()
            for pool in (f"{service}-{number}" for number in POOLS):
                undo.callback(sv, stack, "up", pool)
                sv(stack, "down", pool)
                undo.enter_context(Listener(stack.dir / "run" / f"{pool}.sock", heard))
            return heard

        yield take


def times_heard(heard: Heard, method: str, url: str) -> int:
    """While every process dies with the request that it has been given."""
    heard.clear()
    assert requests.request(method, url, json={}, timeout=TIMEOUT_S).status_code >= 500
    assert {request["REQUEST_METHOD"] for request in heard} == {method}
    return len(heard)


def headers_heard(heard: Heard, url: str) -> dict[str, str]:
    """Of a client that says all that one might wish to."""
    heard.clear()
    said = {name.replace("_", "-"): f"said-{name}" for name in INTERNAL_PASSING | OTHERS}
    assert requests.post(url, json={}, headers=said, timeout=TIMEOUT_S).status_code == 204
    assert not [name for name in OTHERS if f"said-{name}" in heard[0].values()]
    return {name.removeprefix("HTTP_"): value for name, value in heard[0].items() if name.startswith("HTTP_")}


@pytest.mark.parametrize("service", SERVICES)
def test_service_is_handed_what_it_may_know_and_posts_once(service, in_place_of, base_url, internal_url):
    heard = in_place_of(service)
    places = [(PASSING, base_url + path) for owner, path in PUBLIC if owner == service]
    places += [(INTERNAL_PASSING, internal_url + path) for owner, path in INTERNAL if owner == service]
    for passing, url in places:
        heard.answers = False
        assert times_heard(heard, "POST", url) == times_heard(heard, "PATCH", url) == 1, url
        for method in ("GET", "PUT", "DELETE"):
            assert 2 <= times_heard(heard, method, url) <= TRIES_MAX, f"{method} {url}"
        heard.answers = True
        headers = headers_heard(heard, url)
        assert headers["AUTHORIZATION"] == "said-AUTHORIZATION"
        assert set(headers) - OURS <= passing, url


def test_entering_the_queue_is_sent_again(in_place_of, base_url):
    """Entering twice is entering once (QUEUE-001)."""
    assert 2 <= times_heard(in_place_of("queue"), "POST", f"{base_url}/queue/enter") <= TRIES_MAX

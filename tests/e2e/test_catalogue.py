"""What the gateway answers for all who read the catalogue: for whom, for how long, and by what it tells answers apart."""
import gzip
import json
import socket
import time
import urllib.parse
import urllib.request
import uuid

import pytest
import requests

from box_office import made, put_on_sale, times_served, wait_for
from people import TIMEOUT_S, assert_error


@pytest.fixture(scope="module")
def sale(admin):
    return put_on_sale(admin)


def paths_of(sale) -> dict[str, str]:
    schedule = f"/events/schedules/{sale.schedule_id}"
    return {"/events": "/events", "/events/{id}": f"/events/{sale.event_id}"} | {
        f"/events/schedules/{{scheduleId}}/{name}": f"{schedule}/{name}" for name in ("seats", "layout", "live")}


ROUTES = ["/events", "/events/{id}", *(f"/events/schedules/{{scheduleId}}/{name}" for name in ("seats", "layout", "live"))]


@pytest.fixture(params=ROUTES)
def route(request):
    return request.param


def test_crowd_is_given_one_answer(base_url, internal_url, sale, route):
    url = base_url + paths_of(sale)[route]
    before = times_served(internal_url, route)
    answers = [requests.get(url, timeout=TIMEOUT_S) for _ in range(200)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["X-Trace-Id"] for answer in answers}) == 200
    made = times_served(internal_url, route) - before
    assert made < 100 and len({answer.content for answer in answers}) <= made + 1


def test_who_has_it_already_is_told_so_by_the_gateway(base_url, internal_url, sale, route):
    url = base_url + paths_of(sale)[route]
    tag = requests.get(url, timeout=TIMEOUT_S).headers["ETag"]
    before = times_served(internal_url, route)
    answers = [requests.get(url, headers={"If-None-Match": f'"other", {tag}'}, timeout=TIMEOUT_S) for _ in range(100)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(304, b"")}
    assert times_served(internal_url, route) - before < 50


GATEWAY_S = 4  # CATALOGUE_PASSING_MS


def answers_at_once(base_url, path: str, count: int) -> list[bytes]:
    """All are asked before the first is read."""
    where = urllib.parse.urlsplit(base_url)
    crowd = [socket.create_connection((where.hostname, where.port), timeout=TIMEOUT_S) for _ in range(count)]
    for each in crowd:
        each.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    answers = []
    for each in crowd:
        with each, each.makefile("rb") as answer:
            answers.append(answer.read().partition(b"\r\n\r\n")[2])
    return answers


def test_crowd_after_a_quiet_time_is_given_what_is_true(base_url, admin, sale):
    """The gateway still has what it was given before, the service what is true: not what it gives while that is made."""
    url, title = f"{base_url}/events/{sale.event_id}", f"Concert {uuid.uuid4()}"
    assert requests.get(url, timeout=TIMEOUT_S).json()["title"] != title
    asked = time.monotonic()
    made(admin.call("PUT", f"/events/{sale.event_id}", json={"title": title}), 200)
    assert admin.call("GET", f"/events/{sale.event_id}").json()["title"] == title
    wait_for("age", lambda: time.monotonic() > asked + GATEWAY_S)
    assert {title} == {json.loads(answer)["title"] for answer in answers_at_once(base_url, f"/events/{sale.event_id}", 50)}


def spellings_of(sale, base_url) -> dict[str, str]:
    schedule = f"/events/schedules/{sale.schedule_id}"
    version = requests.get(f"{base_url}{schedule}/live", timeout=TIMEOUT_S).json()["layout"]
    return {"upper case": f"/events/schedules/{sale.schedule_id.upper()}/layout",
            "another version": f"{schedule}/layout?v={version + 1}",
            "no version": f"{schedule}/layout?v=z{version}",
            "encoded": f"{schedule}/layout?v={''.join(f'%{ord(digit):x}' for digit in str(version))}",
            "its version": f"{schedule}/layout?v={version}"}


@pytest.mark.parametrize(("spelling", "kept"), [
    ("upper case", False), ("another version", False), ("no version", False), ("encoded", False), ("its version", True)])
def test_only_what_clients_write_is_kept(base_url, internal_url, sale, spelling, kept):
    """Else one large map would be as many copies as somebody makes up names for it."""
    url, route = base_url + spellings_of(sale, base_url)[spelling], "/events/schedules/{scheduleId}/layout"
    before = times_served(internal_url, route)
    for _ in range(50):
        urllib.request.urlopen(url, timeout=TIMEOUT_S).close()  # requests would write it as others do
    assert (times_served(internal_url, route) - before < 50) == kept


ODD_HEADERS = [
    {"Host": "evil.example"}, {"Cookie": "a=b"}, {"X-Forwarded-Host": "evil.example"}, {"X-Original-URL": "/users/me"},
    {"Accept-Language": "en"}, {"Accept": "text/html"}, {"Range": "bytes=0-1"}, {"X-HTTP-Method-Override": "DELETE"},
    {"Origin": "https://evil.example"}, {"Cache-Control": "no-store"}, {"If-None-Match": "*"},
    {"Accept-Encoding": "gzip"}, {"Authorization": "Bearer nobody"}]


@pytest.mark.parametrize(("size", "headers"), list(enumerate(ODD_HEADERS, 50)),
                         ids=[next(iter(each)) for each in ODD_HEADERS])
def test_nobodys_request_changes_what_others_are_given(base_url, admin, sale, size, headers):
    """Each asks a question of its own that nobody has asked before it."""
    path = f"/events?sort=newest&size={size}"
    right = admin.call("GET", path)
    requests.get(base_url + path, headers=headers, timeout=TIMEOUT_S)
    given = requests.get(base_url + path, timeout=TIMEOUT_S)
    assert (given.status_code, given.content) == (200, right.content)
    assert "evil" not in str(given.headers) and "Set-Cookie" not in given.headers


@pytest.mark.parametrize("query", ["?size=1&size=2", "?nothing=1", "?page=-1", "?q=" + 500 * "a", "?q=%00", "?sort=id;--"])
def test_refusal_is_nobody_elses(base_url, query):
    for _ in range(2):
        assert_error(requests.get(f"{base_url}/events{query}", timeout=TIMEOUT_S), 400, "INVALID_REQUEST")
    assert requests.get(f"{base_url}/events", timeout=TIMEOUT_S).status_code == 200


def test_order_of_a_question_does_not_change_its_answer(base_url, sale):
    one = requests.get(f"{base_url}/events?q={sale.event_id}&size=1", timeout=TIMEOUT_S).json()
    other = requests.get(f"{base_url}/events?size=1&q={sale.event_id}", timeout=TIMEOUT_S).json()
    assert one == other


def test_nothing_is_shared_with_who_shows_a_token(admin, internal_url, sale):
    before = times_served(internal_url, "/events/{id}")
    for _ in range(10):
        assert admin.call("GET", f"/events/{sale.event_id}").status_code == 200
    assert times_served(internal_url, "/events/{id}") - before == 10


def test_what_is_not_there_is_not_kept(base_url):
    url = f"{base_url}/events/{uuid.uuid4()}"
    for _ in range(2):
        assert_error(requests.get(url, timeout=TIMEOUT_S), 404, "NOT_FOUND")


# ---- large answers, which are kept compressed ----

TAKES_GZIP = ["gzip", "deflate, gzip;q=0.5"]
TAKES_NONE = ["", "identity", "br", "gzip;q=0", "deflate"]


@pytest.fixture(scope="module")
def large(admin):
    template = {"rowRange": {"from": "1", "to": "40"}, "seatsPerRow": 100, "gradeMapping": "VIP"}
    return put_on_sale(admin, hall={"name": "Arena", "capacity": 4000, "seatTemplate": template})


def answer_of(url: str, encoding: str, method: str = "GET", **headers) -> tuple[requests.Response, bytes]:
    """With the bytes as they came."""
    answer = requests.request(method, url, headers={"Accept-Encoding": encoding} | headers, stream=True, timeout=TIMEOUT_S)
    return answer, answer.raw.read(decode_content=False)


@pytest.mark.parametrize("more", [{}, {"Authorization": "Bearer nobody"}], ids=["kept", "not kept"])
@pytest.mark.parametrize("name", ["seats", "layout"])
def test_large_map_is_compressed_for_who_takes_that(base_url, large, name, more):
    url = f"{base_url}/events/schedules/{large.schedule_id}/{name}"
    plain = requests.get(url, headers={"Accept-Encoding": "identity"}, timeout=TIMEOUT_S).content
    for encoding in TAKES_GZIP + TAKES_NONE + TAKES_GZIP:
        answer, content = answer_of(url, encoding, **more)
        compressed = encoding in TAKES_GZIP
        assert (answer.status_code, answer.headers.get("Content-Encoding")) == (200, "gzip" if compressed else None), encoding
        assert (gzip.decompress(content) if compressed else content) == plain
        assert answer.headers["ETag"].startswith('"' if compressed else 'W/"')
        assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
@pytest.mark.parametrize("name", ["seats", "layout"])
def test_large_map_is_asked_about_like_any_answer(base_url, large, name, encoding):
    url = f"{base_url}/events/schedules/{large.schedule_id}/{name}"
    whole, content = answer_of(url, encoding)
    head, nothing = answer_of(url, encoding, "HEAD")
    assert (head.status_code, nothing) == (200, b"")
    assert {name: head.headers.get(name) for name in ("ETag", "Content-Encoding", "Content-Type", "Cache-Control")} == {
        name: whole.headers.get(name) for name in ("ETag", "Content-Encoding", "Content-Type", "Cache-Control")}
    for tag in (whole.headers["ETag"], whole.headers["ETag"].removeprefix("W/"), f'"a", {whole.headers["ETag"]}', "*"):
        known, nothing = answer_of(url, encoding, **{"If-None-Match": tag})
        assert (known.status_code, nothing, known.headers.get("Content-Encoding")) == (304, b"", None)
    part, all_of_it = answer_of(url, encoding, Range="bytes=0-9")
    assert (part.status_code, all_of_it) == (200, content)


# ---- pages by cursor ----

def test_list_is_read_to_its_end_by_cursor(base_url, admin):
    pair = [put_on_sale(admin).event_id for _ in range(2)]
    seen, query = [], {"sort": "newest", "size": 1}
    while len(seen) < 2:
        page = admin.call("GET", "/events", params=query).json()
        seen += [event["id"] for event in page["list"]]
        query["cursor"] = page["nextCursor"]
    assert seen == pair[::-1]


@pytest.mark.parametrize("query", [
    "cursor=", "cursor=a", "cursor=%00", "cursor=bmV3ZXN0", "cursor=" + 1501 * "A", "cursor=YQ&cursor=YQ", "page=1&cursor=YQ"])
def test_cursor_that_was_made_up_is_refused(base_url, query):
    assert_error(requests.get(f"{base_url}/events?{query}", timeout=TIMEOUT_S), 400, "INVALID_REQUEST")


@pytest.mark.parametrize("q", ["%", "_", "\\", ".*", "^", "[a-z]", "(", "' OR 1=1 --", "$1", "%%%%", "\\%"])
def test_signs_of_patterns_stand_for_themselves(base_url, q):
    q = f"{uuid.uuid4()}{q}"
    assert requests.get(f"{base_url}/events", params={"q": q}, timeout=TIMEOUT_S).json()["totalElements"] == 0


ABSURD = [
    "page=", "page=1000001", "page=9223372036854775808", "page=1e3", "page=1.5", "page=+1", "page=%2B1", "page=%201", "page=0x1",
    "page=%EF%BC%91", "page=1%00", "page[]=1", "page=0&page=1", "size=", "size=0", "size=101", "size=-1",
    "size=99999999999999999999", "sort=", "sort=-title", "sort=TITLE", "sort=title%20desc", "sort=title,id", "sort=1",
    "sort=title%00", "sort=(select%20pg_sleep(9))", "sort=CASE%20WHEN%20true%20THEN%20title%20END", "sort=title&sort=newest",
    "q=", "q=%00", "q=%FF", "q=%C0%AF", "q=%ED%A0%80", "q=a%01b", "q=" + 101 * "a", "q=" + 101 * "%EA%B0%80",
    "artist=" + 201 * "a", "city=" + 51 * "a", "status=ongoing", "status=DRAFT", "from=2026-02-30", "to=9999999999"]


@pytest.mark.parametrize("query", ABSURD)
def test_absurd_question_is_refused(base_url, query):
    assert_error(requests.get(f"{base_url}/events?{query}", timeout=TIMEOUT_S), 400, "INVALID_REQUEST")


@pytest.mark.parametrize("query", ["page=1000000&size=100", "page=1000000&size=100&sort=title&status=ONGOING"])
def test_page_far_beyond_the_last_is_empty(base_url, sale, query):
    page = requests.get(f"{base_url}/events?{query}", timeout=TIMEOUT_S).json()
    assert page["list"] == [] and page["totalElements"] > 0 and "nextCursor" not in page


@pytest.mark.parametrize("q", [100 * "a", 100 * "가", "\U0001f3a4", "İ", "ß"])
def test_longest_and_oddest_texts_are_looked_for(base_url, q):
    answer = requests.get(f"{base_url}/events", params={"q": f"{q}{uuid.uuid4()}"[:100]}, timeout=TIMEOUT_S)
    assert (answer.status_code, answer.json()["totalElements"]) == (200, 0)


def test_markup_in_a_title_is_text(base_url, admin):
    title = f"<script>alert('{uuid.uuid4()}')</script> & <b>\"x\""
    event = put_on_sale(admin).event_id
    assert admin.call("PUT", f"/events/{event}", json={"title": title}).status_code == 200
    found = requests.get(f"{base_url}/events", params={"q": title[:60]}, timeout=TIMEOUT_S)
    assert [each["title"] for each in found.json()["list"]] == [title]
    for answer in (found, requests.get(f"{base_url}/events/{event}", timeout=TIMEOUT_S)):
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("size", [7000, 10000])
def test_endless_question_is_refused(base_url, size):
    answer = requests.get(f"{base_url}/events", params={"q": size * "a"}, timeout=TIMEOUT_S)
    assert answer.status_code in (400, 414)

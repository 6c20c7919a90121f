"""The running system against docs/openapi.yaml: every documented route, its answers, its limits and its refusals."""
import base64
import datetime
import hashlib
import hmac
import json
import time
import uuid

import jsonschema
import pytest
import requests

from box_office import Buyer, made, moment, new_buyer, put_on_sale
from contract import (
    DOCUMENT, METHODS, assert_conforms, assert_error, body_schema, broken_bodies, is_public, operations, parameters,
    schemes, validate, watch)
from people import PASSWORD, TIMEOUT_S, Person, Visitor

WEBHOOK_SECRET = "c2FuZGJveC13ZWJob29rLXNlY3JldC0wMTIzNDU2Nzg5"


@pytest.fixture(scope="module")
def sale(admin):
    return put_on_sale(admin)


def filled(path: str) -> str:
    """A path whose ids belong to nothing."""
    path = path.replace("{provider}", "google")
    for name in ("id", "scheduleId", "hallId", "posterId"):
        path = path.replace(f"{{{name}}}", str(uuid.uuid4()))
    return path


# ---- answers ----


PLAIN_GETS = [path for method, path, operation in operations() if method == "GET" and is_public(path)
              and not any(parameter.get("required") for parameter in parameters(path, operation))]


@pytest.mark.parametrize("path", PLAIN_GETS)
def test_get_without_parameters_answers_as_documented(admin, base_url, sandbox_url, path):
    """What is open to everyone is asked by nobody in particular."""
    person = admin if schemes(DOCUMENT["paths"][path]["get"]) else Person(base_url, sandbox_url)
    answer = person.call("GET", path)
    assert answer.status_code == 200
    assert_conforms(answer, "GET", path)
    head = person.call("HEAD", path)
    assert head.status_code == 200 and not head.content and "X-Trace-Id" in head.headers


def look_at_the_account(person):
    person.log_in()
    sessions = person.call("GET", "/users/me/sessions").json()["list"]
    person.call("DELETE", f"/users/me/sessions/{next(one['id'] for one in sessions if not one['current'])}")
    person.call("PUT", "/users/me/password", json={"currentPassword": PASSWORD, "newPassword": PASSWORD + "!"})
    person.call("PUT", "/users/me/password", json={"currentPassword": PASSWORD + "!", "newPassword": PASSWORD})
    for method, phone in (("PUT", "01087654321"), ("PATCH", person.phone)):
        verification = person.verify_identity(phone=phone)
        person.call(method, "/users/me", json={"phone": phone, "identityVerificationId": verification})
    person.call("GET", "/users/me/logins")
    agreements = person.call("GET", "/users/me/agreements").json()["agreements"]
    person.call("PUT", "/users/me/agreements", json={"agreements": [
        {key: one[key] for key in ("type", "version", "agreed")} for one in agreements]})


def administer(admin):
    """What is made is changed, called off and deleted again."""
    venue = admin.call("POST", "/venues", json={"name": "Passing", "address": "1 Road", "city": "서울"}).json()
    halls = f"/venues/{venue['id']}/halls"
    template = {"rows": ["A"], "seatsPerRow": 2, "gradeMapping": {"A": "B"}}
    hall, spare = (admin.call("POST", halls, json={"name": name, "capacity": 2, "seatTemplate": template}).json()
                   for name in ("Hall", "Spare"))
    schedule = {"playSequence": 1, "eventStartAt": moment(days=9), "eventEndAt": moment(days=10),
                "saleStartAt": moment(days=1), "saleEndAt": moment(days=2)}
    event = admin.call("POST", "/events", json={
        "title": "Passing", "artist": "Nobody", "venueId": venue["id"], "hallId": hall["id"], "gradePrices": {"B": 1},
        "schedules": [schedule]}).json()
    admin.call("PUT", f"/venues/{venue['id']}", json={"city": "부산"})
    admin.call("PUT", f"{halls}/{hall['id']}", json={"name": "Passing"})
    admin.call("PUT", f"/events/{event['id']}", json={"artist": "Somebody"})
    admin.call("POST", f"/events/{event['id']}/publish")
    admin.call("POST", f"/events/schedules/{event['schedules'][0]['id']}/cancel", json={"reason": "storm"})
    admin.call("POST", f"/events/{event['id']}/cancel", json={"reason": "storm"})
    admin.call("GET", f"/events/audit?subjectId={event['id']}")
    admin.call("DELETE", f"/events/{event['id']}")
    admin.call("DELETE", f"{halls}/{spare['id']}")
    empty = admin.call("POST", "/venues", json={"name": "Empty", "address": "1 Road", "city": "서울"}).json()
    admin.call("DELETE", f"/venues/{empty['id']}")
    picture = b"\x89PNG\r\n\x1a\n" + bytes(8)
    poster = admin.call("POST", "/events/posters", json={"contentType": "image/png", "size": len(picture)}).json()
    requests.put(poster["url"], data=picture, headers={"Content-Type": "image/png"}, timeout=TIMEOUT_S)
    admin.call("POST", f"/events/posters/{poster['posterId']}/complete")


def test_every_success_of_one_buyers_way_is_as_documented(admin, base_url, sandbox_url, mailbox):
    admin_saw = watch(admin.session)
    try:
        sale = put_on_sale(admin)
        admin.call("PUT", f"/queue/admin/schedules/{sale.schedule_id}", json={"admissionRate": 20})
        admin.call("GET", "/queue/admin/stats")
        administer(admin)
    finally:
        admin.session.hooks["response"].clear()
    buyer = Buyer(base_url, sandbox_url)
    saw = watch(buyer.session)
    buyer.call("POST", "/auth/email/check", json={"email": buyer.email})
    buyer.call("POST", "/auth/email/code", json={"email": buyer.email})
    buyer.call("POST", "/auth/email/verify", json={"email": buyer.email, "code": mailbox.code(buyer.email)})
    buyer.sign_up()
    tokens = buyer.log_in()
    tokens = buyer.call("POST", "/auth/refresh", json={"refreshToken": tokens["refreshToken"]}).json()
    buyer.session.headers["Authorization"] = f"Bearer {tokens['accessToken']}"
    look_around(buyer, sale)
    buyer.admit(sale)
    buyer.call("DELETE", f"/queue/leave?scheduleId={sale.schedule_id}")
    buyer.admit(sale)
    buyer.call("GET", f"/queue/status?scheduleId={sale.schedule_id}")
    buyer.call("GET", f"/reservations/seats/{sale.schedule_id}")
    released = buyer.hold(sale.seats[0]).json()
    buyer.call("DELETE", f"/reservations/hold/{released['reservationId']}")
    buy_two(buyer, sale)
    look_at_the_account(buyer)
    buyer.call("POST", "/auth/logout")
    buyer.log_in()
    buyer.call("DELETE", "/users/me/sessions")
    buyer.call("POST", "/auth/password/reset", json={"email": buyer.email, "newPassword": PASSWORD,
                                                     "identityVerificationId": buyer.verify_identity()})
    buyer.call("POST", "/auth/reactivate", json={"email": buyer.email, "password": PASSWORD,
                                                 "identityVerificationId": buyer.verify_identity()})
    buyer.log_in()
    come_in_by_a_provider(buyer)
    buyer.call("DELETE", "/users/me?withTickets=true")

    successes = {(method, path, int(status)) for method, path, operation in operations() if is_public(path)
                 for status in operation["responses"] if int(status) < 400}
    not_on_the_way = {("POST", "/payments/confirm", 202), ("GET", "/health/live", 200), ("GET", "/health", 200),
                      ("GET", "/.well-known/jwks.json", 200)}
    assert successes - admin_saw - saw == not_on_the_way


def come_in_by_a_provider(buyer: Buyer) -> None:
    visitor = Visitor(buyer.base_url, buyer.sandbox_url, "google")
    visitor.email, visitor.phone, visitor.session = buyer.email, buyer.phone, buyer.session
    offer = visitor.visit().json()
    assert visitor.link(offer["linkToken"]).status_code == 200
    buyer.call("DELETE", "/users/me/oauth2/google")


def look_around(buyer: Buyer, sale) -> None:
    for path in ("/users/me", "/venues", "/events", f"/events/{sale.event_id}",
                 f"/queue/serving?scheduleId={sale.schedule_id}", f"/queue/draw?scheduleId={sale.schedule_id}",
                 *(f"/events/schedules/{sale.schedule_id}/{name}" for name in ("seats", "layout", "live"))):
        answer = buyer.call("GET", path)
        if "ETag" in answer.headers:
            again = buyer.call("GET", path, headers={"If-None-Match": answer.headers["ETag"]})
            assert again.status_code == 304
    venue = buyer.call("GET", f"/events/{sale.event_id}").json()["venue"]
    buyer.call("GET", f"/venues/{venue['id']}")
    buyer.call("GET", f"/venues/{venue['id']}/halls")


def buy_two(buyer: Buyer, sale) -> None:
    held = buyer.hold(*sale.seats[:2]).json()
    order = buyer.order(held).json()
    paid = buyer.pay_at_portone(order, "AUTHORIZED")
    assert buyer.confirm(held, order, paid).status_code == 200
    bought = buyer.wait_until(held, "CONFIRMED")
    assert bought["ticketNumber"] and bought["qrData"]
    buyer.payment(order)
    buyer.call("GET", "/reservations")
    buyer.call("GET", "/payments")
    told = send_webhook(buyer, {"type": "Transaction.Paid", "data": {"paymentId": order["paymentKey"]}})
    assert told.status_code == 200


def send_webhook(buyer: Buyer, content: dict) -> requests.Response:
    body, name, at = json.dumps(content), f"webhook-{uuid.uuid4()}", str(int(time.time()))
    mac = hmac.digest(base64.b64decode(WEBHOOK_SECRET), f"{name}.{at}.{body}".encode(), hashlib.sha256)
    return buyer.call("POST", "/payments/webhook", data=body, headers={
        "webhook-id": name, "webhook-timestamp": at, "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
        "Content-Type": "application/json"})


def seconds_until(moment: str) -> float:
    return datetime.datetime.fromisoformat(moment).timestamp() - time.time()


def test_token_lives_ten_minutes_and_hold_five(admin, base_url, sandbox_url):
    sale = put_on_sale(admin)
    buyer = new_buyer(base_url, sandbox_url, sale)
    place = buyer.call("GET", f"/queue/status?scheduleId={sale.schedule_id}").json()
    assert 570 < seconds_until(place["tokenExpiresAt"]) <= 600
    held = buyer.hold(sale.seats[0]).json()
    assert 270 < seconds_until(held["holdExpiresAt"]) <= 300
    kept = buyer.call("GET", f"/reservations/{held['reservationId']}").json()
    for told, name in ((place, "token"), (held, "hold"), (kept, "hold")):
        assert abs(told[f"{name}ExpiresIn"] - seconds_until(told[f"{name}ExpiresAt"])) < 30


def test_seats_of_all_grades_are_listed_the_dearest_first(admin):
    venue = made(admin.call("POST", "/venues", json={"name": "Arena", "address": "1 Stage Road", "city": "Seoul"}))
    template = {"rows": ["1", "2", "3", "4"], "seatsPerRow": 1,
                "gradeMapping": {"1": "B", "2": "VIP", "3": "A", "4": "S"}}
    hall = made(admin.call("POST", f"/venues/{venue['id']}/halls",
                           json={"name": "Hall", "capacity": 4, "seatTemplate": template}))
    prices = {"VIP": 4000, "S": 3000, "A": 2000, "B": 1000}
    body = body_schema(DOCUMENT["paths"]["/events"]["post"])["examples"][0]
    event = made(admin.call("POST", "/events", json=body | {"venueId": venue["id"], "hallId": hall["id"],
                                                            "gradePrices": prices}))
    made(admin.call("POST", f"/events/{event['id']}/publish"), 200)
    grades = admin.call("GET", f"/events/schedules/{event['schedules'][0]['id']}/seats").json()["grades"]
    assert {grade["grade"]: grade["price"] for grade in grades} == prices
    assert [(grade["grade"], grade["seats"][0]["row"]) for grade in grades] == [
        ("VIP", "2"), ("S", "4"), ("A", "3"), ("B", "1")]


@pytest.mark.parametrize("method,path", [(method, path) for method, path, operation in operations()
                                         if "accessToken" in schemes(operation)])
def test_route_that_needs_a_login_says_so(base_url, method, path):
    answer = requests.request(method, base_url + filled(path), json={}, timeout=TIMEOUT_S)
    assert_error(answer, 401, "TOKEN_MISSING")
    assert_conforms(answer, method, path)


@pytest.fixture(scope="module")
def leaver(base_url, sandbox_url):
    """Somebody with the token of a session that has ended."""
    person = Person(base_url, sandbox_url)
    person.sign_up()
    person.log_in()
    assert person.call("POST", "/auth/logout").status_code == 204
    return person


@pytest.mark.parametrize("method,path", [(method, path) for method, path, operation in operations()
                                         if "accessToken" in schemes(operation)])
def test_revoked_token_is_told_so_before_anything_else(leaver, method, path):
    """Not whether an id is one or belongs to anything, nor whether the rest of the request is right."""
    schema = body_schema(DOCUMENT["paths"][path][method.lower()]) or {}
    for address in (filled(path), path.replace("{id}", "7").replace("{scheduleId}", "7")):
        for body in (schema.get("examples", [{}])[0], {"surprise": 1}):
            answer = leaver.call(method, address, json=body)
            assert_error(answer, 401, "TOKEN_REVOKED")
            assert_conforms(answer, method, path)


@pytest.mark.parametrize("method,path", [(method, path) for method, path, operation in operations()
                                         if "queueToken" in schemes(operation)])
@pytest.mark.parametrize("token", ["qr_", "qr_7", str(uuid.uuid4()), f"QR_{uuid.uuid4()}", f"qr_{uuid.uuid4()}x"])
def test_route_that_takes_a_queue_token_takes_no_other_text(admin, method, path, token):
    answer = admin.call(method, filled(path), json={}, headers={"X-Queue-Token": token})
    assert_error(answer, 401, "QUEUE_TOKEN_INVALID")
    assert_conforms(answer, method, path)


@pytest.mark.parametrize("method,path", [(method, path) for method, path, operation in operations()
                                         if all("queueToken" in way for way in operation.get("security", [{}]))])
def test_route_that_needs_admission_says_so(admin, method, path, token=None):
    answer = admin.call(method, filled(path), json={}, headers={"X-Queue-Token": token})
    assert_error(answer, 401, "QUEUE_TOKEN_INVALID")
    assert_conforms(answer, method, path)


@pytest.mark.parametrize("path", [path for method, path, _ in operations()
                                  if method == "GET" and "{" in path.replace("{provider}", "")
                                  and path != "/reservations/seats/{scheduleId}"])
def test_id_of_nothing_and_id_that_is_none_are_not_found(admin, path):
    for address in (filled(path), path.replace("{id}", "7").replace("{scheduleId}", "7")):
        answer = admin.call("GET", address)
        assert_error(answer, 404, "NOT_FOUND")
        assert_conforms(answer, "GET", path)


def test_queue_and_sale_refusals_are_as_documented(admin, sale, base_url, sandbox_url):
    later = put_on_sale(admin, saleStartAt="2099-01-01T00:00:00", saleEndAt="2099-01-02T00:00:00",
                        eventStartAt="2099-02-01T00:00:00", eventEndAt="2099-02-02T00:00:00")
    buyer = Buyer(base_url, sandbox_url)
    buyer.sign_up()
    buyer.log_in()
    watch(buyer.session)

    def enter(schedule_id: str) -> requests.Response:
        return buyer.call("POST", "/queue/enter", json={"scheduleId": schedule_id})

    assert_error(enter(later.schedule_id), 409, "SALE_NOT_OPEN")
    assert_error(enter(str(uuid.uuid4())), 404, "NOT_FOUND")
    assert_error(buyer.call("GET", f"/queue/status?scheduleId={sale.schedule_id}"), 404, "NOT_IN_QUEUE")
    assert enter(sale.schedule_id).status_code == 200
    assert_error(enter(put_on_sale(admin).schedule_id), 409, "ALREADY_QUEUED_ELSEWHERE")


# ---- paths and methods ----


@pytest.mark.parametrize("path", ["/auth", "/auth/", "/auth/terms/", "/users", "/users/me/nothing", "/events/7/nothing",
                                  "/venues//halls", "/queue", "/queue/nothing", "/reservations/hold/7/8",
                                  "/payments/7/8", "/nothing", "/health/nothing", "/.well-known/nothing", "/metrics",
                                  "/openapi.yaml"])
def test_path_that_nobody_documented_is_not_found(admin, path):
    assert_error(admin.call("GET", path), 404, "NOT_FOUND")


# A GET that uses something up, whose answer a HEAD would throw away.
USED_UP = {"/auth/oauth2/{provider}/callback"}


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_method_that_nobody_documented_is_not_allowed(base_url, internal_url, path):
    known = {method.upper() for method in METHODS if method in DOCUMENT["paths"][path]}
    expected = known | {"OPTIONS"} | ({"HEAD"} if "GET" in known and path not in USED_UP else set())
    origin = base_url if is_public(path) else internal_url
    asked = requests.options(origin + filled(path), timeout=TIMEOUT_S)
    assert asked.status_code == 204 and set(asked.headers["Allow"].split(", ")) == expected
    assert requests.request("TRACE", origin + filled(path), timeout=TIMEOUT_S).status_code == 501
    for method in [*(method.upper() for method in METHODS), "BREW"]:
        if method in known:
            continue
        answer = requests.request(method, origin + filled(path), json={}, timeout=TIMEOUT_S)
        assert_error(answer, 405, "METHOD_NOT_ALLOWED")
        assert set(answer.headers["Allow"].split(", ")) == expected, method


@pytest.mark.parametrize("method", ["OPTIONS", "BREW", "POST"])
def test_path_that_nobody_documented_knows_no_method(base_url, method):
    answer = requests.request(method, base_url + "/nothing", timeout=TIMEOUT_S)
    assert_error(answer, 404, "NOT_FOUND")
    assert "Allow" not in answer.headers


# ---- language ----


@pytest.mark.parametrize("path", ["/users/me", "/queue/status", "/reservations", "/payments", "/events/7", "/nothing"])
def test_words_follow_accept_language_and_codes_do_not(base_url, path):
    def ask(language: str | None) -> dict:
        return requests.get(base_url + path, headers={"Accept-Language": language}, timeout=TIMEOUT_S).json()

    korean, english = ask(None), ask("en")
    assert english["message"].isascii() and not korean["message"].isascii()
    assert korean["code"] == english["code"]
    for language, words in [("en-US,en;q=0.9,ko;q=0.8", english), ("ko", korean), ("ko-KR,ko;q=0.9,en;q=0.8", korean),
                            ("fr", korean), ("*", korean), ("", korean), ("en" * 1000, korean), (";;q=,,", korean),
                            ("fr,en", english), ("fr, en-GB;q=0.1", english), ("en;q=0", korean), ("en,ko", korean),
                            ("ko;q=0.5,en", english), ("en;q=0.9,ko;q=0.8", english), ("ko,en;q=0.9", korean),
                            ("ko-KR,ko;q=0.9,en", korean), ("eng", korean), ("EN", english)]:
        assert ask(language)["message"] == words["message"], language


# ---- limits ----


def examples(node, pointer: str = "") -> list[tuple[str, object]]:
    """Every example of a schema, with the schema's place."""
    found = [(pointer, example) for example in node.get("examples", [])] if isinstance(node, dict) else []
    for key, value in node.items() if isinstance(node, dict) else []:
        if isinstance(value, dict) and key != "examples":
            found += examples(value, f"{pointer}/{key}")
    return found


@pytest.mark.parametrize("pointer,example", examples(DOCUMENT["components"]["schemas"], "/components/schemas"))
def test_documented_example_keeps_to_its_schema(pointer, example):
    validate(example, pointer)


BODIES = [(method, path, place, body) for method, path, operation in operations()
          if (schema := body_schema(operation)) and path != "/payments/webhook"
          for place, body in broken_bodies(schema, schema["examples"][0])]


@pytest.mark.parametrize("method,path", sorted({row[:2] for row in BODIES}))
def test_documented_limits_of_a_body_are_kept(admin, method, path):
    schema = body_schema(DOCUMENT["paths"][path][method.lower()])
    for place, body in [row[2:] for row in BODIES if row[:2] == (method, path)]:
        with pytest.raises(jsonschema.ValidationError):
            validate(body, pointer_of(path, method))
        answer = admin.call(method, filled(path), json=body, headers={"X-Queue-Token": f"qr_{uuid.uuid4()}"})
        error = assert_error(answer, 400, "INVALID_REQUEST")
        assert_conforms(answer, method, path)
        assert any(place.startswith(detail["field"]) for detail in error["details"]), (place, body, error)
    assert schema["additionalProperties"] is False


def pointer_of(path: str, method: str) -> str:
    """Of the schema of a body, which is always one by name."""
    media = DOCUMENT["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]
    return media["schema"]["$ref"].removeprefix("#")


@pytest.mark.parametrize("path,name,bad", [
    (path, parameter["name"], bad) for path in ("/venues", "/events", "/reservations", "/payments")
    for parameter in parameters(path, DOCUMENT["paths"][path]["get"]) for bad in ("", "\u0007", "-1", "x" * 201)
    if not (parameter["name"] in ("q", "city", "artist") and bad == "-1")])
def test_documented_limits_of_a_query_are_kept(admin, path, name, bad):
    answer = admin.call("GET", path, params={name: bad})
    error = assert_error(answer, 400, "INVALID_REQUEST")
    assert error["details"][0]["field"] in (name, "query")


# Providers send browsers back with more than is asked for.
@pytest.mark.parametrize("method,path", [(method, path) for method, path, operation in operations()
                                         if path != "/auth/oauth2/{provider}/callback"])
def test_query_parameter_that_the_route_does_not_list_is_refused(admin, internal_url, method, path):
    """With all in order that is judged before it."""
    schema = body_schema(DOCUMENT["paths"][path][method.lower()]) or {}
    origin = admin.base_url if is_public(path) else internal_url
    answer = admin.session.request(method, f"{origin}{filled(path)}?_=1733000000", timeout=TIMEOUT_S,
                                   json=schema.get("examples", [{}])[0], headers={"X-Queue-Token": f"qr_{uuid.uuid4()}"})
    error = assert_error(answer, 400, "INVALID_REQUEST")
    assert_conforms(answer, method, path)
    assert error["details"][0]["field"] in ("_", "query")


@pytest.mark.parametrize("query", ["nothing=1", "page=1&page=1", "page", "page=1%", "page=%00", "size=101", "size=0",
                                   "page=1000001", "page=99999999999999999999", "page=1e3", "page=+1", "=1"])
def test_query_that_is_none_is_refused(admin, query):
    for path in ("/venues", "/events", "/reservations", "/payments"):
        answer = admin.call("GET", f"{path}?{query}")
        assert_error(answer, 400, "INVALID_REQUEST")
        assert_conforms(answer, "GET", path)

"""The stand-ins for PortOne, reCAPTCHA and the OAuth providers, as the other tests lean on them: ordered faults do
what they say, the ledger tells the truth, webhooks come as ordered. (That the answers are the providers' own is shown by
their own client libraries in tests/sdk.)
"""
import base64
import concurrent.futures
import hashlib
import hmac
import http.server
import json
import pathlib
import queue
import subprocess
import threading
import time
import urllib.parse
import uuid

import pytest
import requests

ROOT = pathlib.Path(__file__).parents[2]
URL = ""  # of the sandbox; set by the fixture below
AUTHORIZATION = {"Authorization": "PortOne sandbox-portone-secret"}
STORE = "store-sandbox"
WEBHOOK_KEY = base64.b64decode("c2FuZGJveC13ZWJob29rLXNlY3JldC0wMTIzNDU2Nzg5")
CLIENT = {"client_id": "sandbox-client", "client_secret": "sandbox-client-secret"}
CALLBACK = "http://127.0.0.1:8080/callback"
TIMEOUT_S = 10


def call(method: str, path: str, body: dict | None = None, timeout: float = TIMEOUT_S, **headers) -> requests.Response:
    return requests.request(method, URL + path, json=body, headers=AUTHORIZATION | headers, timeout=timeout,
                            allow_redirects=False)


def steer(method: str, path: str, body: dict | None = None) -> dict:
    answer = requests.request(method, URL + path, json=body, timeout=TIMEOUT_S)
    assert answer.ok, f"{answer.status_code} {answer.text}"
    return answer.json() if answer.content else {}


def order(**fault) -> None:
    steer("POST", "/sandbox/faults", fault)


def new_payment() -> str:
    return uuid.uuid4().hex


def pay(payment_id: str, outcome: str, **more) -> dict:
    return steer("POST", f"/sandbox/payments/{payment_id}/pay", {"outcome": outcome, "webhook": False} | more)


def booked(payment_id: str) -> dict:
    payments = steer("GET", "/sandbox/payments")["payments"]
    return next(payment for payment in payments if payment["paymentId"] == payment_id)


def refusal(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


def authorised(amount: int = 1000) -> tuple[str, dict]:
    """A payment that waits for its confirm, and the body that confirms it."""
    payment_id = new_payment()
    token = pay(payment_id, "AUTHORIZED", amount=amount)["paymentToken"]
    return payment_id, {"paymentToken": token, "totalAmount": amount}


def wait_until_struck() -> None:
    """Until the ordered fault has found its one call."""
    while steer("GET", "/sandbox/faults")["faults"]:
        time.sleep(0.02)


@pytest.fixture(autouse=True, scope="module")
def address(sandbox_url):
    global URL
    URL = sandbox_url


@pytest.fixture(autouse=True)
def no_faults(address):
    steer("DELETE", "/sandbox/faults")
    yield
    steer("DELETE", "/sandbox/faults")


# ---- faults ----


def test_fault_status_answers_so_often_and_does_nothing():
    payment_id, body = authorised()
    order(target="portone", operation="confirm", status=503, times=2)
    path = f"/payments/{payment_id}/confirm"
    assert [call("POST", path, body).status_code for _ in range(2)] == [503, 503]
    assert booked(payment_id)["charges"] == []
    assert call("POST", path, body).status_code == 200
    assert len(booked(payment_id)["charges"]) == 1


def test_fault_type_speaks_as_portone():
    payment_id, body = authorised()
    order(target="portone", operation="confirm", status=502, type="PG_PROVIDER", times=1)
    answer = call("POST", f"/payments/{payment_id}/confirm", body)
    assert refusal(answer) == (502, "PG_PROVIDER")
    assert {"pgCode", "pgMessage"} <= answer.json().keys()
    assert booked(payment_id)["charges"] == []


def test_fault_of_one_operation_leaves_the_others_alone():
    payment_id, _ = authorised()
    order(target="portone", operation="confirm", status=500)
    order(target="recaptcha", status=500)
    assert call("GET", f"/payments/{payment_id}").status_code == 200


def test_fault_latency_delays_the_work():
    payment_id, _ = authorised()
    order(target="portone", operation="get", latencyMs=700, times=1)
    began = time.monotonic()
    assert call("GET", f"/payments/{payment_id}").status_code == 200
    assert time.monotonic() - began >= 0.7


def test_fault_error_rate_strikes_about_that_share():
    payment_id, _ = authorised()
    order(target="portone", operation="get", errorRate=0.5)
    failed = sum(call("GET", f"/payments/{payment_id}").status_code == 500 for _ in range(60))
    assert 10 <= failed <= 50


def test_fault_lose_answer_charges_and_says_nothing():
    payment_id, body = authorised()
    order(target="portone", operation="confirm", loseAnswer=True, times=1)
    with pytest.raises(requests.ConnectionError):
        call("POST", f"/payments/{payment_id}/confirm", body)
    assert [charge["amount"] for charge in booked(payment_id)["charges"]] == [1000]
    assert refusal(call("POST", f"/payments/{payment_id}/confirm", body)) == (409, "ALREADY_PAID")


def test_fault_lost_answer_is_repeated_under_the_same_idempotency_key():
    payment_id, body = authorised()
    key = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
    order(target="portone", operation="confirm", loseAnswer=True, times=1)
    with pytest.raises(requests.ConnectionError):
        call("POST", f"/payments/{payment_id}/confirm", body, **key)
    answer = call("POST", f"/payments/{payment_id}/confirm", body, **key)
    assert answer.status_code == 200 and answer.json()["pgTxId"]
    assert len(booked(payment_id)["charges"]) == 1


@pytest.mark.parametrize(("lose_answer", "charges"), [(False, 0), (True, 1)])
def test_fault_hang_gives_no_answer_until_cleared(lose_answer, charges):
    payment_id, body = authorised()
    order(target="portone", operation="confirm", hang=True, loseAnswer=lose_answer, times=1)
    with pytest.raises(requests.Timeout):
        call("POST", f"/payments/{payment_id}/confirm", body, timeout=0.5)
    assert len(booked(payment_id)["charges"]) == charges
    order(target="portone", operation="get", hang=True, times=1)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        hanging = pool.submit(call, "GET", f"/payments/{payment_id}", timeout=20)
        wait_until_struck()
        assert not hanging.done()
        steer("DELETE", "/sandbox/faults")
        assert isinstance(hanging.exception(timeout=5), requests.ConnectionError)


def test_fault_malformed_is_refused():
    for fault in ({}, {"target": "bank"}, {"target": "portone", "operation": "dance"},
                  {"target": "portone", "errorRate": 2}, {"target": "portone", "errorRate": "1"},
                  {"target": "portone", "status": 200}, {"target": "portone", "unknown": 1}):
        assert requests.post(f"{URL}/sandbox/faults", json=fault, timeout=TIMEOUT_S).status_code == 400, fault


# ---- PortOne ----


def test_confirm_by_many_at_once_charges_once():
    payment_id, body = authorised(150000)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: call("POST", f"/payments/{payment_id}/confirm", body), range(16)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 15
    assert [charge["amount"] for charge in booked(payment_id)["charges"]] == [150000]


def test_cancel_by_many_at_once_gives_back_once():
    payment_id = new_payment()
    pay(payment_id, "PAID", amount=1000)
    body = {"reason": "test", "amount": 600}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: call("POST", f"/payments/{payment_id}/cancel", body), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert [one["amount"] for one in booked(payment_id)["cancellations"]] == [600]


def test_idempotency_key_in_flight_is_outstanding():
    payment_id, body = authorised()
    key = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
    path = f"/payments/{payment_id}/confirm"
    order(target="portone", operation="confirm", latencyMs=1500, times=1)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(call, "POST", path, body, **key)
        wait_until_struck()
        assert refusal(call("POST", path, body, **key)) == (409, "IDEMPOTENCY_OUTSTANDING_REQUEST")
        assert first.result().status_code == 200
    assert call("POST", path, body, **key).json() == first.result().json()
    assert len(booked(payment_id)["charges"]) == 1


def test_idempotency_key_with_another_body_or_form_is_refused():
    payment_id, body = authorised()
    key = f'"{uuid.uuid4()}"'
    path = f"/payments/{payment_id}/confirm"
    assert call("POST", path, body, **{"Idempotency-Key": key}).status_code == 200
    assert refusal(call("POST", path, body | {"isTest": True}, **{"Idempotency-Key": key})) == (400, "INVALID_REQUEST")
    for malformed in ("unquoted-but-long-enough", '"short"', '"' + "x" * 257 + '"'):
        answer = call("POST", path, body, **{"Idempotency-Key": malformed})
        assert refusal(answer) == (400, "INVALID_REQUEST"), malformed


def test_pay_with_another_amount_needs_force():
    payment_id = new_payment()
    assert call("POST", f"/payments/{payment_id}/pre-register", {"totalAmount": 5000}).json() == {}
    pay_path = f"{URL}/sandbox/payments/{payment_id}/pay"
    answer = requests.post(pay_path, json={"outcome": "PAID", "amount": 1, "webhook": False}, timeout=TIMEOUT_S)
    assert (answer.status_code, answer.json()["code"]) == (409, "AmountNotEqualToPredefined")
    pay(payment_id, "PAID", amount=1, force=True)
    assert call("GET", f"/payments/{payment_id}").json()["amount"]["total"] == 1


def test_payment_id_of_any_form_is_kept_apart():
    mark = new_payment()
    for payment_id in (f"{mark}:x", f"{mark} y", f"{mark}%z", f"{mark}é"):
        quoted = urllib.parse.quote(payment_id, safe="")
        steer("POST", f"/sandbox/payments/{quoted}/pay", {"outcome": "PAID", "amount": 7, "webhook": False})
        assert call("GET", f"/payments/{quoted}").json()["id"] == payment_id
        assert booked(payment_id)["status"] == "PAID"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"totalAmount":"1"}', b'{"totalAmount":-1}', b"\xff"])
def test_malformed_body_is_portones_invalid_request(body):
    answer = requests.post(f"{URL}/payments/{new_payment()}/pre-register", data=body, headers=AUTHORIZATION,
                           timeout=TIMEOUT_S)
    assert refusal(answer) == (400, "INVALID_REQUEST")


# ---- webhooks ----


@pytest.fixture
def receiver():
    """A server for webhooks: `.url`, and `.next()` gives headers and body of the next one."""
    deliveries = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            deliveries.put((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.url = f"http://127.0.0.1:{server.server_port}/"
    server.next = lambda timeout=TIMEOUT_S: deliveries.get(timeout=timeout)
    yield server
    server.shutdown()
    server.server_close()


def signed(headers: dict, body: bytes) -> bool:
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = base64.b64encode(hmac.digest(WEBHOOK_KEY, text, hashlib.sha256)).decode()
    return headers["webhook-signature"] == f"v1,{mac}"


def test_webhook_comes_signed_after_paying_and_confirming(receiver):
    payment_id = new_payment()
    attempt = pay(payment_id, "AUTHORIZED", amount=1000, webhook=True, noticeUrls=[receiver.url])
    assert call("POST", f"/payments/{payment_id}/confirm", {"paymentToken": attempt["paymentToken"]}).status_code == 200
    headers, body = receiver.next()
    assert signed(headers, body)
    event = json.loads(body)
    assert event["type"] == "Transaction.Paid"
    assert event["data"] == {"paymentId": payment_id, "storeId": STORE, "transactionId": attempt["transactionId"]}
    with pytest.raises(queue.Empty):
        receiver.next(timeout=0.3)


def test_webhook_again_late_and_several_times(receiver):
    payment_id = new_payment()
    pay(payment_id, "PAID", amount=1000, webhook=True, noticeUrls=[receiver.url])
    first = receiver.next()
    began = time.monotonic()
    steer("POST", f"/sandbox/payments/{payment_id}/webhook", {"times": 3, "delayMs": 500})
    again = [receiver.next() for _ in range(3)]
    assert time.monotonic() - began >= 0.5
    assert {headers["webhook-id"] for headers, _ in again} == {first[0]["webhook-id"]}
    assert {body for _, body in again} == {first[1]}
    assert all(signed(headers, body) for headers, body in again)


def test_webhook_of_another_type_is_another_event(receiver):
    payment_id = new_payment()
    pay(payment_id, "PAID", amount=1000, webhook=True, noticeUrls=[receiver.url])
    first, _ = receiver.next()
    steer("POST", f"/sandbox/payments/{payment_id}/webhook", {"type": "Transaction.OfTomorrow"})
    headers, body = receiver.next()
    assert headers["webhook-id"] != first["webhook-id"]
    assert json.loads(body)["type"] == "Transaction.OfTomorrow" and signed(headers, body)


def test_webhook_forged_is_badly_signed(receiver):
    payment_id = new_payment()
    pay(payment_id, "PAID", amount=1000, noticeUrls=[receiver.url])
    steer("POST", f"/sandbox/payments/{payment_id}/webhook", {"forge": True})
    headers, body = receiver.next()
    assert headers["webhook-signature"].startswith("v1,") and not signed(headers, body)


# ---- reCAPTCHA ----


def siteverify(**form) -> dict:
    answer = requests.post(f"{URL}/recaptcha/api/siteverify", data=form, timeout=TIMEOUT_S)
    assert answer.status_code == 200
    return answer.json()


def test_captcha_fixed_tokens_work_again_and_again():
    for _ in range(2):
        passed = siteverify(secret="sandbox-recaptcha-secret", response="sandbox-pass")
        assert passed["success"] and passed["hostname"] and passed["challenge_ts"]
        failed = siteverify(secret="sandbox-recaptcha-secret", response="sandbox-fail")
        assert failed == {"success": False, "error-codes": ["invalid-input-response"]}


def test_captcha_solved_token_works_once():
    token = steer("POST", "/sandbox/captchas")["token"]
    assert siteverify(secret="sandbox-recaptcha-secret", response=token)["success"]
    assert siteverify(secret="sandbox-recaptcha-secret", response=token)["error-codes"] == ["timeout-or-duplicate"]


@pytest.mark.parametrize(("form", "code"), [
    ({"response": "sandbox-pass"}, "missing-input-secret"),
    ({"secret": "wrong", "response": "sandbox-pass"}, "invalid-input-secret"),
    ({"secret": "sandbox-recaptcha-secret"}, "missing-input-response"),
])
def test_captcha_incomplete_form_is_explained(form, code):
    assert siteverify(**form) == {"success": False, "error-codes": [code]}


# ---- OAuth: what the OpenID Connect client in tests/sdk does not cover ----


def consent(path: str, **parameters) -> dict:
    query = {"client_id": CLIENT["client_id"], "redirect_uri": CALLBACK, "response_type": "code"} | parameters
    answer = requests.get(URL + path, params=query, allow_redirects=False, timeout=TIMEOUT_S)
    assert answer.status_code == 302, answer.text
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["Location"]).query))


def test_naver_login_in_its_own_manner():
    subject = uuid.uuid4().hex
    steer("POST", "/sandbox/oauth/naver/users", {"subject": subject, "email": "n@example.com", "name": "네이버"})
    callback = consent("/nid/oauth2.0/authorize", state="s1", sandbox_user=subject)
    assert callback["state"] == "s1"
    form = CLIENT | {"grant_type": "authorization_code", "code": callback["code"], "state": "s1"}
    tokens = requests.get(f"{URL}/nid/oauth2.0/token", params=form, timeout=TIMEOUT_S).json()
    assert tokens["expires_in"] == "3600" and tokens["token_type"] == "bearer"
    again = requests.post(f"{URL}/nid/oauth2.0/token", data=form, timeout=TIMEOUT_S)
    assert again.status_code == 200 and again.json()["error"] == "invalid_request"

    def profile() -> requests.Response:
        return requests.get(f"{URL}/openapi-naver/v1/nid/me", timeout=TIMEOUT_S,
                            headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert profile().json() == {"resultcode": "00", "message": "success",
                                "response": {"id": subject, "email": "n@example.com", "name": "네이버"}}
    gone = requests.post(f"{URL}/nid/oauth2.0/token", timeout=TIMEOUT_S, data=CLIENT | {
        "grant_type": "delete", "access_token": tokens["access_token"], "service_provider": "NAVER"})
    assert gone.json()["result"] == "success"
    assert profile().status_code == 401 and profile().json()["resultcode"] == "024"


def test_naver_without_state_is_sent_back_with_an_error():
    subject = uuid.uuid4().hex
    steer("POST", "/sandbox/oauth/naver/users", {"subject": subject})
    assert consent("/nid/oauth2.0/authorize", sandbox_user=subject) == {"error": "invalid_request"}


def test_kakao_login_in_its_own_manner():
    subject = str(uuid.uuid4().int % 10**12 + 10**12)
    steer("POST", "/sandbox/oauth/kakao/users", {"subject": subject, "email": "k@example.com"})
    code = consent("/kauth/oauth/authorize", sandbox_user=subject)["code"]
    form = CLIENT | {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    token_url = f"{URL}/kauth/oauth/token"
    tokens = requests.post(token_url, data=form, timeout=TIMEOUT_S).json()
    assert tokens["expires_in"] == 21599 and "id_token" not in tokens
    me = requests.get(f"{URL}/kapi/v2/user/me", headers={"Authorization": f"Bearer {tokens['access_token']}"},
                      timeout=TIMEOUT_S).json()
    assert me["id"] == int(subject)
    assert me["kakao_account"]["email"] == "k@example.com" and me["kakao_account"]["is_email_verified"]
    used = requests.post(token_url, data=form, timeout=TIMEOUT_S)
    assert (used.status_code, used.json()["error_code"]) == (400, "KOE320")
    code = consent("/kauth/oauth/authorize", sandbox_user=subject)["code"]
    elsewhere = requests.post(token_url, data=form | {"code": code, "redirect_uri": CALLBACK + "x"}, timeout=TIMEOUT_S)
    assert (elsewhere.status_code, elsewhere.json()["error_code"]) == (400, "KOE303")
    stranger = requests.post(token_url, data=form | {"client_secret": "wrong"}, timeout=TIMEOUT_S)
    assert (stranger.status_code, stranger.json()["error_code"]) == (401, "KOE010")


def test_rotated_keys_have_another_name():
    def names() -> set[str]:
        answer = requests.get(f"{URL}/google/oauth2/v3/certs", timeout=TIMEOUT_S)
        assert "max-age" in answer.headers["Cache-Control"]
        return {key["kid"] for key in answer.json()["keys"]}
    before = names()
    assert names() == before
    steer("DELETE", "/sandbox/oauth/keys")
    assert not names() & before


# ---- the program ----


def test_outside_the_sandbox_it_does_not_start():
    program = ROOT / "build" / "sandbox.fcgi"
    done = subprocess.run([program], timeout=TIMEOUT_S, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env={"BOX_SANDBOX": "0", "BOX_REDIS_URL": "redis://127.0.0.1:1", "REQUEST_METHOD": "GET",
                               "DOCUMENT_URI": "/sandbox/payments", "BOX_RUN_DIR": "/nonexistent"})
    assert done.returncode == 1
    assert "BOX_SANDBOX" in done.stderr
    assert done.stdout == ""

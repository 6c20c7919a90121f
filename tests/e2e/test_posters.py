"""Posters: from an administrator's browser straight into the store, and out of it as a picture (EVT-001)."""
import concurrent.futures
import struct
import zlib

import pytest
import requests

from box_office import new_admin
from people import TIMEOUT_S, Person, assert_error

HTML = b"<!doctype html><script>alert(1)</script>"


def png(width: int = 3, height: int = 2) -> bytes:
    """A small picture that a browser shows."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + b"\xc0\x40\x40" * width for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


PICTURES = {"image/png": png(), "image/jpeg": b"\xff\xd8\xff\xe0" + b"\0" * 40,
            "image/webp": b"RIFF\x20\0\0\0WEBPVP8 " + b"\0" * 20}


@pytest.fixture(scope="module")
def admin(base_url, sandbox_url, boxctl):
    return new_admin(base_url, sandbox_url, boxctl)


def begin(admin, content_type: str, size: int) -> dict:
    answer = admin.call("POST", "/events/posters", json={"contentType": content_type, "size": size})
    assert answer.status_code == 201, answer.text
    return answer.json()


def upload(told: dict, body: bytes, **headers: str) -> int:
    sent = {"Content-Type": told["headers"]["Content-Type"]} | headers
    return requests.request(told["method"], told["url"], data=body, headers=sent, timeout=TIMEOUT_S).status_code


def complete(admin, told: dict) -> requests.Response:
    return admin.call("POST", f"/events/posters/{told['posterId']}/complete")


@pytest.mark.parametrize("content_type", PICTURES)
def test_poster_uploaded_is_the_picture_that_everybody_gets(admin, content_type):
    picture = PICTURES[content_type]
    told = begin(admin, content_type, len(picture))
    assert told["expiresIn"] == 600
    assert told["headers"] == {"Content-Type": content_type, "Content-Length": str(len(picture))}
    assert upload(told, picture) == 200
    poster = complete(admin, told).json()
    assert (poster["contentType"], poster["size"]) == (content_type, len(picture))
    got = requests.get(poster["posterUrl"], timeout=TIMEOUT_S)
    assert (got.status_code, got.content, got.headers["Content-Type"]) == (200, picture, content_type)
    assert "immutable" in got.headers["Cache-Control"]


def test_poster_stays_what_it_was_when_its_address_is_used_again(admin):
    picture = png()
    told = begin(admin, "image/png", len(picture))
    assert upload(told, picture) == 200
    first = complete(admin, told).json()
    other = png(2, 3)
    assert len(other) == len(picture) and other != picture
    assert upload(told, other) == 200
    assert complete(admin, told).json() == first
    assert requests.get(first["posterUrl"], timeout=TIMEOUT_S).content == picture


def test_poster_completed_by_many_at_once_is_complete_for_all(admin):
    """The store of the sandbox may stumble over itself then, and says so: try again."""
    picture = png()
    for _ in range(5):
        told = begin(admin, "image/png", len(picture))
        assert upload(told, picture) == 200
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: complete(admin, told), range(4)))
        complete_ones = [one.json() for one in answers if one.status_code == 200]
        assert complete_ones and {one.status_code for one in answers} <= {200, 503}, [one.text for one in answers]
        assert all(one == complete(admin, told).json() for one in complete_ones)


def test_poster_address_is_good_for_one_key_one_length_and_one_type(admin):
    picture = png()
    told = begin(admin, "image/png", len(picture))
    elsewhere = told | {"url": told["url"].replace(told["posterId"], "00000000-0000-4000-8000-000000000000")}
    published = told | {"url": told["url"].replace("/uploads/", "/posters/")}
    longer = told | {"url": told["url"].replace("X-Amz-Expires=600", "X-Amz-Expires=6000")}
    assert [upload(one, picture) for one in (elsewhere, published, longer)] == [403, 403, 403]
    assert upload(told, picture + b"more") == 403
    assert upload(told, picture, **{"Content-Type": "text/html"}) == 403
    assert requests.get(told["url"], timeout=TIMEOUT_S).status_code == 403
    assert complete(admin, told).status_code == 404


def test_upload_that_is_no_picture_is_refused_and_gone(admin):
    told = begin(admin, "image/png", len(HTML))
    assert upload(told, HTML) == 200
    refused = assert_error(complete(admin, told), 400, "INVALID_REQUEST")
    assert [entry["field"] for entry in refused["details"]] == ["upload"]
    assert complete(admin, told).status_code == 404


@pytest.mark.parametrize("body", [
    {"contentType": "image/svg+xml", "size": 10}, {"contentType": "text/html", "size": 10},
    {"contentType": "image/png", "size": 0}, {"contentType": "image/png", "size": -1},
    {"contentType": "image/png", "size": (10 << 20) + 1}, {"contentType": "image/png"}, {"size": 10},
    {"contentType": "image/png\r\nx-amz-acl: public-read", "size": 10},
    {"contentType": "image/png", "size": 10, "key": "posters/mine"}])
def test_posters_of_other_kinds_and_sizes_are_refused(admin, body):
    assert_error(admin.call("POST", "/events/posters", json=body), 400, "INVALID_REQUEST")


def test_posters_are_for_administrators(base_url, sandbox_url):
    visitor = Person(base_url, sandbox_url)
    body = {"contentType": "image/png", "size": 10}
    assert visitor.call("POST", "/events/posters", json=body).status_code == 401
    visitor.sign_up()
    visitor.log_in()
    assert visitor.call("POST", "/events/posters", json=body).status_code == 403
    assert complete(visitor, {"posterId": "00000000-0000-4000-8000-000000000000"}).status_code == 403

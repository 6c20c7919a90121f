"""Whom nginx believes about where a request comes from."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "scripts"))

from stacklib.gateway import _trusted_proxies  # noqa: E402
from stacklib.settings import Failure  # noqa: E402


def test_nobody_is_believed_unless_named():
    assert _trusted_proxies({"BOX_TRUSTED_PROXIES": ""}) == ""


def test_named_proxies_say_who_the_client_is():
    lines = [line.strip() for line in _trusted_proxies({"BOX_TRUSTED_PROXIES": "192.0.2.1 2001:db8::/32"}).splitlines()]
    assert lines == ["set_real_ip_from 192.0.2.1;", "set_real_ip_from 2001:db8::/32;",
                     "real_ip_header X-Forwarded-For;", "real_ip_recursive on;"]


@pytest.mark.parametrize("proxies", ["localhost", "192.0.2.1;", "192.0.2.1 any", "192.0.2.1/99", "192.0.2.1/8"])
def test_what_is_no_address_is_refused(proxies):
    with pytest.raises(Failure):
        _trusted_proxies({"BOX_TRUSTED_PROXIES": proxies})

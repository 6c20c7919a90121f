"""A sale and two people who may buy: fresh ones for each test."""
import pytest

from box_office import new_admin, new_buyer, put_on_sale


@pytest.fixture(scope="module")
def admin(base_url, sandbox_url, boxctl):
    return new_admin(base_url, sandbox_url, boxctl)


@pytest.fixture
def sale(admin):
    return put_on_sale(admin)


@pytest.fixture
def buyer(base_url, sandbox_url, sale):
    return new_buyer(base_url, sandbox_url, sale)


@pytest.fixture
def rival(base_url, sandbox_url, sale):
    return new_buyer(base_url, sandbox_url, sale)

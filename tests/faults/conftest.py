"""The fault tests' buyers: logged in once, admitted to a fresh sale for every test."""
import concurrent.futures

import pytest
import requests

from box_office import Buyer, new_admin, put_on_sale, wait_for
from invariants import assert_invariants
from people import TIMEOUT_S
from purchase import Purchase, patiently
from stack_tools import healthy

BUYERS = 5


@pytest.fixture(autouse=True)
def whole_stack(stack, sandbox_url, query):
    """A fault is healed before the next test, and has cost nobody money or seats."""
    wait_for("a healthy stack", lambda: healthy(stack))
    yield
    wait_for("a healthy stack", lambda: healthy(stack), 60)
    assert_invariants(sandbox_url, query)


@pytest.fixture(scope="session")
def admin(base_url, sandbox_url, boxctl):
    return new_admin(base_url, sandbox_url, boxctl)


@pytest.fixture(scope="session")
def buyers(base_url, sandbox_url):
    found = [Buyer(base_url, sandbox_url) for _ in range(BUYERS)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda buyer: (buyer.sign_up(), buyer.log_in()), found))
    return found


@pytest.fixture
def purchases(whole_stack, admin, buyers):
    """Everyone has been admitted and has chosen two seats."""
    sale = put_on_sale(admin, admissionRate=1000)
    with concurrent.futures.ThreadPoolExecutor(BUYERS) as pool:
        list(pool.map(lambda buyer: buyer.admit(sale), buyers))
    yield [Purchase(buyer, sale.seats[2 * i:2 * i + 2]) for i, buyer in enumerate(buyers)]
    for buyer in buyers:
        buyer.call("DELETE", f"/queue/leave?scheduleId={sale.schedule_id}")


@pytest.fixture
def slow_portone(sandbox_url):
    """slow_portone(milliseconds) delays the next confirm; .taken() says that it is under way."""
    url = f"{sandbox_url}/sandbox/faults"

    def order(latency_ms: int):
        fault = {"target": "portone", "operation": "confirm", "latencyMs": latency_ms, "times": 1}
        requests.post(url, json=fault, timeout=TIMEOUT_S).raise_for_status()

    order.taken = lambda: patiently(lambda: requests.get(url, timeout=TIMEOUT_S), 200)["faults"] == []
    yield order
    wait_for("the end of faults", lambda: requests.delete(url, timeout=TIMEOUT_S).ok)


@pytest.fixture
def minute_passes(stack):
    """Ends the time for which a process that is no more works on a payment alone; false while PostgreSQL is away."""
    sql = ("UPDATE payment_service.payments SET busy_until = NULL, check_at = clock_timestamp() "
           "WHERE busy_until IS NOT NULL AND status = 'PENDING'")
    return lambda: stack.run("psql", "-Xqc", sql).returncode == 0

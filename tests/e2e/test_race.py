"""64 clients want the same four seats, again and again: nobody ever owns a seat that somebody else has (RSV-001).

A thousand rounds, and the same with the condition removed, stand in tests/component/reservation/test_reservation_race.c; here the
whole way through nginx and Redis is under the crowd.
"""
import concurrent.futures

import pytest

from box_office import Buyer, made, new_admin, put_on_sale

CLIENTS = 64
ROUNDS = 15
SEATS = 4


@pytest.fixture(scope="module")
def sale(base_url, sandbox_url, boxctl):
    return put_on_sale(new_admin(base_url, sandbox_url, boxctl), admissionRate=1000)


@pytest.fixture(scope="module")
def crowd(base_url, sandbox_url, sale):
    def enter(_):
        buyer = Buyer(base_url, sandbox_url)
        buyer.sign_up()
        buyer.log_in()
        buyer.admit(sale)
        return buyer

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(enter, range(CLIENTS)))


def owners(query, sale):
    """Reservation and seat of every claim that holds."""
    return query("SELECT c.reservation_id, c.seat_id FROM reservation_service.seat_claims c "
                 "JOIN reservation_service.reservations r ON r.id = c.reservation_id "
                 f"WHERE c.schedule_id = '{sale.schedule_id}' AND r.status = 'PENDING'")


def taken(query, sale):
    """Reservation and seat of everybody who was told that the seat is theirs."""
    return query("SELECT r.id, s.seat_id FROM reservation_service.reservations r "
                 "JOIN reservation_service.reservation_seats s ON s.reservation_id = r.id "
                 f"WHERE r.schedule_id = '{sale.schedule_id}' AND r.status = 'PENDING'")


def fight(crowd, seats_of) -> list[tuple[Buyer, dict]]:
    """Everyone tries at once; gives the winners and what they hold."""
    with concurrent.futures.ThreadPoolExecutor(len(crowd)) as pool:
        answers = list(pool.map(lambda i: crowd[i].hold(*seats_of(i)), range(len(crowd))))
    assert {answer.status_code for answer in answers} <= {201, 409}, {answer.text for answer in answers}
    return [(buyer, made(answer)) for buyer, answer in zip(crowd, answers) if answer.status_code == 201]


@pytest.mark.parametrize("together,winners", [(1, SEATS), (SEATS, 1)], ids=["one seat each", "all four"])
def test_seats_fought_for_by_many_have_one_owner_each(crowd, sale, query, together, winners):
    for turn in range(ROUNDS):
        won = fight(crowd, lambda i: (sale.seats[:SEATS] * 2)[(i + turn) % SEATS:][:together])
        assert len(won) == winners
        claims = taken(query, sale)
        assert len(claims) == len({seat for _, seat in claims}) == SEATS
        assert sorted(owners(query, sale)) == sorted(claims)
        for buyer, held in won:
            assert buyer.call("DELETE", f"/reservations/hold/{held['reservationId']}").status_code == 204

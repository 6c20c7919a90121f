"""What must hold after every fault, once all that is under way has ended."""
import requests

from box_office import wait_for
from people import TIMEOUT_S

SETTLE_S = 60

# Each finds what breaks its rule.
RULES = {
    "a paid payment has a ticket": """
        SELECT p.id FROM payment_service.payments p JOIN reservation_service.reservations r ON r.id = p.reservation_id
        WHERE p.status = 'SUCCESS' AND p.question IS NULL AND r.status <> 'CONFIRMED'""",
    "a ticket is paid": """
        SELECT r.id FROM reservation_service.reservations r
        LEFT JOIN payment_service.payments p ON p.reservation_id = r.id AND p.status = 'SUCCESS'
        WHERE r.status = 'CONFIRMED' AND p.id IS NULL""",
    "a ticket has its seats, all of them sold": """
        SELECT r.id FROM reservation_service.reservations r
        JOIN reservation_service.reservation_seats s ON s.reservation_id = r.id
        LEFT JOIN reservation_service.seat_claims c ON c.schedule_id = r.schedule_id AND c.seat_id = s.seat_id
            AND c.reservation_id = r.id AND c.sold
        WHERE r.status = 'CONFIRMED' AND c.seat_id IS NULL""",
    "a seat is SOLD to whoever has it, and to nobody else": """
        SELECT seat.id FROM event_service.seats seat
        FULL JOIN (SELECT seat_id, reservation_id FROM reservation_service.seat_claims WHERE sold) AS claim
            ON claim.seat_id = seat.id
        WHERE seat.sold_by IS DISTINCT FROM claim.reservation_id""",
    "no unpaid seat is kept longer than hold, patience and one charge": """
        SELECT c.seat_id FROM reservation_service.seat_claims c
        JOIN reservation_service.reservations r ON r.id = c.reservation_id
        WHERE NOT c.sold AND c.expires_at = 'infinity' AND r.hold_expires_at < clock_timestamp() - interval '180 s'""",
    "a question is due": """
        SELECT id FROM payment_service.payments WHERE (question IS NULL) <> (check_at IS NULL)""",
    "an account has agreed to what it must": """
        SELECT u.id FROM user_service.users u
        WHERE EXISTS (SELECT FROM user_service.terms t WHERE t.required AND NOT EXISTS (
            SELECT FROM user_service.terms_agreements a WHERE a.user_id = u.id AND a.type = t.type AND a.agreed))""",
    "an account can be entered": """
        SELECT u.id FROM user_service.users u
        WHERE u.status <> 'DELETED' AND u.password_hash IS NULL
            AND NOT EXISTS (SELECT FROM user_service.oauth_accounts o WHERE o.user_id = u.id)""",
    "nobody is in an account that has ended": """
        SELECT t.id FROM user_service.refresh_tokens t JOIN user_service.users u ON u.id = t.user_id
        WHERE u.status <> 'ACTIVE' AND t.revoked_at IS NULL""",
    "a session has one token that lives": """
        SELECT family FROM user_service.refresh_tokens WHERE rotated_at IS NULL AND revoked_at IS NULL
        GROUP BY family HAVING count(*) > 1""",
    "what has ended is linked to nobody": """
        SELECT o.id FROM user_service.oauth_accounts o JOIN user_service.users u ON u.id = o.user_id
        WHERE u.status = 'DELETED'""",
    "a code that lives is in a mail": """
        SELECT c.id FROM user_service.email_codes c
        WHERE NOT EXISTS (SELECT FROM user_service.mails m
            WHERE m.kind = 'EMAIL_CODE' AND m.created_at BETWEEN c.sent_at - interval '5 s' AND c.sent_at + interval '5 s')
            AND c.sent_at > clock_timestamp() - interval '1 day'""",
    "a login that was let in is written down": """
        SELECT t.id FROM user_service.refresh_tokens t
        WHERE t.replaces IS NULL AND NOT EXISTS (SELECT FROM user_service.login_history l
            WHERE l.user_id = t.user_id AND l.result = 'SUCCESS'
                AND l.created_at BETWEEN t.issued_at - interval '30 s' AND t.issued_at + interval '30 s')""",
}


def broken(query) -> dict[str, list]:
    return {rule: found for rule, sql in RULES.items() if (found := query(sql))}


def unbalanced(sandbox_url: str, query) -> list[str]:
    """Payments of which PortOne has kept something else than their ticket's price."""
    tickets = {key: int(amount) for key, amount in query(
        "SELECT payment_key, amount FROM payment_service.payments WHERE status = 'SUCCESS'")}
    kept = {}
    for payment in requests.get(f"{sandbox_url}/sandbox/payments", timeout=TIMEOUT_S).json()["payments"]:
        sums = [sum(entry["amount"] for entry in payment[kind]) for kind in ("charges", "cancellations")]
        kept[payment["paymentId"]] = sums[0] - sums[1]
    ours = {key for (key,) in query("SELECT payment_key FROM payment_service.payments")}
    return [key for key in ours if kept.get(key, 0) != tickets.get(key, 0)]


def assert_invariants(sandbox_url: str, query) -> None:
    wait_for("every rule", lambda: not broken(query), SETTLE_S)
    wait_for("charges less refunds to be the tickets' prices", lambda: not unbalanced(sandbox_url, query), SETTLE_S)

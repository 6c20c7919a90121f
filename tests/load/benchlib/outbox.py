"""What a round of the relay reads while events wait."""
import os
import re
import statistics
import subprocess

import stage
from benchlib.tools import row, say
from stacklib.settings import Stack, postgresql_bin

WAITING = (1000, 1000000)
REFUSED_SHARE = 0.3
SHARES = "'{0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15}'"
BATCH = 500  # BOX_RELAY_BATCH
STATEMENTS = ("outbox_next", "outbox_due", "outbox_oldest")
# Nobody sees them but the transaction that makes them, which is undone.
MAKE = """
INSERT INTO common.outbox_events (id, aggregate_type, aggregate_id, topic, partition_key, event_type, envelope, attempts,
                                  retry_at)
SELECT id, 'Payment', id, 'payment.events', id, 'PaymentSuccess',
       jsonb_build_object('eventId', id, 'eventType', 'PaymentSuccess', 'aggregateType', 'Payment', 'aggregateId', id),
       refused::integer, CASE WHEN refused THEN clock_timestamp() + interval '1 min' END
FROM (SELECT uuidv7() AS id, random() < {share} AS refused FROM generate_series(1, {rows})) AS new;
ANALYZE common.outbox_events;
"""


def statement(name: str) -> str:
    text = (stage.ROOT / "common/io/sql/outbox.sql").read_text()
    found = re.search(rf"^-- name: {name} :\w+\n(.*?);\n", text, re.DOTALL | re.MULTILINE)
    return found[1].replace("$1::smallint[]", f"{SHARES}::smallint[]").replace("$2", str(BATCH))


def round_ms(stack: Stack, rows: int, rounds: int) -> float:
    """The reads of one round with so many waiting, by PostgreSQL's clock; the median."""
    explained = "".join(f"EXPLAIN (ANALYZE, TIMING OFF) {statement(name)};\n" for name in STATEMENTS)
    script = "BEGIN;\n" + MAKE.format(share=REFUSED_SHARE, rows=rows) + explained * rounds + "ROLLBACK;\n"
    password = (stack.secrets / "db-boxoffice_admin").read_text()
    done = subprocess.run([str(postgresql_bin() / "psql"), "-qAtX", "-v", "ON_ERROR_STOP=1", stack.db_url("boxoffice_admin")],
                          input=script, text=True, capture_output=True, check=True,
                          env=os.environ | {"PGPASSWORD": password})
    times = [float(time) for time in re.findall(r"(?:Planning|Execution) Time: ([\d.]+) ms", done.stdout)]
    each = len(STATEMENTS) * 2
    return statistics.median(sum(times[at:at + each]) for at in range(0, len(times), each))


def relay_round(bench) -> dict:
    times = {}
    for rows in WAITING:
        say(f"{rows:,} events wait, {REFUSED_SHARE:.0%} of them refused")
        times[rows] = round_ms(bench.stack, rows, bench.rounds)
    few, many = times.values()
    told = ", ".join(f"{rows:,}: {time:.1f}" for rows, time in times.items())
    return row(f"{many:.1f}", f"ms to read a round with so many waiting: {told}", "<= 40 ms", many <= 40, times=times,
               ratio=many / few)

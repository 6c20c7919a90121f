"""Stopping whoever is in the middle of a transaction, so that it can be ended there."""
import concurrent.futures
import contextlib

from box_office import wait_for


@contextlib.contextmanager
def writers_wait(stack, query, table: str):
    """Whoever writes to the table waits for the end of this, or until .let_go() of the function that it gives, which says how
    many do."""
    locks = f"FROM pg_locks WHERE relation = '{table}'::regclass AND "

    def waiting() -> int:
        return int(query(f"SELECT count(*) {locks} NOT granted")[0][0])

    waiting.let_go = lambda: query(f"SELECT pg_cancel_backend(pid) {locks} mode = 'ExclusiveLock'")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(stack.run, "psql", "-Xqc", f"BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE; SELECT pg_sleep(60)")
        try:
            wait_for("the lock", lambda: query(f"SELECT 1 {locks} mode = 'ExclusiveLock' AND granted"))
            yield waiting
        finally:
            waiting.let_go()
    wait_for("the end of whoever waited", lambda: waiting() == 0)

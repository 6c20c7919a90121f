"""The limits of memory in Compose hold what was measured: a container at its limit is ended in the midst of a sale."""
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from stacklib import composefile  # noqa: E402
from stacklib.settings import SETTINGS  # noqa: E402

# The largest hall that there may be (SEAT_TEMPLATE_SEATS_MAX), and the largest for a small machine.
SEATS = (100_000, 10_000)
# What a process takes at most that reads a whole hall: MiB without one and of each 1,000 seats (VmHWM: event 52 of 50,000
# seats and 92 of 100,000, reservation 101 and 192).
OF_A_HALL = {"event": (12, 0.82), "reservation": (12, 1.81)}


def processes(pool: str, small: bool) -> int:
    name = f"BOX_{pool.upper()}_PROCESSES"
    return composefile.SMALL[name] if small else next(item.default for item in SETTINGS if item.name == name)


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("pool", OF_A_HALL)
def test_each_process_of_a_pool_may_read_a_whole_hall(pool, small):
    without, of_thousand = OF_A_HALL[pool]
    wanted = processes(pool, small) * (without + of_thousand * SEATS[small] / 1000)
    assert composefile.MEMORY[f"{pool}.fcgi"][small] >= wanted


@pytest.mark.parametrize("small", [False, True])
def test_copies_of_the_gateway_leave_room_for_others_files(small):
    text = (ROOT / "nginx/nginx.conf.in").read_text()
    copies = sum(int(size) for size in re.findall(r"fastcgi_cache_path .* max_size=(\d+)m", text))
    assert 0 < copies <= composefile.GATEWAY_FILES_MIB[small] * 0.8
    assert composefile.GATEWAY_FILES_MIB[small] + 48 <= composefile.MEMORY["gateway"][small]

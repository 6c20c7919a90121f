"""Buyers for load tests: users with valid access tokens, a 50,000-seat sale, admissions. Names are those of
src/contract/queue_token.h."""
import json
import pathlib
import subprocess
import uuid

import stage

PEOPLE = 50000
SEATS_PER_ORDER = 1


class Crowd:
    def __init__(self, stack):
        self.stack = stack
        self.signer = stage.signer_of(stack)
        self.users = [str(uuid.uuid4()) for _ in range(PEOPLE)]
        subprocess.run([stage.ROOT / "scripts/stack", "--stack", stack.name, "exec", "boxctl", "seed", "demo"],
                       check=True, stdout=subprocess.DEVNULL)
        self.schedule, self.seats = self._largest_schedule()

    def _largest_schedule(self) -> tuple[str, list[str]]:
        events = stage.call(f"{self.stack.gateway_url}/events?size=100")["list"]
        schedules = [schedule for event in events
                     for schedule in stage.call(f"{self.stack.gateway_url}/events/{event['id']}")["schedules"]]
        largest = max(schedules, key=lambda schedule: schedule["total"])["id"]
        grades = stage.call(f"{self.stack.gateway_url}/events/schedules/{largest}/seats")["grades"]
        return largest, [seat["id"] for grade in grades for seat in grade["seats"]]

    def write_orders(self, path: pathlib.Path) -> pathlib.Path:
        """A line per buyer: access token, queue token, seats. Their admissions are put into Redis directly."""
        lines, commands = [], []
        for number, user in enumerate(self.users):
            token = f"qr_{uuid.uuid4()}"
            seats = self.seats[number * SEATS_PER_ORDER:(number + 1) * SEATS_PER_ORDER]
            lines.append(f"{self.signer.access_token(user)} {token} {json.dumps(seats)}")
            commands.append(f"SET queue:{{{self.schedule}}}:token:{token} {user} EX 3600")
        path.write_text("\n".join(lines) + "\n")
        subprocess.run(["redis-cli", "-s", str(self.stack.redis_socket)], input="\n".join(commands), text=True,
                       check=True, stdout=subprocess.DEVNULL)
        return path

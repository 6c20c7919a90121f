"""The mailbox of the stack: what people are told by mail."""
import re
import time

import requests

WAIT_S = 30
TIMEOUT_S = 10


class Mailbox:
    def __init__(self, url: str):
        self.url = url

    def mails(self, address: str) -> list[dict]:
        """What has come for an address, the oldest first, as MailDev shows it."""
        answer = requests.get(f"{self.url}/api/email", timeout=TIMEOUT_S)
        answer.raise_for_status()
        mine = [mail for mail in answer.json() if [to["address"] for to in mail["to"]] == [address]]
        return sorted(mine, key=lambda mail: mail["time"])

    def wait(self, address: str, count: int = 1) -> list[dict]:
        """The same, once there are so many."""
        end = time.monotonic() + WAIT_S
        while len(found := self.mails(address)) < count:
            assert time.monotonic() < end, f"{len(found)} mails, not {count}, within {WAIT_S} s"
            time.sleep(0.1)
        return found

    def source(self, mail: dict) -> bytes:
        """As it came in."""
        answer = requests.get(f"{self.url}/api/email/{mail['id']}/source", timeout=TIMEOUT_S)
        answer.raise_for_status()
        return answer.content

    def code(self, address: str, count: int = 1) -> str:
        """The code in the last of so many mails."""
        return re.search(r"\b[0-9]{6}\b", self.wait(address, count)[-1]["text"])[0]

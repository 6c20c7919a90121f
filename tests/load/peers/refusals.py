"""What a peer must refuse: whoever skipped a part of the work would be compared with us for nothing."""
import json
import sys
import urllib.error
import urllib.request
import uuid

import stage
from benchlib.tools import Redis
from peers.servers import Server

REVOKED_S = 60


def _status_of(server: Server, path: str, token: str, body: dict | None = None) -> int:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(server.url + path, data, headers), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def _forged(token: str) -> dict[str, str]:
    head, payload, signature = token.split(".")
    other = "B" if signature[0] == "A" else "A"
    none = stage.compact({"alg": "none", "typ": "JWT"})
    return {"another signature": f"{head}.{payload}.{other}{signature[1:]}", "no algorithm": f"{none}.{payload}."}


def check(server: Server, signer: stage.Signer) -> None:
    """Ends the bench when it takes what it must not. Leaves only what a FLUSHDB of its database removes."""
    redis = Redis(server.stack)
    redis("SELECT", server.database)
    schedule, user, limited, revoked = (str(uuid.uuid4()) for _ in range(4))
    token, path = signer.access_token(user), f"/queue/status?scheduleId={schedule}"
    revoked_token = signer.access_token(revoked)
    redis("SET", f"token:revoked:{stage.claims_of(revoked_token)['jti']}", 1, "EX", REVOKED_S)
    redis("SET", f"tries:{limited}", server.tries_a_minute)
    entry = {"scheduleId": schedule}
    cases = [("a stranger", 404, path, token, None), ("an entry", 200, "/queue/enter", token, entry),
             ("a waiting person", 200, path, token, None),
             ("a person at the limit", 429, path, signer.access_token(limited), None),
             ("a revoked token", 401, path, revoked_token, None),
             ("a revoked token", 401, "/queue/enter", revoked_token, entry)]
    cases += [(f"a token with {what}", 401, path, bad, None) for what, bad in _forged(token).items()]
    cases += [(f"a token of another {claim}", 401, path, signer.access_token(user, **{claim: "other"}), None)
              for claim in ("iss", "aud", "typ")]
    cases.append(("a token that has ended", 401, path, signer.access_token(user, exp=1), None))
    for what, expected, *request in cases:
        if (found := _status_of(server, *request)) != expected:
            sys.exit(f"bench-peers: {server.name} answers {found} instead of {expected} to {what}")

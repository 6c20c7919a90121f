"""Accounts for load tests, made as people make them."""
import json
import pathlib
import secrets

import stage

PASSWORD = "correct-Horse-7-battery"


class Account:
    def __init__(self, stack, name: str = "홍길동"):
        self.stack = stack
        self.name = name
        self.email = f"{secrets.token_hex(8)}@example.com"
        self.phone = f"010{secrets.randbelow(10**8):08}"
        self.id = None

    def verify_identity(self) -> str:
        person = {"name": self.name, "phone": self.phone, "birthDate": "1990-01-01", "ci": f"ci-{self.email}"}
        return stage.call(f"{self.stack.sandbox_url}/sandbox/identity-verifications", "POST",
                          body=person)["identityVerificationId"]

    def sign_up_body(self) -> dict:
        terms = stage.call(f"{self.stack.gateway_url}/auth/terms")["terms"]
        return {"email": self.email, "password": PASSWORD, "name": self.name, "phone": self.phone,
                "agreements": [{"type": one["type"], "version": one["version"], "agreed": one["required"]}
                               for one in terms],
                "recaptchaToken": "sandbox-pass", "identityVerificationId": self.verify_identity()}

    def sign_up(self) -> "Account":
        self.id = stage.call(f"{self.stack.gateway_url}/auth/signup", "POST", body=self.sign_up_body())["id"]
        return self

    def login_body(self, password: str = PASSWORD) -> dict:
        return {"email": self.email, "password": password, "recaptchaToken": "sandbox-pass"}


class Accounts:
    def __init__(self, stack, count: int):
        self.people = [Account(stack).sign_up() for _ in range(count)]

    def write_logins(self, path: pathlib.Path) -> pathlib.Path:
        """A body of POST /auth/login per line."""
        path.write_text("".join(json.dumps(person.login_body()) + "\n" for person in self.people))
        return path

    def write_tokens(self, path: pathlib.Path, signer) -> pathlib.Path:
        """An access token per line."""
        path.write_text("".join(signer.access_token(person.id) + "\n" for person in self.people))
        return path

"""Mail over TLS with a login: a server of the test's own (the library that MailDev stands on), and our mailer."""
import json
import os
import secrets
import subprocess
import types

import pytest

from box_office import wait_for
from people import Person
from stack_tools import sv
from stacklib.settings import NPM, ROOT
from test_secure_kafka import free_ports, listens, make_certificates

PASSWORD = secrets.token_hex(16)

SERVER = """
const fs = require('fs'), {SMTPServer} = require('smtp-server');
const [port, secure, folder, password] = process.argv.slice(1);
const server = new SMTPServer({
  secure: secure === 'smtps', key: fs.readFileSync(`${folder}/server.key`), cert: fs.readFileSync(`${folder}/server.crt`),
  onAuth: (auth, session, done) => auth.username === 'app' && auth.password === password
    ? done(null, {user: 'app'}) : done(new Error('no')),
  onData: (stream, session, done) => {
    stream.resume().on('end', () => {
      const came = {to: session.envelope.rcptTo[0].address, tls: session.secure, user: session.user};
      fs.appendFileSync(`${folder}/came`, JSON.stringify(came) + '\\n');
      done();
    });
  },
});
server.on('error', () => {}); // a client that goes away
server.listen(Number(port), '127.0.0.1');
"""


@pytest.fixture(scope="module", params=["smtp", "smtps"])
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("smtp")
    make_certificates(folder)
    port, = free_ports(1)
    process = subprocess.Popen([NPM / "node", "-e", SERVER, str(port), request.param, folder, PASSWORD],
                               env=os.environ | {"NODE_PATH": str(NPM / "node_modules")})
    try:
        wait_for("the mail server", lambda: listens(port))
        yield types.SimpleNamespace(folder=folder, url=f"{request.param}://localhost:{port}",
                                    elsewhere=f"{request.param}://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def quiet(stack):
    """The stack's own mailer does not take the mails."""
    sv(stack, "down", "mailer")
    yield
    sv(stack, "up", "mailer")


@pytest.fixture
def mailer(stack, server, quiet, tmp_path):
    """Starts ours with these settings, a breaker of its own, and the rest from the stack."""
    started = []

    def start(**settings):
        env = {path.name: path.read_text().strip() for path in (stack.dir / "env" / "mailer").iterdir()}
        env |= {"BOX_RUN_DIR": str(tmp_path), "BOX_SMTP_URL": server.url, "BOX_SMTP_TLS": "1", "BOX_SMTP_USER": "app",
                "BOX_SMTP_PASSWORD": PASSWORD, "BOX_SMTP_CA_FILE": str(server.folder / "ca.crt")} | settings
        started.append(subprocess.Popen([ROOT / "build" / "mailer"], env=env, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL))

    yield start
    for process in started:
        process.terminate()
        process.wait()


def asked_for(base_url, sandbox_url) -> str:
    person = Person(base_url, sandbox_url)
    assert person.call("POST", "/auth/email/code", json={"email": person.email}).status_code == 204
    return person.email


def came(server) -> list[dict]:
    path = server.folder / "came"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_mail_goes_over_tls_with_a_login(mailer, server, base_url, sandbox_url):
    address = asked_for(base_url, sandbox_url)
    mailer()
    mail = wait_for("the mail", lambda: next((mail for mail in came(server) if mail["to"] == address), None))
    assert mail["tls"] and mail["user"] == "app"


@pytest.mark.parametrize("wrong,why", [
    ({"BOX_SMTP_CA_FILE": "other.crt"}, "TLS"), ({"BOX_SMTP_URL": "elsewhere"}, "TLS"),
    ({"BOX_SMTP_PASSWORD": "another-word"}, "LOGIN")])
def test_mail_waits_when_the_server_is_not_the_one_that_is_meant(mailer, server, query, base_url, sandbox_url, wrong, why):
    """Another authority's certificate, another host's, or a password that is refused: nothing is sent, nothing is lost."""
    settings = {"BOX_SMTP_CA_FILE": lambda: str(server.folder / "other.crt"), "BOX_SMTP_URL": lambda: server.elsewhere,
                "BOX_SMTP_PASSWORD": lambda: wrong["BOX_SMTP_PASSWORD"]}
    name, = wrong
    before = len(came(server))
    asked_for(base_url, sandbox_url)
    mailer(**{name: settings[name]()})
    wait_for("a try", lambda: query(f"SELECT id FROM user_service.mails WHERE status = 'WAITING' AND last_error = '{why}'"))
    assert len(came(server)) == before
    query("UPDATE user_service.mails SET status = 'EXPIRED', ended_at = clock_timestamp(), recipient = NULL, "
          "content = NULL WHERE status = 'WAITING'")

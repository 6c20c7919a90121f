"""Kafka over TLS with user and password: a broker of the test's own, and boxctl as one of our clients."""
import os
import pathlib
import secrets
import socket
import subprocess
import types

import pytest

from stacklib.settings import KAFKA
from stacklib.stores import KAFKA_JAVA
from stack_tools import await_

ROOT = pathlib.Path(__file__).parents[2]
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
START_S = 60
PASSWORD = secrets.token_hex(16)

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=SASL_SSL://127.0.0.1:{tls},OWN://127.0.0.1:{own},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SASL_SSL://localhost:{tls},OWN://127.0.0.1:{own}
listener.security.protocol.map=SASL_SSL:SASL_SSL,OWN:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=OWN
controller.listener.names=CONTROLLER
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
  user_app="{password}";
ssl.keystore.type=PEM
ssl.keystore.location={folder}/server.pem
log.dirs={folder}/data
offsets.topic.replication.factor=1
"""


def openssl(folder: pathlib.Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def make_certificates(folder: pathlib.Path) -> None:
    """Two authorities; the first has signed the certificate of "localhost", and of no address."""
    for name in ("ca", "other"):
        openssl(folder, "req", "-x509", *CURVE, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt")
    openssl(folder, "req", *CURVE[:-2], "-subj", "/CN=kafka", "-keyout", "server.key", "-out", "csr")
    (folder / "san").write_text("subjectAltName=DNS:localhost")
    openssl(folder, "x509", "-req", "-in", "csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "san", "-out", "server.crt")
    (folder / "server.pem").write_text((folder / "server.key").read_text() + (folder / "server.crt").read_text())


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kafka")
    make_certificates(folder)
    tls, own, controller = free_ports(3)
    (folder / "kafka.properties").write_text(PROPERTIES.format(
        folder=folder, tls=tls, own=own, controller=controller, password=PASSWORD))
    java = ["java", *KAFKA_JAVA, "-cp", f"{KAFKA}/*"]
    subprocess.run([*java, "kafka.tools.StorageTool", "format", "--cluster-id=AAAAAAAAAAAAAAAAAAAAAA", "-c",
                    folder / "kafka.properties"], check=True, capture_output=True, cwd=folder)
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([*java, "kafka.Kafka", folder / "kafka.properties"], cwd=folder, stdout=log, stderr=log)
    found = types.SimpleNamespace(folder=folder, port=tls)
    try:
        await_(lambda: listens(tls), START_S)
        yield found
    finally:
        process.kill()
        process.wait()


def told(broker, **changes) -> dict[str, str]:
    settings = {"BOX_SANDBOX": "0", "BOX_KAFKA_BROKERS": f"localhost:{broker.port}", "BOX_KAFKA_SECURITY": "SASL_SSL",
                "BOX_KAFKA_CA_FILE": str(broker.folder / "ca.crt"), "BOX_KAFKA_USER": "app", "BOX_KAFKA_PASSWORD": PASSWORD}
    return {"PATH": os.environ["PATH"]} | {key: value for key, value in (settings | changes).items() if value is not None}


def test_what_is_told_rightly_connects(broker):
    done = subprocess.run([ROOT / "build/boxctl", "topics"], env=told(broker), text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("changes,complaint", [
    ({"BOX_KAFKA_PASSWORD": secrets.token_hex(16)}, "SASL authentication error"),
    ({"BOX_KAFKA_USER": "nobody"}, "SASL authentication error"),
    ({"BOX_KAFKA_CA_FILE": "{folder}/other.crt"}, "certificate verify failed"),
    ({"BOX_KAFKA_CA_FILE": None}, "certificate verify failed"),
    ({"BOX_KAFKA_BROKERS": "127.0.0.1:{port}"}, "certificate verify failed"),
    ({"BOX_KAFKA_SECURITY": "SSL"}, "Disconnected"),
    ({"BOX_KAFKA_SECURITY": "PLAINTEXT"}, "Disconnected"),
    ({"BOX_KAFKA_MECHANISM": "SCRAM-SHA-512"}, "broker's supported mechanisms: PLAIN"),
])
def test_anything_wrong_is_refused_with_a_word(broker, changes, complaint):
    """Each differs in one setting from what connects. It would go on trying; what it says first is enough."""
    changes = {key: value and value.format(folder=broker.folder, port=broker.port) for key, value in changes.items()}
    with subprocess.Popen([ROOT / "build/boxctl", "topics"], env=told(broker, **changes), text=True,
                          stderr=subprocess.PIPE) as process:
        try:
            said = next((line for line in process.stderr if complaint in line), None)
        finally:
            process.kill()
    assert said and PASSWORD not in said


@pytest.mark.parametrize("changes,complaint", [
    ({"BOX_KAFKA_CA_FILE": "/nowhere/ca.crt"}, "BOX_KAFKA_CA_FILE: cannot open '/nowhere/ca.crt'"),
    ({"BOX_KAFKA_CA_FILE": __file__}, "not in PEM format"),
    ({"BOX_KAFKA_PASSWORD": None}, "sasl.username and sasl.password must be set"),
    ({"BOX_KAFKA_SECURITY": "TLS"}, "security.protocol"),
    ({"BOX_KAFKA_MECHANISM": "NONE"}, "Unsupported SASL mechanism"),
    ({"BOX_KAFKA_PASSWORD": "short"}, "BOX_KAFKA_PASSWORD is a secret of fewer than 16 characters"),
])
def test_settings_that_cannot_be_end_the_program(changes, complaint):
    nobody = types.SimpleNamespace(folder=ROOT, port=1)
    done = subprocess.run([ROOT / "build/boxctl", "topics"], env=told(nobody, **({"BOX_KAFKA_CA_FILE": None} | changes)),
                          text=True, capture_output=True, timeout=20)
    assert done.returncode == 1 and complaint in done.stderr, done.stderr
    assert PASSWORD not in done.stderr

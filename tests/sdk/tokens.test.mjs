// A JSON Web Token library that knows nothing of us verifies our access tokens through /.well-known/jwks.json.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { createRemoteJWKSet, decodeProtectedHeader, errors, jwtVerify } from "jose";
import { steer } from "./support.mjs";

const gateway = process.env.BOX_GATEWAY_URL ?? "http://127.0.0.1:8080";
const stack = new URL("../../scripts/stack", import.meta.url).pathname;
const password = "correct-Horse-7-battery";
const PATIENCE_MS = 20_000;

async function boxctl(...words) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("BOX_")));
  const name = process.env.BOX_STACK ?? "dev";
  return promisify(execFile)(stack, ["--stack", name, "exec", "boxctl", ...words], { env });
}

async function post(path, body) {
  const response = await fetch(new URL(path, gateway), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  assert.ok(response.ok, `${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

async function signUp(email) {
  const person = { name: "홍길동", phone: "01012345678", birthDate: "1990-01-01", ci: `ci-${email}` };
  const { identityVerificationId } = await steer("POST", "/sandbox/identity-verifications", person);
  const { terms } = await (await fetch(new URL("/auth/terms", gateway))).json();
  const agreements = terms.map((item) => ({ type: item.type, version: item.version, agreed: item.required }));
  const { name, phone } = person;
  const rest = { agreements, recaptchaToken: "sandbox-pass", identityVerificationId };
  await post("/auth/signup", { email, password, name, phone, ...rest });
}

const logIn = (email) => post("/auth/login", { email, password, recaptchaToken: "sandbox-pass" });

// Refreshes until the token is of that algorithm: a new key signs from its time on.
async function refreshUntil(algorithm, tokens) {
  const end = Date.now() + PATIENCE_MS;
  while (decodeProtectedHeader(tokens.accessToken).alg !== algorithm) {
    assert.ok(Date.now() < end, `no token of ${algorithm} in time`);
    await pause(1000); // a session may not refresh oftener than some thirty times in a quarter of an hour
    tokens = await post("/auth/refresh", { refreshToken: tokens.refreshToken });
  }
  return tokens;
}

test("an access token is verified through the key set, and nothing else is", { timeout: 60_000 }, async () => {
  const email = `${randomUUID()}@example.com`;
  await signUp(email);
  const before = await logIn(email);
  await boxctl("keys", "rotate", "jwt", "--algorithm", "ES256", "--after", "3");
  try {
    const tokens = await refreshUntil("ES256", before);
    const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", gateway));
    const expected = { issuer: "boxoffice", audience: "boxoffice", algorithms: ["ES256"] };
    const { payload, protectedHeader } = await jwtVerify(tokens.accessToken, keys, expected);
    assert.equal(payload.typ, "access");
    assert.equal(payload.role, "USER");
    assert.equal(payload.exp - payload.iat, 3600);
    assert.equal(protectedHeader.typ, "JWT");
    const [header, , signature] = tokens.accessToken.split(".");
    const other = Buffer.from(JSON.stringify({ ...payload, role: "ADMIN" })).toString("base64url");
    await assert.rejects(jwtVerify(`${header}.${other}.${signature}`, keys, expected), errors.JWSSignatureVerificationFailed);
    await assert.rejects(jwtVerify(tokens.refreshToken, keys, { ...expected, algorithms: ["HS256", "ES256"] }));
  } finally {
    await boxctl("keys", "rotate", "jwt", "--algorithm", "HS256", "--after", "2");
  }
});

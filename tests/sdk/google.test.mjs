// An OpenID Connect client library that knows nothing of us against the sandbox's Google and Kakao.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import * as client from "openid-client";
import { credentials, sandbox, steer } from "./support.mjs";

const redirectUri = "http://127.0.0.1:8080/auth/oauth2/callback";
const options = { timeout: 20_000 };

async function discover(issuer) {
  return client.discovery(new URL(issuer, sandbox), credentials.clientId, credentials.clientSecret, undefined, {
    execute: [client.allowInsecureRequests],
  });
}

// Plays the browser: follows the authorize address to where it redirects.
async function consent(config, parameters) {
  const address = client.buildAuthorizationUrl(config, { redirect_uri: redirectUri, ...parameters });
  const response = await fetch(address, { redirect: "manual" });
  assert.equal(response.status, 302);
  return new URL(response.headers.get("location"));
}

for (const [provider, issuer] of Object.entries({ google: "/google", kakao: "/kauth" })) {
  test(`${provider}: code with PKCE, state and nonce gives a valid id_token`, options, async () => {
    const subject = String(randomInt(1e12));
    await steer("POST", `/sandbox/oauth/${provider}/users`, { subject, email: "one@example.com", name: "하나" });
    const config = await discover(issuer);
    const verifier = client.randomPKCECodeVerifier();
    const state = client.randomState();
    const nonce = client.randomNonce();
    const callback = await consent(config, {
      scope: "openid email profile",
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      nonce,
      sandbox_user: subject,
    });
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
    client.enableNonRepudiationChecks(config);
    const tokens = await client.authorizationCodeGrant(config, callback, checks);
    assert.equal(tokens.claims().sub, subject);
    assert.equal(tokens.claims().email, "one@example.com");
    await assert.rejects(client.authorizationCodeGrant(config, callback, checks), { error: "invalid_grant" });
    const renewed = await client.refreshTokenGrant(config, tokens.refresh_token);
    assert.notEqual(renewed.access_token, tokens.access_token);
  });
}

test("google: userinfo is the same person", options, async () => {
  const subject = String(randomInt(1e12));
  await steer("POST", "/sandbox/oauth/google/users", { subject, name: "둘" });
  const config = await discover("/google");
  const callback = await consent(config, { scope: "openid", sandbox_user: subject });
  const tokens = await client.authorizationCodeGrant(config, callback);
  const person = await client.fetchUserInfo(config, tokens.access_token, subject);
  assert.equal(person.name, "둘");
});

test("google: a wrong verifier, a wrong client secret and an unknown person are refused", options, async () => {
  const subject = String(randomInt(1e12));
  await steer("POST", "/sandbox/oauth/google/users", { subject });
  const config = await discover("/google");
  const code_challenge = await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier());
  const pkce = { scope: "openid", code_challenge, code_challenge_method: "S256", sandbox_user: subject };
  await assert.rejects(
    client.authorizationCodeGrant(config, await consent(config, pkce), {
      pkceCodeVerifier: client.randomPKCECodeVerifier(),
    }),
    { error: "invalid_grant" },
  );
  const impostor = new client.Configuration(config.serverMetadata(), credentials.clientId, "wrong");
  client.allowInsecureRequests(impostor);
  await assert.rejects(
    client.authorizationCodeGrant(impostor, await consent(config, { scope: "openid", sandbox_user: subject })),
    { error: "invalid_client" },
  );
  const refused = await consent(config, { scope: "openid", sandbox_user: "nobody", state: "s" });
  assert.equal(refused.searchParams.get("error"), "access_denied");
  assert.equal(refused.searchParams.get("state"), "s");
});

// ---- our side of it ----

const gateway = process.env.BOX_GATEWAY_URL ?? "http://127.0.0.1:8080";

// A browser as far as we need one: it does not follow redirects, and keeps our cookie.
async function begin(provider, subject) {
  const address = new URL(`/auth/oauth2/${provider}`, gateway);
  address.searchParams.set("sandbox_user", subject);
  const response = await fetch(address, { redirect: "manual" });
  assert.equal(response.status, 302);
  return { to: new URL(response.headers.get("location")), cookie: response.headers.get("set-cookie").split(";")[0] };
}

async function follow(address) {
  const response = await fetch(address, { redirect: "manual" });
  assert.equal(response.status, 302);
  return new URL(response.headers.get("location"));
}

for (const [provider, issuer] of Object.entries({ google: "/google", kakao: "/kauth" })) {
  test(`${provider}: our authorize address asks what the provider's metadata offer`, options, async () => {
    const metadata = (await discover(issuer)).serverMetadata();
    const { to } = await begin(provider, "1");
    const asked = Object.fromEntries(to.searchParams);
    assert.equal(to.origin + to.pathname, metadata.authorization_endpoint);
    assert.ok(metadata.response_types_supported.includes(asked.response_type));
    assert.ok(metadata.code_challenge_methods_supported.includes(asked.code_challenge_method));
    assert.ok(asked.scope.split(" ").includes("openid"));
    assert.equal(asked.client_id, credentials.clientId);
    assert.match(asked.code_challenge, /^[\w-]{43}$/);
    assert.equal(new Set([asked.state, asked.nonce, asked.code_challenge]).size, 3);
  });

  test(`${provider}: our code, state and PKCE are bound to us, and the person is the one the library sees`, options, async () => {
    const subject = String(randomInt(1e12));
    const email = `p${subject}@example.com`;
    await steer("POST", `/sandbox/oauth/${provider}/users`, { subject, email, name: "셋" });
    const config = await discover(issuer);

    // A code that was sent to us is no use to whoever has it but not our verifier, though they know our client.
    const stolen = await begin(provider, subject);
    const callback = await follow(stolen.to);
    const checks = { expectedState: stolen.to.searchParams.get("state"), expectedNonce: stolen.to.searchParams.get("nonce") };
    await assert.rejects(
      client.authorizationCodeGrant(config, callback, { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() }),
      { error: "invalid_grant" },
    );

    // What the library believes of the person we believe too.
    const own = await consent(config, { scope: "openid email", nonce: "n", sandbox_user: subject });
    const claims = (await client.authorizationCodeGrant(config, own, { expectedNonce: "n" })).claims();
    const { to, cookie } = await begin(provider, subject);
    const answer = await fetch(await follow(to), { headers: { Cookie: cookie } });
    assert.equal(answer.status, 200);
    const offer = await answer.json();
    assert.equal(offer.email, claims.email);
    assert.match(offer.linkToken, /^[\w-]{43}$/);
  });
}

// The queue's reference client against a scripted server, with a clock that moves when told: no network, no waiting.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { QueueClient } from "../../web/queue-client.mjs";
import { Clock, refusal, Server, storageOf } from "./support.mjs";

const scheduleId = "018f3c0e-7d2a-7c1b-9a33-5f0f3b1d2c4e";
const storageKey = `boxoffice-queue-${scheduleId}`;
const ENTER = "POST /queue/enter";
const STATUS = "GET /queue/status";
const SERVING = "GET /queue/serving";
const LEAVE = "DELETE /queue/leave";

const waiting = (more) => ({
  body: { status: "WAITING", scheduleId, rank: 812, sequence: 900, estimatedWaitTime: 82, pollAfter: 60, ...more },
});
const tokenExpiresAt = "2026-06-01T19:10:00+09:00";
const active = { body: { status: "ACTIVE", scheduleId, pollAfter: 5, token: "qr_1", tokenExpiresAt, tokenExpiresIn: 600 } };
const serving = (servingSequence) => ({ body: { scheduleId, servingSequence, waiting: 5000, admissionRate: 10 } });

const running = [];
afterEach(() => {
  for (const { client, server } of running.splice(0)) {
    client.stop();
    assert.deepEqual(server.unanswered, []);
  }
});

// A started client in a world of its own; random is in the middle, so that jitter is half of what it may be.
async function wait(routes, options = {}) {
  const clock = new Clock();
  const server = new Server(clock, { [SERVING]: serving(0), ...routes });
  const storage = options.storage ?? storageOf();
  const told = [];
  const client = new QueueClient({
    baseUrl: "https://box.example/",
    scheduleId,
    getAccessToken: () => "access-1",
    onChange: (snapshot) => told.push(snapshot),
    fetch: server.fetch,
    now: clock.now,
    setTimeout: clock.setTimeout,
    clearTimeout: clock.clearTimeout,
    random: () => 0.5,
    ...options,
    storage,
  });
  running.push({ client, server });
  client.start();
  await clock.pass(0);
  return { client, clock, server, storage, told, last: () => told.at(-1) };
}

const times = (requests) => requests.map(({ at }) => at - 1000);

// ---- the way ----

test("from before the opening to the token", async () => {
  const opening = 1300;
  const opensAt = "2026-06-01T19:00:00+09:00";
  // Ten people a second are called from the opening on.
  const cursor = (at) => Math.max(0, Math.floor((at - opening) * 10));
  const place = { status: "PRE_OPEN", scheduleId, arrival: 77, receipt: "receipt-1", opensAt, pollAfter: 304 };
  const world = await wait({
    [ENTER]: { body: place },
    [STATUS]: ({ at }) => (cursor(at) >= 3000 ? active : waiting({ sequence: 3000, rank: 3000 - cursor(at) })),
    [SERVING]: ({ at }) => serving(cursor(at)),
  });
  assert.deepEqual(world.told, [
    {
      state: "PRE_OPEN", arrival: 77, opensAt, servingSequence: null, code: null, rank: null, sequence: null,
      estimatedWaitTime: null, delayReason: null, token: null, tokenExpiresAt: null,
      tokenExpiresIn: null,
    },
  ]);
  assert.ok(Object.isFrozen(world.last()));
  assert.equal(world.storage.contents[storageKey], "receipt-1");

  await world.clock.pass(303);
  assert.equal(world.server.requests.length, 1);
  await world.clock.pass(2);
  assert.equal(world.last().state, "WAITING");
  assert.equal(world.last().sequence, 3000);
  assert.equal(world.last().rank, 2960);
  assert.equal(world.last().arrival, 77);

  await world.clock.pass(600);
  const states = world.told.map(({ state }) => state);
  assert.deepEqual(states.filter((state, n) => state !== states[n - 1]), ["PRE_OPEN", "WAITING", "ACTIVE"]);
  assert.equal(world.last().token, "qr_1");
  assert.equal(world.last().tokenExpiresAt, tokenExpiresAt);
  assert.equal(world.last().tokenExpiresIn, 600);
  const called = opening + 300 - 1000;
  const asked = times(world.server.to(STATUS)).at(-1);
  assert.ok(asked >= called && asked <= called + 15, `called at ${called}, asked at ${asked}`);
  assert.equal(world.clock.timers, 0);
});

test("ten minutes of waiting cost ten questions and forty looks at the cached cursor", async () => {
  const world = await wait({ [ENTER]: waiting(), [STATUS]: waiting() });
  await world.clock.pass(600);
  assert.equal(world.server.to(ENTER).length, 1);
  assert.deepEqual(times(world.server.to(STATUS)), [60, 120, 180, 240, 300, 360, 420, 480, 540, 600]);
  const looks = world.server.to(SERVING).length;
  assert.ok(looks >= 38 && looks <= 42, `${looks}`);
});

test("near the front the cursor is read about every five seconds", async () => {
  for (const [random, interval] of [[0, 4], [0.5, 5], [0.999, 6]]) {
    const near = waiting({ pollAfter: 12 });
    const world = await wait({ [ENTER]: near, [STATUS]: near }, { random: () => random });
    await world.clock.pass(120);
    const at = times(world.server.to(SERVING));
    for (let n = 1; n < at.length; n++) assert.ok(Math.abs(at[n] - at[n - 1] - interval) < 0.01, `${at}`);
    assert.deepEqual(times(world.server.to(STATUS)), [12, 24, 36, 48, 60, 72, 84, 96, 108, 120]);
    world.client.stop();
  }
});

test("an answer that does not say when to ask again is no storm", async () => {
  const bare = waiting({ pollAfter: undefined });
  const world = await wait({ [ENTER]: bare, [STATUS]: bare });
  await world.clock.pass(16);
  assert.deepEqual(times(world.server.to(STATUS)), [5, 10, 15]);
});

test("somebody admitted at once asks nothing more", async () => {
  const world = await wait({ [ENTER]: active });
  await world.clock.pass(600);
  assert.equal(world.last().state, "ACTIVE");
  assert.equal(world.server.requests.length, 1);
  assert.equal(world.clock.timers, 0);
});

test("a client that has ended may be started again", async () => {
  const world = await wait({ [ENTER]: [active, waiting()] });
  world.client.start();
  world.client.start();
  await world.clock.pass(0);
  assert.equal(world.server.to(ENTER).length, 2);
  assert.equal(world.last().state, "WAITING");
  assert.equal(world.last().token, null);
});

// ---- the cursor ----

test("the number being served never goes backwards", async () => {
  const cursor = [serving(100), serving(90), serving(undefined), serving(120)];
  const world = await wait({ [ENTER]: waiting(), [STATUS]: waiting(), [SERVING]: cursor });
  await world.clock.pass(59);
  assert.equal(world.server.to(SERVING).length, 4);
  assert.deepEqual(world.told.map(({ servingSequence }) => servingSequence), [null, 100, 120]);
});

test("who is called asks for the token at once", async () => {
  const world = await wait({ [ENTER]: waiting(), [STATUS]: active, [SERVING]: [serving(899), serving(900)] });
  await world.clock.pass(60);
  const [, crossed] = times(world.server.to(SERVING));
  assert.ok(crossed < 30);
  assert.deepEqual(times(world.server.to(STATUS)), [crossed]);
  assert.equal(world.last().state, "ACTIVE");
});

test("who was passed over asks at once only when the cursor passes", async () => {
  const world = await wait({ [ENTER]: waiting(), [STATUS]: waiting(), [SERVING]: serving(950) });
  await world.clock.pass(130);
  const [first] = times(world.server.to(SERVING));
  assert.deepEqual(times(world.server.to(STATUS)), [first, first + 60, first + 120]);
});

test("a cursor that cannot be read is asked for less and less, and spoils nothing", async () => {
  const world = await wait({ [ENTER]: waiting(), [STATUS]: waiting(), [SERVING]: { networkError: true } });
  await world.clock.pass(600);
  assert.equal(world.server.to(STATUS).length, 10);
  const looks = times(world.server.to(SERVING));
  assert.ok(looks.length < 25, `${looks}`);
  assert.ok(looks.at(-1) - looks.at(-2) > 30, `${looks}`);
  assert.ok(world.told.every(({ code, state }) => code === null && state === "WAITING"));
});

// ---- trouble ----

test("Retry-After is waited for, and a little more", async () => {
  for (const [status, code] of [[429, "TOO_MANY_REQUESTS"], [503, "SERVICE_UNAVAILABLE"]]) {
    const refused = refusal(status, code, { "Retry-After": "20" });
    const world = await wait({ [ENTER]: waiting(), [STATUS]: [refused, refused, waiting()] });
    await world.clock.pass(70);
    assert.equal(world.last().code, code);
    assert.equal(world.last().state, "WAITING");
    assert.equal(world.last().rank, 812);
    await world.clock.pass(40);
    assert.deepEqual(times(world.server.to(STATUS)), [60, 82, 104]);
    assert.equal(world.last().code, null);
    world.client.stop();
  }
});

test("a full line is tried again until there is room", async () => {
  const full = refusal(503, "QUEUE_FULL", { "Retry-After": "30" });
  const world = await wait({ [ENTER]: [full, full, full, waiting()] });
  assert.equal(world.last().state, null);
  assert.equal(world.last().code, "QUEUE_FULL");
  await world.clock.pass(120);
  assert.deepEqual(times(world.server.to(ENTER)), [0, 33, 66, 99]);
  assert.equal(world.last().state, "WAITING");
});

test("errors are answered with longer and longer pauses, up to a minute", async () => {
  for (const trouble of [{ networkError: true }, { status: 500, body: {} }, { status: 200, body: null }]) {
    for (const [random, expected] of [
      [0, [1, 1, 1, 1, 1, 1, 1]],
      [0.5, [1.5, 2.5, 4.5, 8.5, 16.5, 30.5, 30.5]],
      [1, [2, 4, 8, 16, 32, 60, 60]],
    ]) {
      const world = await wait({ [ENTER]: trouble }, { random: () => random });
      await world.clock.pass(300);
      const at = times(world.server.to(ENTER)).slice(0, 8);
      assert.deepEqual(at.slice(1).map((time, n) => time - at[n]), expected);
      assert.equal(world.last().state, null);
      assert.equal(world.last().code, trouble.status === 500 ? "HTTP_500" : "NETWORK");
      world.client.stop();
    }
  }
});

test("pauses begin anew after a success", async () => {
  const down = { networkError: true };
  const near = waiting({ pollAfter: 10 });
  const world = await wait({ [ENTER]: near, [STATUS]: [down, down, near, down, near] });
  await world.clock.pass(30);
  assert.deepEqual(times(world.server.to(STATUS)), [10, 11.5, 14, 24, 25.5]);
});

test("a server that does not answer is given up after a while", async () => {
  const world = await wait({ [ENTER]: [{ silent: true }, waiting()] });
  await world.clock.pass(14);
  assert.equal(world.told.length, 0);
  await world.clock.pass(3);
  assert.deepEqual(world.told.map(({ state, code }) => [state, code]), [[null, "NETWORK"], ["WAITING", null]]);
});

test("a place that the server has forgotten is entered again with the receipt", async () => {
  const world = await wait({
    [ENTER]: [waiting({ arrival: 900, receipt: "receipt-1" }), waiting({ rank: 700, receipt: "receipt-2" })],
    [STATUS]: [refusal(404, "NOT_IN_QUEUE"), waiting()],
  });
  await world.clock.pass(60);
  const sent = world.server.to(ENTER).map(({ body }) => body);
  assert.deepEqual(sent, [{ scheduleId }, { scheduleId, receipt: "receipt-1" }]);
  assert.equal(world.last().rank, 700);
  assert.equal(world.last().arrival, null);
  assert.equal(world.storage.contents[storageKey], "receipt-2");
});

test("a forgotten place is not shown while the line is full", async () => {
  const full = refusal(503, "QUEUE_FULL", { "Retry-After": "30" });
  const routes = { [ENTER]: [waiting({ arrival: 900 }), full, waiting()], [STATUS]: refusal(404, "NOT_IN_QUEUE") };
  const world = await wait(routes);
  await world.clock.pass(60);
  const { state, rank, arrival, code } = world.last();
  assert.deepEqual([state, rank, arrival, code], [null, null, null, "QUEUE_FULL"]);
  await world.clock.pass(40);
  assert.equal(world.last().state, "WAITING");
});

test("the receipt outlives a reload", async () => {
  const storage = storageOf({ [storageKey]: "receipt-9" });
  const world = await wait({ [ENTER]: waiting() }, { storage });
  assert.deepEqual(world.server.to(ENTER)[0].body, { scheduleId, receipt: "receipt-9" });
});

test("a kept text that is no receipt is dropped", async () => {
  const storage = storageOf({ [storageKey]: "garbage" });
  const world = await wait({ [ENTER]: [refusal(400, "INVALID_REQUEST"), waiting()] }, { storage });
  assert.deepEqual(world.server.to(ENTER).map(({ body }) => body.receipt), ["garbage", undefined]);
  assert.equal(world.last().state, "WAITING");
  assert.deepEqual(storage.contents, {});
});

test("a storage that fails is done without", async () => {
  const fail = () => {
    throw new Error("denied");
  };
  const storage = { getItem: fail, setItem: fail, removeItem: fail };
  const routes = { [ENTER]: waiting({ receipt: "receipt-1" }), [STATUS]: [refusal(404, "NOT_IN_QUEUE"), waiting()] };
  const world = await wait(routes, { storage });
  await world.clock.pass(60);
  assert.equal(world.server.to(ENTER)[1].body.receipt, "receipt-1");
  assert.equal(world.last().state, "WAITING");
});

test("an access token that has ended is asked for once more", async () => {
  const asked = [];
  const getAccessToken = async (refused) => {
    asked.push(refused);
    return refused ? "access-2" : "access-1";
  };
  const world = await wait({ [ENTER]: [refusal(401, "TOKEN_EXPIRED"), waiting()] }, { getAccessToken });
  assert.deepEqual(asked, [undefined, "access-1"]);
  const shown = world.server.to(ENTER).map(({ headers }) => headers.Authorization);
  assert.deepEqual(shown, ["Bearer access-1", "Bearer access-2"]);
  assert.equal(world.last().state, "WAITING");
});

test("a second refusal of the access token is reported", async () => {
  const world = await wait({ [ENTER]: refusal(401, "TOKEN_REVOKED") });
  await world.clock.pass(600);
  assert.equal(world.server.requests.length, 2);
  assert.equal(world.last().state, "ERROR");
  assert.equal(world.last().code, "TOKEN_REVOKED");
  assert.equal(world.clock.timers, 0);
});

test("a page that has no access token at the moment is asked again", async () => {
  let calls = 0;
  const getAccessToken = async () => {
    if (++calls === 1) throw new Error("the network is down");
    return "access-1";
  };
  const world = await wait({ [ENTER]: waiting() }, { getAccessToken });
  assert.equal(world.last().code, "NO_ACCESS_TOKEN");
  assert.equal(world.server.requests.length, 0);
  await world.clock.pass(2);
  assert.equal(world.last().state, "WAITING");
});

// ---- the end ----

test("the end of the sale ends it, asked either way", async () => {
  const over = refusal(409, "SALE_ENDED");
  for (const routes of [{ [ENTER]: over }, { [ENTER]: waiting({ receipt: "receipt-1" }), [STATUS]: over }]) {
    const world = await wait(routes);
    await world.clock.pass(600);
    assert.equal(world.last().state, "ENDED");
    assert.equal(world.last().code, "SALE_ENDED");
    assert.equal(world.last().rank, null);
    assert.deepEqual(world.storage.contents, {});
    assert.equal(world.server.requests.at(-1).at, world.server.to(routes[STATUS] ? STATUS : ENTER)[0].at);
    assert.equal(world.clock.timers, 0);
  }
});

test("what repeating cannot help is reported", async () => {
  for (const [status, code] of [
    [409, "ALREADY_QUEUED_ELSEWHERE"],
    [409, "SALE_NOT_OPEN"],
    [400, "INVALID_REQUEST"],
    [404, "SCHEDULE_NOT_FOUND"],
    [403, "FORBIDDEN"],
  ]) {
    const world = await wait({ [ENTER]: refusal(status, code) });
    await world.clock.pass(600);
    assert.equal(world.last().state, "ERROR");
    assert.equal(world.last().code, code);
    assert.equal(world.server.requests.length, 1);
    assert.equal(world.clock.timers, 0);
  }
});

test("stop leaves no timer and tells nothing more", async () => {
  const preOpen = { body: { status: "PRE_OPEN", scheduleId, arrival: 1, receipt: "r", pollAfter: 50 } };
  for (const entered of [waiting(), preOpen, { silent: true }, { networkError: true }]) {
    const world = await wait({ [ENTER]: entered, [STATUS]: active });
    const told = world.told.length;
    assert.equal(world.clock.timers, 1);
    world.client.stop();
    assert.equal(world.clock.timers, 0);
    await world.clock.pass(600);
    assert.equal(world.clock.timers, 0);
    assert.equal(world.server.requests.length, 1);
    assert.equal(world.told.length, told);
  }
});

test("stop while the page looks for an access token asks nothing", async () => {
  let give;
  const getAccessToken = () => new Promise((resolve) => (give = resolve));
  const world = await wait({ [ENTER]: waiting() }, { getAccessToken });
  world.client.stop();
  give("access-1");
  await world.clock.pass(600);
  assert.equal(world.server.requests.length, 0);
  assert.equal(world.told.length, 0);
});

test("stop from within onChange leaves no timer", async () => {
  const world = await wait({ [ENTER]: waiting() }, { onChange: () => running.at(-1).client.stop() });
  assert.equal(world.clock.timers, 0);
});

test("a signal stops, before the start too", async () => {
  const abort = new AbortController();
  const world = await wait({ [ENTER]: waiting() }, { signal: abort.signal });
  abort.abort();
  assert.equal(world.clock.timers, 0);
  world.client.start();
  await world.clock.pass(600);
  assert.equal(world.server.requests.length, 1);
});

test("a client started again goes on alone", async () => {
  const world = await wait({ [ENTER]: waiting(), [STATUS]: waiting() });
  world.client.stop();
  world.client.start();
  await world.clock.pass(119);
  assert.equal(world.server.to(ENTER).length, 2);
  assert.equal(world.server.to(STATUS).length, 1);
});

test("leaving gives up the place and the receipt", async () => {
  const left = [{ body: { message: "left" } }, refusal(404, "NOT_IN_QUEUE")];
  const world = await wait({ [ENTER]: waiting({ receipt: "receipt-1" }), [LEAVE]: left });
  await world.client.leave();
  assert.equal(world.last().state, "ENDED");
  assert.equal(world.last().code, "LEFT");
  assert.deepEqual(world.storage.contents, {});
  assert.equal(world.server.to(LEAVE)[0].headers.Authorization, "Bearer access-1");
  assert.equal(world.clock.timers, 0);
  await world.client.leave();
  assert.equal(world.server.to(LEAVE).length, 2);
});

test("leaving that did not work says so and keeps the receipt", async () => {
  const world = await wait({ [ENTER]: waiting({ receipt: "receipt-1" }), [LEAVE]: { networkError: true } });
  await assert.rejects(world.client.leave(), { code: "NETWORK" });
  assert.equal(world.storage.contents[storageKey], "receipt-1");
  assert.equal(world.last().state, "WAITING");
});

// ---- manners ----

test("without a world for tests the platform's own is used", async (context) => {
  const server = new Server(new Clock(), { [ENTER]: active });
  context.mock.method(globalThis, "fetch", server.fetch);
  const last = await new Promise((resolve) => {
    const getAccessToken = () => "access-1";
    new QueueClient({ baseUrl: "https://box.example", scheduleId, getAccessToken, onChange: resolve }).start();
  });
  assert.equal(last.state, "ACTIVE");
  assert.equal(server.requests.length, 1);
});

test("an onChange that fails is reported and costs nobody the place", async (context) => {
  const reported = [];
  const listeners = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (error) => reported.push(error.message));
  context.after(() => {
    process.removeAllListeners("unhandledRejection");
    for (const listener of listeners) process.on("unhandledRejection", listener);
  });
  const world = await wait({ [ENTER]: waiting(), [STATUS]: active }, {
    onChange: () => {
      throw new Error("the page is broken");
    },
  });
  await world.clock.pass(70);
  assert.equal(world.server.to(STATUS).length, 1);
  assert.ok(reported.length >= 2 && reported.every((message) => message === "the page is broken"));
});

test("addresses have one spelling, and no token or receipt is in one, in a log or a cache", async (context) => {
  const levels = ["log", "info", "warn", "error", "debug"];
  const logged = levels.map((level) => context.mock.method(console, level, () => {}));
  const world = await wait({
    [ENTER]: [refusal(401, "TOKEN_EXPIRED"), waiting({ receipt: "receipt-1" })],
    [STATUS]: [{ networkError: true }, active],
    [LEAVE]: { body: {} },
  }, { scheduleId: scheduleId.toUpperCase() });
  await world.clock.pass(120);
  await world.client.leave();
  assert.equal(logged.flatMap(({ mock }) => mock.calls).length, 0);
  assert.deepEqual(new Set(world.server.requests.map(({ url }) => url)), new Set([
    "https://box.example/queue/enter",
    `https://box.example/queue/status?scheduleId=${scheduleId}`,
    `https://box.example/queue/serving?scheduleId=${scheduleId}`,
    `https://box.example/queue/leave?scheduleId=${scheduleId}`,
  ]));
  const looks = world.server.to(SERVING);
  assert.ok(looks.length > 0 && looks.every(({ headers }) => headers.Authorization === undefined));
  for (const { headers, cache, credentials } of world.server.requests)
    assert.deepEqual([cache, credentials], [headers.Authorization ? "no-store" : undefined, "omit"]);
});

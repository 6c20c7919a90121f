// One person's way through the waiting room: the reference client, for browsers and Node.js from 18, no dependencies.
//
// new QueueClient({ baseUrl, scheduleId, getAccessToken, storage, onChange, signal })
//   baseUrl         where the API is; "" is the page's own origin
//   getAccessToken  (refused) => access token, or a promise of it; asked before every request. `refused` is the one
//                   that was just answered with 401, so that it is renewed and not given again; else undefined
//   storage         like localStorage: keeps the receipt, so that a place outlives a reload. Without it: in memory
//   onChange        (snapshot) => void, whenever something in the snapshot has changed
//   signal          an AbortSignal that does what stop() does
//   fetch, now (milliseconds), setTimeout, clearTimeout, random     the world, for tests
// start()   enters, or goes on with the place one has. It ends by itself with ACTIVE, ENDED and ERROR; while it runs,
//           starting again does nothing
// stop()    asks nothing more and leaves no timer; the place stays as long as the server waits for a sign of life
// leave()   stops and gives up the place; rejects with an Error with a `code` if that did not work
//
// Snapshot: frozen; null is what is not known. Its `state` is one of
//   null      no place yet
//   PRE_OPEN  the sale opens at `opensAt`; `arrival` is one's number in the draw
//   WAITING   `rank`, `sequence`, `servingSequence`, `estimatedWaitTime` (seconds), `delayReason` (SOLD_OUT, PAUSED, FULL,
//             SLOWER)
//   ACTIVE    `token` is the X-Queue-Token until `tokenExpiresAt`, for `tokenExpiresIn` seconds from now
//   ENDED     the `code` is SALE_ENDED, or LEFT
//   ERROR     repeating would not help; the `code` says why: ALREADY_QUEUED_ELSEWHERE, TOKEN_EXPIRED ...
// In the first three a `code` says why the last request failed (QUEUE_FULL, NETWORK ...); it is being repeated.
//
// Tokens and receipts are in headers, bodies, the storage and the snapshot: never in an address or a log.

const RETRY_FIRST_S = 1;
const RETRY_LAST_S = 60;
const RETRY_AFTER_JITTER = 0.2;
const POLL_DEFAULT_S = 5;
const SERVING_FLOOR_S = 5;
const SERVING_PER_POLL = 4;
const SERVING_JITTER = 0.2;
// Longer than the gateway waits for the queue.
const ANSWER_TIMEOUT_S = 15;

const ENDINGS = ["SALE_ENDED", "LEFT"];
const TOLD = ["rank", "sequence", "estimatedWaitTime", "delayReason", "token", "tokenExpiresAt", "tokenExpiresIn",
  "opensAt"];
const fieldsOf = (body) => Object.fromEntries(TOLD.map((name) => [name, body[name] ?? null]));

// A browser's own functions must not be called as methods of something else.
const WORLD = {
  fetch: (...words) => globalThis.fetch(...words),
  now: () => performance.now(),
  setTimeout: (...words) => globalThis.setTimeout(...words),
  clearTimeout: (timer) => globalThis.clearTimeout(timer),
  random: () => Math.random(),
};

const failure = (code) => ({ ok: false, status: 0, code, retryAfter: 0 });
const mayBeRepeated = ({ status }) => status === 0 || status === 429 || status >= 500;

export class QueueClient {
  #options;
  #world;
  #query;
  #storageKey;
  #receipt;
  #snapshot = Object.freeze({ state: null, arrival: null, servingSequence: null, code: null, ...fieldsOf({}) });
  #run = null;
  #servingAt = null;
  #servingFailures = 0;

  constructor({ baseUrl, scheduleId, getAccessToken, storage, onChange = () => {}, signal, ...world }) {
    this.#options = { baseUrl: baseUrl.replace(/\/$/, ""), scheduleId, getAccessToken, storage, onChange, signal };
    this.#world = { ...WORLD, ...world };
    this.#query = `?scheduleId=${encodeURIComponent(scheduleId.toLowerCase())}`;
    this.#storageKey = `boxoffice-queue-${scheduleId}`;
    this.#receipt = this.#inStorage((kept) => kept.getItem(this.#storageKey)) ?? undefined;
    signal?.addEventListener("abort", () => this.stop());
  }

  start() {
    if (this.#run || this.#options.signal?.aborted) return;
    const run = new AbortController();
    this.#run = run;
    this.#follow(run.signal)
      .catch((error) => run.signal.aborted || Promise.reject(error))
      .finally(() => this.#run === run && this.stop());
  }

  stop() {
    this.#run?.abort();
    this.#run = null;
  }

  async leave() {
    this.stop();
    const { ok, status, code } = await this.#ask(new AbortController().signal, "DELETE", "/queue/leave" + this.#query);
    if (!ok && status !== 404) throw Object.assign(new Error(`leaving the queue failed: ${code}`), { code });
    this.#end("LEFT");
  }

  // ---- the way ----

  async #follow(run) {
    let inside = false;
    let failures = 0;
    for (;;) {
      const answer = await (inside ? this.#ask(run, "GET", "/queue/status" + this.#query) : this.#enter(run));
      if (answer.ok) {
        inside = true;
        failures = 0;
        this.#accept(answer.body);
        if (answer.body.status === "ACTIVE") return;
        await this.#wait(run, answer.body.pollAfter > 0 ? answer.body.pollAfter : POLL_DEFAULT_S);
      } else if (mayBeRepeated(answer)) {
        failures += 1;
        this.#tell({ code: answer.code });
        await this.#sleep(run, this.#retryDelay(failures, answer.retryAfter));
      } else if (inside && answer.status === 404) {
        inside = false;
        this.#tell({ ...fieldsOf({}), state: null, arrival: null });
      } else if (!inside && answer.status === 400 && this.#receipt) {
        // What the storage held was no receipt.
        this.#keepReceipt(undefined);
      } else {
        return this.#end(answer.code);
      }
    }
  }

  #enter(run) {
    return this.#ask(run, "POST", "/queue/enter", { scheduleId: this.#options.scheduleId, receipt: this.#receipt });
  }

  #accept(body) {
    if (body.receipt) this.#keepReceipt(body.receipt);
    const arrival = body.arrival ?? this.#snapshot.arrival;
    this.#tell({ ...fieldsOf(body), state: body.status, arrival, code: null });
  }

  #end(code) {
    const ended = ENDINGS.includes(code);
    if (ended) this.#keepReceipt(undefined);
    this.#tell({ ...fieldsOf({}), state: ended ? "ENDED" : "ERROR", code });
  }

  // Until the status is to be asked: after pollAfter seconds, or as soon as one is called.
  async #wait(run, pollAfter) {
    const until = this.#world.now() + pollAfter * 1000;
    if (this.#snapshot.state === "WAITING") {
      // The first reading is anywhere in the first interval, as many may have entered at one time.
      this.#servingAt ??= this.#world.now() + this.#world.random() * this.#servingInterval(pollAfter);
      while (this.#servingAt < until) {
        await this.#sleep(run, this.#servingAt - this.#world.now());
        if (await this.#readServing(run, pollAfter)) return;
      }
    }
    await this.#sleep(run, until - this.#world.now());
  }

  // Reads the cursor; true when it has just passed one's place. Only then: who was passed over and came back has a
  // place behind the cursor, and learns from the status alone when it is their turn.
  async #readServing(run, pollAfter) {
    const answer = await this.#call(run, "GET", "/queue/serving" + this.#query);
    this.#servingFailures = answer.ok ? 0 : this.#servingFailures + 1;
    const pause = answer.ok ? 0 : this.#retryDelay(this.#servingFailures, answer.retryAfter);
    this.#servingAt = this.#world.now() + Math.max(pause, this.#servingInterval(pollAfter));
    const { servingSequence: before, sequence } = this.#snapshot;
    const serving = Math.max(before ?? 0, answer.body?.servingSequence ?? 0);
    if (answer.ok) this.#tell({ servingSequence: serving });
    return (before ?? 0) < sequence && sequence <= serving;
  }

  #servingInterval(pollAfter) {
    const jitter = 1 + SERVING_JITTER * (2 * this.#world.random() - 1);
    return Math.max(SERVING_FLOOR_S, pollAfter / SERVING_PER_POLL) * jitter * 1000;
  }

  // Exponential with full jitter; never less than the server asks for, but some more, lest all come back at one time.
  #retryDelay(failures, retryAfter) {
    const longest = Math.min(RETRY_LAST_S, RETRY_FIRST_S * 2 ** failures);
    const backOff = RETRY_FIRST_S + this.#world.random() * (longest - RETRY_FIRST_S);
    return Math.max(backOff, retryAfter * (1 + RETRY_AFTER_JITTER * this.#world.random())) * 1000;
  }

  // ---- requests: they fail by stop() only; without an answer the status is 0 ----

  // As this user; 401 is repeated once, with another access token.
  async #ask(run, method, path, body) {
    for (let refused; ; ) {
      // Without one it is tried again: it may have to be renewed over the same bad network.
      const token = await Promise.resolve(refused).then(this.#options.getAccessToken).catch(() => null);
      run.throwIfAborted();
      const answer = token ? await this.#call(run, method, path, token, body) : failure("NO_ACCESS_TOKEN");
      if (answer.status !== 401 || refused) return answer;
      refused = token;
    }
  }

  async #call(run, method, path, token, body) {
    const request = new AbortController();
    const abort = () => {
      this.#world.clearTimeout(timer);
      request.abort();
    };
    const timer = this.#world.setTimeout(abort, ANSWER_TIMEOUT_S * 1000);
    run.addEventListener("abort", abort);
    const headers = { Accept: "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    const init = { method, headers, body: body && JSON.stringify(body), signal: request.signal, credentials: "omit" };
    const answer = await this.#fetched(path, token ? { ...init, cache: "no-store" } : init);
    this.#world.clearTimeout(timer);
    run.removeEventListener("abort", abort);
    run.throwIfAborted();
    return answer;
  }

  async #fetched(path, init) {
    try {
      const response = await this.#world.fetch(this.#options.baseUrl + path, init);
      const { ok, status } = response;
      const body = await response.json().catch(() => null);
      const retryAfter = Number(response.headers.get("Retry-After")) || 0;
      if (ok && body === null) return failure("NETWORK");
      return { ok, status, body, code: body?.code ?? `HTTP_${status}`, retryAfter };
    } catch {
      return failure("NETWORK");
    }
  }

  #sleep(run, ms) {
    run.throwIfAborted();
    return new Promise((resolve, reject) => {
      const over = () => {
        this.#world.clearTimeout(timer);
        run.removeEventListener("abort", over);
        if (run.aborted) reject(run.reason);
        else resolve();
      };
      const timer = this.#world.setTimeout(over, ms);
      run.addEventListener("abort", over);
    });
  }

  // ---- what is kept and told ----

  #keepReceipt(receipt) {
    if (receipt === this.#receipt) return;
    this.#receipt = receipt;
    this.#inStorage((kept) => (receipt ? kept.setItem(this.#storageKey, receipt) : kept.removeItem(this.#storageKey)));
  }

  #inStorage(action) {
    const { storage } = this.#options;
    try {
      return storage && action(storage);
    } catch {
      // A browser may refuse its storage at any time; then memory has to do.
    }
  }

  #tell(changes) {
    const before = this.#snapshot;
    if (Object.keys(changes).every((name) => changes[name] === before[name])) return;
    this.#snapshot = Object.freeze({ ...before, ...changes });
    try {
      this.#options.onChange(this.#snapshot);
    } catch (error) {
      // The page's mistake is reported like any other, and does not cost anybody the place.
      Promise.reject(error);
    }
  }
}

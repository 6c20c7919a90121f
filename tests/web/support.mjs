// A world for the queue's client: a clock that moves when told, a server that answers from a script, a storage.

// Lets everything happen that needs no time.
const settle = () => new Promise((resolve) => setImmediate(resolve));

export class Clock {
  #timers = new Map();
  #lastId = 0;
  time = 1_000_000;

  now = () => this.time;
  setTimeout = (action, ms) => {
    this.#timers.set(++this.#lastId, { action, at: this.time + Math.max(ms, 0) });
    return this.#lastId;
  };
  clearTimeout = (id) => void this.#timers.delete(id);

  get timers() {
    return this.#timers.size;
  }

  async pass(seconds) {
    const end = this.time + seconds * 1000;
    await settle();
    for (let next; (next = this.#nextBy(end)); await settle()) {
      this.#timers.delete(next.id);
      this.time = Math.max(this.time, next.at);
      next.action();
    }
    this.time = end;
  }

  #nextBy(end) {
    const due = [...this.#timers].map(([id, timer]) => ({ id, ...timer })).filter(({ at }) => at <= end);
    return due.sort((one, other) => one.at - other.at || one.id - other.id)[0];
  }
}

// Routes are "METHOD /path": an answer, a function of the request that gives one, or an array of these, the last of
// which stays. An answer is { status, body, headers }, { networkError: true } or { silent: true }.
export class Server {
  requests = [];
  unanswered = [];

  constructor(clock, routes) {
    this.clock = clock;
    this.routes = routes;
  }

  fetch = async (url, { body, signal, ...init }) => {
    const { method } = init;
    const request = { ...init, url, body: body && JSON.parse(body), at: this.clock.time / 1000 };
    this.requests.push(request);
    let answer = this.routes[`${method} ${new URL(url).pathname}`];
    if (Array.isArray(answer)) answer = answer.length > 1 ? answer.shift() : answer[0];
    if (typeof answer === "function") answer = answer(request);
    if (answer === undefined) this.unanswered.push(`${method} ${url}`);
    if (answer === undefined || answer.networkError) throw new TypeError("fetch failed");
    if (answer.silent) return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    return responseOf(answer);
  };

  to(route) {
    return this.requests.filter(({ method, url }) => `${method} ${new URL(url).pathname}` === route);
  }
}

function responseOf({ status = 200, body, headers = {} }) {
  const json = async () => JSON.parse(JSON.stringify(body));
  return { ok: status < 300, status, headers: new Headers(headers), json };
}

export const refusal = (status, code, headers) => ({ status, body: { code, message: code }, headers });

export function storageOf(contents = {}) {
  return {
    contents,
    getItem: (name) => contents[name] ?? null,
    setItem: (name, value) => void (contents[name] = value),
    removeItem: (name) => void delete contents[name],
  };
}

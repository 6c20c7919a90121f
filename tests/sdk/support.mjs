// What the tests share: the sandbox's address and credentials, its steering API, and a receiver of webhooks.
import { createServer } from "node:http";
import { once } from "node:events";

export const sandbox = process.env.BOX_SANDBOX_URL ?? "http://127.0.0.1:8090";

export const credentials = {
  portoneSecret: "sandbox-portone-secret",
  storeId: "store-sandbox",
  webhookSecret: "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC0wMTIzNDU2Nzg5",
  clientId: "sandbox-client",
  clientSecret: "sandbox-client-secret",
};

// Calls the steering API and gives the parsed answer; any status but 2xx is an error.
export async function steer(method, path, body) {
  const response = await fetch(new URL(path, sandbox), {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

// An HTTP server that collects what it is sent. `next()` waits for the next delivery; `refuse` is how many deliveries
// are answered with 500 before the first 200.
export async function startReceiver({ refuse = 0 } = {}) {
  const waiting = [];
  const arrived = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    response.writeHead(refuse-- > 0 ? 500 : 200).end();
    const delivery = { headers: request.headers, body };
    const taker = waiting.shift();
    if (taker) taker(delivery);
    else arrived.push(delivery);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}/webhook`,
    next: () => (arrived.length > 0 ? Promise.resolve(arrived.shift()) : new Promise((take) => waiting.push(take))),
    close: () => server.close(),
  };
}

// PortOne's official server SDK, unchanged, against the sandbox.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { PortOneClient, Webhook } from "@portone/server-sdk";
import { credentials, sandbox, startReceiver, steer } from "./support.mjs";

const portone = PortOneClient({
  secret: credentials.portoneSecret,
  storeId: credentials.storeId,
  baseUrl: sandbox,
});
const options = { timeout: 20_000 };

let receiver;
before(async () => (receiver = await startReceiver()));
after(() => receiver.close());

const newPayment = () => randomUUID().replaceAll("-", "");
const pay = (paymentId, body) => steer("POST", `/sandbox/payments/${paymentId}/pay`, body);

async function booked(paymentId) {
  const { payments } = await steer("GET", "/sandbox/payments");
  return payments.find((payment) => payment.paymentId === paymentId);
}

async function rejectedWith(promise, type) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.data.type, type);
    return true;
  });
}

test("pre-register fixes the amount that the browser may pay", options, async () => {
  const paymentId = newPayment();
  await portone.payment.preRegisterPayment({ paymentId, totalAmount: 150_000, currency: "KRW" });
  await assert.rejects(pay(paymentId, { outcome: "PAID", amount: 1, webhook: false }), /AmountNotEqualToPredefined/);
  await pay(paymentId, { outcome: "PAID", webhook: false });
  const payment = await portone.payment.getPayment({ paymentId });
  assert.equal(payment.status, "PAID");
  assert.equal(payment.amount.total, 150_000);
  await rejectedWith(portone.payment.preRegisterPayment({ paymentId, totalAmount: 1 }), "ALREADY_PAID");
});

test("get of a payment nobody tried is not found", options, async () => {
  const paymentId = newPayment();
  await portone.payment.preRegisterPayment({ paymentId, totalAmount: 1000 });
  await rejectedWith(portone.payment.getPayment({ paymentId }), "PAYMENT_NOT_FOUND");
});

test("get gives a whole paid record", options, async () => {
  const paymentId = newPayment();
  const { transactionId } = await pay(paymentId, { outcome: "PAID", amount: 110_000, webhook: false });
  const payment = await portone.payment.getPayment({ paymentId, storeId: credentials.storeId });
  assert.equal(payment.id, paymentId);
  assert.equal(payment.transactionId, transactionId);
  assert.equal(payment.storeId, credentials.storeId);
  assert.equal(payment.currency, "KRW");
  assert.equal(payment.channel.type, "TEST");
  assert.equal(payment.method.type, "PaymentMethodCard");
  assert.match(payment.method.card.number, /^\d{6}\*+\d{4}$/);
  assert.deepEqual(payment.disputes, []);
  for (const at of [payment.requestedAt, payment.updatedAt, payment.statusChangedAt, payment.paidAt])
    assert.ok(Math.abs(Date.now() - Date.parse(at)) < 60_000, at);
});

test("confirm charges an authorised payment once", options, async () => {
  const paymentId = newPayment();
  await portone.payment.preRegisterPayment({ paymentId, totalAmount: 88_000 });
  const { paymentToken, transactionId } = await pay(paymentId, { outcome: "AUTHORIZED", webhook: false });
  assert.equal((await portone.payment.getPayment({ paymentId })).status, "READY");
  assert.deepEqual((await booked(paymentId)).charges, []);

  await rejectedWith(portone.payment.confirmPayment({ paymentId, paymentToken: "another" }), "INVALID_PAYMENT_TOKEN");
  await rejectedWith(
    portone.payment.confirmPayment({ paymentId, paymentToken, totalAmount: 1 }),
    "INFORMATION_MISMATCH",
  );
  const confirmation = { paymentId, paymentToken, txId: transactionId, totalAmount: 88_000, currency: "KRW" };
  const answers = await Promise.allSettled([1, 2, 3, 4].map(() => portone.payment.confirmPayment(confirmation)));
  const confirmed = answers.filter((answer) => answer.status === "fulfilled");
  assert.equal(confirmed.length, 1);
  assert.ok(confirmed[0].value.pgTxId);
  for (const answer of answers.filter((one) => one.status === "rejected"))
    assert.equal(answer.reason.data.type, "ALREADY_PAID");
  assert.deepEqual((await booked(paymentId)).charges.map((charge) => charge.amount), [88_000]);
});

test("cancel gives money back in parts, never more than was paid", options, async () => {
  const paymentId = newPayment();
  const cancel = (body) => portone.payment.cancelPayment({ paymentId, reason: "a test", ...body });
  await rejectedWith(cancel({}), "PAYMENT_NOT_FOUND");
  await pay(paymentId, { outcome: "FAILED", amount: 5000, webhook: false });
  await rejectedWith(cancel({}), "PAYMENT_NOT_PAID");
  await pay(paymentId, { outcome: "PAID", amount: 5000, webhook: false });
  await rejectedWith(cancel({ amount: 5001 }), "CANCEL_AMOUNT_EXCEEDS_CANCELLABLE_AMOUNT");
  const { cancellation } = await cancel({ amount: 2000, currentCancellableAmount: 5000 });
  assert.equal(cancellation.status, "SUCCEEDED");
  assert.equal(cancellation.totalAmount, 2000);
  await rejectedWith(cancel({ currentCancellableAmount: 5000 }), "CANCELLABLE_AMOUNT_CONSISTENCY_BROKEN");
  const partly = await portone.payment.getPayment({ paymentId });
  assert.equal(partly.status, "PARTIAL_CANCELLED");
  assert.equal(partly.amount.cancelled, 2000);
  assert.equal((await cancel({})).cancellation.totalAmount, 3000);
  assert.equal((await portone.payment.getPayment({ paymentId })).status, "CANCELLED");
  await rejectedWith(cancel({}), "PAYMENT_ALREADY_CANCELLED");
  assert.deepEqual((await booked(paymentId)).cancellations.map((one) => one.amount), [2000, 3000]);
});

test("identity verification tells the same person by ci", options, async () => {
  const person = { name: "김하나", phone: "01012345678", birthDate: "1990-01-02" };
  const verify = async (body) => {
    const { identityVerificationId } = await steer("POST", "/sandbox/identity-verifications", body);
    return portone.identityVerification.getIdentityVerification({ identityVerificationId });
  };
  const first = await verify(person);
  assert.equal(first.status, "VERIFIED");
  assert.equal(first.verifiedCustomer.name, person.name);
  assert.equal(first.verifiedCustomer.phoneNumber, person.phone);
  assert.equal(first.verifiedCustomer.birthDate, person.birthDate);
  assert.equal(first.verifiedCustomer.ci.length, 88);
  assert.equal(first.verifiedCustomer.di.length, 64);
  const again = await verify({ ...person, ci: first.verifiedCustomer.ci });
  assert.equal(again.verifiedCustomer.di, first.verifiedCustomer.di);
  assert.notEqual((await verify(person)).verifiedCustomer.ci, first.verifiedCustomer.ci);
  await rejectedWith(
    portone.identityVerification.getIdentityVerification({ identityVerificationId: "nobody" }),
    "IDENTITY_VERIFICATION_NOT_FOUND",
  );
});

test("a webhook that was really sent passes the SDK's check, a forged one does not", options, async () => {
  const paymentId = newPayment();
  const noticeUrls = [receiver.url];
  const { transactionId } = await pay(paymentId, { outcome: "PAID", amount: 1000, noticeUrls });
  const { headers, body } = await receiver.next();
  assert.equal(headers["content-type"], "application/json");
  const webhook = await Webhook.verify(credentials.webhookSecret, body, headers);
  assert.equal(webhook.type, "Transaction.Paid");
  assert.deepEqual(webhook.data, { paymentId, storeId: credentials.storeId, transactionId });

  const altered = Webhook.verify(credentials.webhookSecret, body + " ", headers);
  await assert.rejects(altered, Webhook.WebhookVerificationError);
  await steer("POST", `/sandbox/payments/${paymentId}/webhook`, { forge: true });
  const forged = await receiver.next();
  assert.equal(forged.headers["webhook-id"], headers["webhook-id"]);
  await assert.rejects(
    Webhook.verify(credentials.webhookSecret, forged.body, forged.headers),
    Webhook.WebhookVerificationError,
  );

  const { cancellation } = await portone.payment.cancelPayment({ paymentId, reason: "a test" });
  const cancelled = await receiver.next();
  const news = await Webhook.verify(credentials.webhookSecret, cancelled.body, cancelled.headers);
  assert.equal(news.type, "Transaction.Cancelled");
  assert.equal(news.data.cancellationId, cancellation.id);
  const { webhook: resent } = await portone.payment.resendWebhook({ paymentId });
  assert.equal((await receiver.next()).headers["webhook-id"], resent.id);
});

test("a refused webhook is tried again with the same id", options, async () => {
  const stubborn = await startReceiver({ refuse: 1 });
  try {
    await pay(newPayment(), { outcome: "PAID", amount: 1000, noticeUrls: [stubborn.url] });
    const [first, second] = [await stubborn.next(), await stubborn.next()];
    assert.equal(second.headers["webhook-id"], first.headers["webhook-id"]);
    assert.equal(second.body, first.body);
    await Webhook.verify(credentials.webhookSecret, second.body, second.headers);
  } finally {
    stubborn.close();
  }
});

test("a wrong secret is unauthorized, another store forbidden", options, async () => {
  const stranger = PortOneClient({ secret: "wrong", baseUrl: sandbox });
  await rejectedWith(stranger.payment.getPayment({ paymentId: "x" }), "UNAUTHORIZED");
  await rejectedWith(portone.payment.getPayment({ paymentId: "x", storeId: "store-other" }), "FORBIDDEN");
});

test("login with the API secret gives tokens", options, async () => {
  const { accessToken, refreshToken } = await portone.auth.loginViaApiSecret({ apiSecret: credentials.portoneSecret });
  const response = await fetch(new URL("/payments/nothing", sandbox), {
    headers: { Authorization: `Bearer ${accessToken}` },
  });
  assert.equal(response.status, 404);
  const renewed = await portone.auth.refreshToken({ refreshToken });
  assert.notEqual(renewed.accessToken, accessToken);
  await rejectedWith(portone.auth.refreshToken({ refreshToken }), "UNAUTHORIZED");
  await rejectedWith(portone.auth.loginViaApiSecret({ apiSecret: "wrong" }), "UNAUTHORIZED");
});

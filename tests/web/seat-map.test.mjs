import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeLayout, decodeLive } from "../../web/seat-map.mjs";

const ID = (last) => `01a21ecb-bc0f-74fd-97ac-39ed88bd22${last}`;
const idsOf = (...lasts) =>
  Buffer.from(lasts.map((last) => ID(last).replaceAll("-", "")).join(""), "hex").toString("base64");

const LAYOUT = {
  scheduleId: ID("00"),
  version: 7,
  count: 5,
  rows: [
    { row: "A", grade: "VIP", price: 150000, numbers: [1, 2, 9, 1], places: [10, 20, null, null, 30, 20] },
    { section: "101", row: "B", grade: "S", price: 1000, numbers: [3, 2] },
  ],
  accessible: [0],
  viewRestricted: [4],
  ids: idsOf("a1", "a2", "a9", "b3", "b4"),
};
const live = (changes) => ({ scheduleId: ID("00"), layout: 7, version: 1, count: 5, sold: "EQ==", ...changes });

test("every seat has its row, number, place and id", () => {
  const seats = decodeLayout(LAYOUT);
  assert.deepEqual(
    seats.map(({ section, row, number, x, y }) => [section, row, number, x, y]),
    [
      [null, "A", 1, 10, 20],
      [null, "A", 2, null, null],
      [null, "A", 9, 30, 20],
      ["101", "B", 3, null, null],
      ["101", "B", 4, null, null],
    ],
  );
  assert.deepEqual(seats.map(({ id }) => id), ["a1", "a2", "a9", "b3", "b4"].map(ID));
  assert.deepEqual(seats.map(({ grade, price }) => `${grade} ${price}`).slice(2, 4), ["VIP 150000", "S 1000"]);
  assert.deepEqual(seats.map(({ accessible }) => accessible), [true, false, false, false, false]);
  assert.deepEqual(seats.map(({ viewRestricted }) => viewRestricted), [false, false, false, false, true]);
});

test("the lowest bit of a byte is the first seat", () => {
  const sold = decodeLive(LAYOUT, live());
  assert.deepEqual([0, 1, 2, 3, 4].map(sold), [true, false, false, false, true]);
});

test("a ninth seat is in the second byte", () => {
  const sold = decodeLive({ version: 7, count: 9 }, live({ count: 9, sold: Buffer.from([0, 1]).toString("base64") }));
  assert.deepEqual([7, 8].map(sold), [false, true]);
});

test("what does not belong together is refused", () => {
  assert.throws(() => decodeLive(LAYOUT, live({ layout: 8 })), /another layout/);
  assert.throws(() => decodeLive(LAYOUT, live({ count: 6 })), /not whole/);
  assert.throws(() => decodeLive(LAYOUT, live({ sold: "" })), /not whole/);
  assert.throws(() => decodeLayout({ ...LAYOUT, count: 4 }), /not whole/);
  assert.throws(() => decodeLayout({ ...LAYOUT, ids: idsOf("a1") }), /not whole/);
});

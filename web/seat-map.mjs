// Reads what GET /events/schedules/{id}/layout and /live answer (docs/seat-map.md). No dependencies; for pages and Node.

const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

const uuidOf = (bytes) => hexOf(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

function* numbersOf(runs) {
  for (let run = 0; run < runs.length; run += 2) {
    for (let n = 0; n < runs[run + 1]; n++) {
      yield runs[run] + n;
    }
  }
}

// All seats in the order of the layout, each { id, section, row, number, grade, price, x, y, accessible, viewRestricted };
// section, x and y are null where there is none.
export function decodeLayout(layout) {
  const ids = bytesOf(layout.ids);
  const seats = [];
  for (const { section = null, row, grade, price, numbers, places } of layout.rows) {
    let place = 0;
    for (const number of numbersOf(numbers)) {
      const at = seats.length * 16;
      const id = uuidOf(ids.subarray(at, at + 16));
      const [x, y] = places ? places.slice(place, place + 2) : [null, null];
      place += 2;
      seats.push({ id, section, row, number, grade, price, x, y, accessible: false, viewRestricted: false });
    }
  }
  if (seats.length !== layout.count || ids.length !== layout.count * 16) {
    throw new RangeError("the layout is not whole");
  }
  for (const index of layout.accessible) {
    seats[index].accessible = true;
  }
  for (const index of layout.viewRestricted) {
    seats[index].viewRestricted = true;
  }
  return seats;
}

// Whether the seat at an index of the layout is SOLD: a function that answers for all of them. `live` of another layout
// is an error: fetch the layout that it names.
export function decodeLive(layout, live) {
  const bits = bytesOf(live.sold);
  if (live.layout !== layout.version) {
    throw new RangeError("the live state is of another layout");
  }
  if (live.count !== layout.count || bits.length !== Math.ceil(live.count / 8)) {
    throw new RangeError("the live state is not whole");
  }
  return (index) => ((bits[index >> 3] >> (index & 7)) & 1) === 1;
}

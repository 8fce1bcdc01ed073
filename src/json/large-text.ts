/** Below that it is cheaper to write a value anew, beside others, than to send it apart. */
const LARGE_BYTES = 256 * 1024;

/**
 * A number of which Postgres might keep more than JSON.parse, which makes 0 or Infinity of it: `1e-9999` would come back as 10,000
 * digits, and `1e999999` not go in. Outside of texts a number stands at the start or after one of these characters; what looks like
 * one inside of a text does no harm.
 */
const ODD_NUMBER = /(?:^|[\s[:,])-?\d(?:[\d.]{200}|[\d.]*[eE][+-]?\d{3})/;

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** The bytes of a JSON text, fit to be stored as they are; undefined where the value is better written anew. */
export function largeText(bytes: Uint8Array, text: string): Uint8Array | undefined {
  if (bytes.byteLength < LARGE_BYTES || ODD_NUMBER.test(text)) return undefined;
  const isMarked = BYTE_ORDER_MARK.every((byte, index) => bytes[index] === byte);
  return isMarked ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;
}

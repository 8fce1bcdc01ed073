/** What was sent is no photo that is taken; the message says why, to the sender. */
export class BadImage extends Error {
  override readonly name = 'BadImage';
}

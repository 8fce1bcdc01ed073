/** The input can never be analysed, however often it is tried: a retry is pointless. */
export class IntegrationError extends Error {
  override readonly name = 'IntegrationError';
  readonly code = 'IntegrationError';
}

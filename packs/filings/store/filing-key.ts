/** Which filing, and whose: no tenant sees or overwrites another's. */
export interface FilingKey {
  tenant: string;
  ticker: string;
  year: number;
}

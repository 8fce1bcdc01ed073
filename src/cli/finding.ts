/** One thing that was looked at, and what helps where it is not as it should be. */
export interface Finding {
  state: 'good' | 'note' | 'bad';
  what: string;
  remedy?: string;
}

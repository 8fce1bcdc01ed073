export interface Finding {
  state: 'good' | 'note' | 'bad';
  what: string;
  remedy?: string;
}

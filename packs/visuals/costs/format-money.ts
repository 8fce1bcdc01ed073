const dollars = new Intl.NumberFormat('en-US', {
  style: 'currency',
  currency: 'USD',
  maximumFractionDigits: 0,
});
const cents = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' });
const short = new Intl.NumberFormat('en-US', {
  style: 'currency',
  currency: 'USD',
  notation: 'compact',
  maximumFractionDigits: 1,
});
const percent = new Intl.NumberFormat('en-US', { style: 'percent', maximumFractionDigits: 1 });

/** `$12,500` */
export const formatMoney = (amount: number): string => dollars.format(amount);
/** `$1,041.67` */
export const formatCents = (amount: number): string => cents.format(amount);
/** `$2.5K`, for axes. */
export const formatShort = (amount: number): string => short.format(amount);
/** `80%` for 80. */
export const formatPercent = (value: number): string => percent.format(value / 100);

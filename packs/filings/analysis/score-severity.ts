import { findLargestAmount, type Amount } from './find-largest-amount.ts';
import type { ClosestPrior } from './index-chunks.ts';
import { readWords } from './read-words.ts';
import { scoreKeywords } from './score-keywords.ts';
import { scoreSentiment } from './score-sentiment.ts';
import type { Score } from './types.ts';

const weights = { sentiment: 0.45, amount: 0.35, keywords: 0.1, distance: 0.1 };

export type SeverityBand = 'low' | 'moderate' | 'high' | 'severe';

export interface Severity extends Score {
  band: SeverityBand;
  /** In dollars; null where the passage names no sum. */
  largestAmount: number | null;
}

interface Passage {
  text: string;
  closestInLastYear: ClosestPrior | null;
}

/**
 * .45 negative sentiment + .35 largest dollar amount + .10 keyword density + .10 distance to the prior year, 0..1.
 * The amount is measured by the company's market capitalisation, or where that is unknown from a million dollars (0)
 * to a trillion (1), by powers of ten.
 */
export function scoreSeverity({ text, closestInLastYear }: Passage, marketCap: number | null): Severity {
  const words = readWords(text);
  const sentiment = scoreSentiment(words);
  const amount = findLargestAmount(text);
  const amountValue = weighAmount(amount, marketCap);
  const keywords = scoreKeywords(words);
  const distance = closestInLastYear ? 1 - closestInLastYear.similarity : 1;

  const value = round(
    weights.sentiment * sentiment.value +
      weights.amount * amountValue +
      weights.keywords * keywords.value +
      weights.distance * distance,
  );
  const band = bandOf(value);
  const parts = [
    part('negative sentiment', weights.sentiment, sentiment.value, quoteTerms(sentiment.terms)),
    part('dollar amount', weights.amount, amountValue, explainAmount(amount, marketCap)),
    part(
      'keyword density',
      weights.keywords,
      keywords.value,
      `${keywords.perThousand.toFixed(0)} per 1000 words`,
    ),
    part(
      'distance to prior year',
      weights.distance,
      distance,
      closestInLastYear?.id ?? 'no prior year, counted as new',
    ),
  ];
  const explanation = `${band} (${value.toFixed(2)}): ${parts.join('; ')}.`;
  return { value, explanation, band, largestAmount: amount?.value ?? null };
}

export function bandOf(value: number): SeverityBand {
  if (value < 0.3) return 'low';
  if (value < 0.5) return 'moderate';
  return value < 0.7 ? 'high' : 'severe';
}

function weighAmount(amount: Amount | null, marketCap: number | null): number {
  if (!amount) return 0;
  const share = isKnown(marketCap) ? amount.value / marketCap : (Math.log10(amount.value) - 6) / 6;
  return Math.min(1, Math.max(0, share));
}

function isKnown(marketCap: number | null): marketCap is number {
  return marketCap !== null && Number.isFinite(marketCap) && marketCap > 0;
}

function explainAmount(amount: Amount | null, marketCap: number | null): string {
  if (!amount) return 'none named';
  return `${amount.text} ${isKnown(marketCap) ? 'against the market capitalisation' : 'on a scale from a million to a trillion'}`;
}

function part(name: string, weight: number, value: number, reason: string): string {
  return `${name} ${(weight * value).toFixed(2)} (${weight.toFixed(2)} × ${value.toFixed(2)}: ${reason})`;
}

function quoteTerms(terms: string[]): string {
  const distinct = [...new Set(terms)];
  return distinct.length === 0
    ? 'no negative words'
    : distinct.slice(0, 6).join(', ') + (distinct.length > 6 ? ', …' : '');
}

function round(value: number): number {
  return Math.round(Math.min(1, Math.max(0, value)) * 10_000) / 10_000;
}

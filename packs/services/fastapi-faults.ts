import type { DialectError } from 'lovage';

/** The faults of a request as FastAPI lists them under `detail`. */
export const listFaults = (faults: DialectError['faults']): { loc: Place[]; msg: string; type: string }[] =>
  faults.map(({ pointer, detail: msg }) => ({ loc: placeOf(pointer), msg, type: 'value_error' }));

type Place = string | number;

/** Pointers name a place in the body, bare names a query parameter. */
function placeOf(pointer: string): Place[] {
  const isBody = pointer === '' || pointer.startsWith('/');
  return isBody ? ['body', ...pointer.split('/').slice(1).map(asPlace)] : ['query', pointer];
}

/** Places in a list are numbers, as in Python. */
const asPlace = (part: string): Place => (/^\d+$/.test(part) ? Number(part) : part);

export { locateCluster } from './data-dir.ts';
export { startEmbeddedPostgres } from './start.ts';
export type { EmbeddedPostgres, StartOptions } from './start.ts';
export { EmbeddedPostgresError } from './error.ts';
export type { EmbeddedPostgresErrorCode } from './error.ts';

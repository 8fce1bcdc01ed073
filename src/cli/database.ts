import { startEmbeddedPostgres } from '../embedded-postgres/index.ts';
import type { Settings } from '../settings.ts';

export interface Database {
  url: string;
  /** Past a pooler, where one stands in between. */
  directUrl?: string | undefined;
  isEmbedded: boolean;
  /** Lets go of it: the embedded server stops when nobody else uses it. */
  release(): Promise<void>;
}

/** The Postgres of `DATABASE_URL`, else the embedded one: joined where it runs already, started otherwise. */
export async function openDatabase(settings: Settings): Promise<Database> {
  if (settings.databaseUrl) {
    const { databaseUrl: url, directUrl } = settings;
    return { url, directUrl, isEmbedded: false, release: async () => undefined };
  }
  const server = await startEmbeddedPostgres({ dataDir: settings.dataDir });
  return { url: server.url, isEmbedded: true, release: async () => void (await server.release()) };
}

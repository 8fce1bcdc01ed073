import { locateCluster, startEmbeddedPostgres } from '../embedded-postgres/index.ts';
import { SetupError } from '../errors.ts';
import type { Settings } from '../settings/settings.ts';

export interface Database {
  url: string;
  /** Past a pooler, where one stands in between. */
  directUrl?: string | undefined;
  isEmbedded: boolean;
  /** Lets go of it: the embedded server stops when nobody else uses it. */
  release(): Promise<void>;
}

/**
 * The Postgres of `DATABASE_URL`, else the embedded one: joined where it runs already, started otherwise.
 * @throws SetupError where whoever only looks (`makes` false) goes by an API, and there is no embedded one yet: an empty database would
 * tell him nothing.
 */
export async function openDatabase(settings: Settings, { makes = true } = {}): Promise<Database> {
  if (settings.databaseUrl) {
    const { databaseUrl: url, directUrl } = settings;
    return { url, directUrl, isEmbedded: false, release: async () => undefined };
  }
  if (!makes && settings.apiUrl && !(await locateCluster(settings.dataDir)))
    throw new SetupError(
      'LOVAGE_URL leads to an API, and this command needs the database behind it: set DATABASE_URL',
    );
  const server = await startEmbeddedPostgres({ dataDir: settings.dataDir });
  return { url: server.url, isEmbedded: true, release: async () => void (await server.release()) };
}
